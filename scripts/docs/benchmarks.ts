// Writes the pages of the measurements and their plots from bench/results.json, without measuring anything.
import { readFile } from "node:fs/promises";
import { pagesOf } from "../../bench/pages/index.ts";
import { replaceFile, type Writing } from "../shared/files.ts";

/** Writes the pages and plots of the measurements. @returns the files that were rewritten, or would be */
export async function benchmarks(how: Writing): Promise<string[]> {
  const results = JSON.parse(await readFile(new URL("../../bench/results.json", import.meta.url), "utf8"));
  const pages = pagesOf(results);
  const replaced = await Promise.all(pages.map(([file, content]) => replaceFile(file, content, how)));
  return replaced.flat();
}
