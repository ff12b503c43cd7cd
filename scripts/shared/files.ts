// Writes generated files, or checks that they are up to date.
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

export interface Writing {
  /** Whether to write nothing, and only name the files that differ. */
  readonly check: boolean;
  /** The folder that paths are relative to. Default: the repository. */
  readonly root?: string;
}

/** Writes a file if it differs. @returns the file, if it differed */
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
 * Makes a folder contain the same Markdown files as another one.
 *
 * @param source the path of the other one.
 * @returns the files that differed, were missing, or were superfluous.
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

/** README.md and all Markdown files in docs/. */
export function markdownFiles(root: string): string[] {
  return ["README.md", ...markdownIn(join(root, "docs")).map((file) => join("docs", file))];
}

/** The Markdown files in a folder; none if it does not exist. */
function markdownIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .sort();
}
