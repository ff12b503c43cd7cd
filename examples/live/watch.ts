import { watchJob } from "tidegate/client";
import type { importCsv } from "./queue.ts";

// #region watch
/** Shows how far an import is, without React. */
export async function follow(token: string, show: (text: string) => void): Promise<void> {
  for await (const { state, progress, result } of watchJob<typeof importCsv>({ url: "/queue", token })) {
    if (state === "completed") show(`${result?.imported} rows imported.`);
    else if (state === "dead" || state === "gone") show("The import has failed.");
    else show(`${progress ?? 0} rows so far.`);
  }
}
// #endregion
