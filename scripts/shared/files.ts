// How generated files are written, or compared with what they would be.
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

export interface Writing {
  /** Whether nothing is written, and what differs is only named. */
  readonly check: boolean;
  /** The folder that paths start from. Default: the repository. */
  readonly root?: string;
}

/** Writes a file where it differs. @returns the file, where it differed */
export async function replaceFile(
  file: string,
  content: string,
  { check, root = repository }: Writing,
): Promise<string[]> {
  const path = join(root, file);
  if ((await readFile(path, "utf8").catch(() => undefined)) === content) return [];
  if (!check) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  return [file];
}

/**
 * Makes a folder hold the same Markdown files as another one.
 *
 * @param source the path of the other one.
 * @returns the files that differed, were missing, or too many.
 */
export async function replaceFolder(
  folder: string,
  source: string,
  { check, root = repository }: Writing,
): Promise<string[]> {
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
function markdownIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .sort();
}
