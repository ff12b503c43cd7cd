import type { Results } from "../results.ts";
import { benchmarksPage } from "./benchmarks.ts";
import { drawn, plotsOf } from "./plots.ts";
import { scalingPage } from "./scaling.ts";

/** Everything in docs/ that is made from the results of a whole run: path and content of each file. */
export function pagesOf(results: Results): readonly (readonly [file: string, content: string])[] {
  return [
    ["docs/internals/benchmarks.md", benchmarksPage(results)],
    ["docs/internals/scaling.md", scalingPage(results)],
    ...plotsOf(results).map((plot) => [plot.file, drawn(plot)] as const),
  ];
}
