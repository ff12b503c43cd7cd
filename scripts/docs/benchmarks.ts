// Writes docs/benchmarks.md, docs/scaling.md and their plots from bench/results.json: no measurement is made.
import { readFile } from "node:fs/promises";
import { pagesOf } from "../../bench/pages/index.ts";
import { replaceFile, type Writing } from "../shared/files.ts";

/** Writes the pages and plots that show what was measured. @returns the files that were rewritten, or would be */
export async function benchmarks(how: Writing): Promise<string[]> {
  const results = JSON.parse(await readFile(new URL("../../bench/results.json", import.meta.url), "utf8"));
  const pages = pagesOf(results);
  const replaced = await Promise.all(pages.map(([file, content]) => replaceFile(file, content, how)));
  return replaced.flat();
}
