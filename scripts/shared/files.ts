// Writes generated files, or checks that they are up to date.
import { readdirSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
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

/** README.md and all Markdown files in docs/, apart from the API reference, which the site makes there. */
export function markdownFiles(root: string): string[] {
  const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" });
  const pages = docs.filter((file) => file.endsWith(".md") && !file.startsWith("api")).sort();
  return ["README.md", ...pages.map((file) => join("docs", file))];
}
