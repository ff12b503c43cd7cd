// How generated files are written, or compared with what they would be.
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("..", import.meta.url));

/**
 * Writes a file where it differs.
 *
 * @param {string} file
 * @param {string} content
 * @param {object} how
 * @param {boolean} how.check writes nothing.
 * @param {string} [how.root] the folder that paths start from. Default: the repository.
 * @returns {Promise<string[]>} the file, where it differed.
 */
export async function replaceFile(file, content, { check, root = repository }) {
  const path = join(root, file);
  if ((await readFile(path, "utf8").catch(() => undefined)) === content) return [];
  if (!check) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  return [file];
}

/**
 * Writes a source that is made from others. With --check on the command line it writes nothing, and where it would have to it
 * tells so, and the process ends with 1.
 *
 * @param {string} file
 * @param {string} content
 * @param {string} origin what it is made from, as a reader of the message knows it.
 */
export async function generate(file, content, origin) {
  const check = process.argv.includes("--check");
  const [outdated] = await replaceFile(file, content, { check });
  if (!check || !outdated) return;
  console.error(`${file} differs from ${origin}. Run: npm run generate`);
  process.exitCode = 1;
}

/**
 * Makes a folder hold the same Markdown files as another one.
 *
 * @param {string} folder
 * @param {string} source the path of the other one.
 * @param {object} how
 * @param {boolean} how.check writes and removes nothing.
 * @param {string} [how.root] the folder that `folder` starts from. Default: the repository.
 * @returns {Promise<string[]>} the files that differed, were missing, or too many.
 */
export async function replaceFolder(folder, source, { check, root = repository }) {
  const files = markdownIn(source);
  const surplus = markdownIn(join(root, folder)).filter((file) => !files.includes(file));
  if (!check) for (const file of surplus) await rm(join(root, folder, file));
  const replaced = await Promise.all(
    files.map(async (file) =>
      replaceFile(join(folder, file), await readFile(join(source, file), "utf8"), { check, root }),
    ),
  );
  return [...surplus.map((file) => join(folder, file)), ...replaced.flat()];
}

/** The Markdown files below a folder; none where it does not exist. */
function markdownIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .sort();
}
