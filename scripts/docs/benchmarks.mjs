// Writes docs/benchmarks.md, docs/scaling.md and their plots from bench/results.json: no measurement is made.
import { readFile } from "node:fs/promises";
import { createJiti } from "jiti";
import { replaceFile } from "../generated.mjs";

/**
 * Writes the pages and plots that show what was measured.
 *
 * @param {object} how
 * @param {boolean} how.check writes nothing.
 * @returns {Promise<string[]>} the files that were rewritten, or would be.
 */
export async function benchmarks({ check }) {
  const { pagesOf } = await createJiti(import.meta.url).import("../../bench/pages/index.ts");
  const results = JSON.parse(await readFile(new URL("../../bench/results.json", import.meta.url), "utf8"));
  const pages = pagesOf(results);
  const replaced = await Promise.all(pages.map(([file, content]) => replaceFile(file, content, { check })));
  return replaced.flat();
}
