import { keysOf } from "../src/stores/upstash/keys.ts";
import { scripts } from "../src/stores/upstash/scripts.ts";
import { type FullTask, payloadOf, QUEUE, timed } from "./task.ts";

/** What a drain does for a completed job, as text made beforehand. */
function finishedRecord(payloadBytes: number): string {
  const at = Date.now();
  const end = { at, startedAt: at, attempts: 1, expiresAt: at + 86_400_000 };
  return `1:${JSON.stringify({ name: "empty", payload: payloadOf(payloadBytes), enqueuedAt: at, end })}`;
}

/**
 * The limit: the same script with the same batches over the same HTTP, and no queue around it. No record is read or
 * written, no job is run: what was claimed is handed in as completed, with a record prepared beforehand.
 */
export function drainBare(task: FullTask, { url, token }: { readonly url: string; readonly token: string }) {
  const { jobs, batchSize, payloadBytes } = task;
  const keys = keysOf("tidegate", QUEUE).all;
  const record = finishedRecord(payloadBytes);
  const start = ["EVALSHA", scripts.exchange.sha, String(keys.length), ...keys];
  const exchange = async (limit: number, settled: readonly string[]): Promise<readonly string[]> => {
    const head = [Date.now(), 0, 7, limit, 60_000, 86_400_000, 4_194_304, settled.length / 5];
    const response = await fetch(url, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
      body: JSON.stringify([...start, ...head, ...settled, "0"]),
    });
    const { result, error } = (await response.json()) as { result: [number, string[]]; error?: string };
    if (error) throw new Error(error);
    return result[1].slice(2 + settled.length / 5);
  };
  return timed(async () => {
    let done = 0;
    let settled: string[] = [];
    do {
      const [taken, ...rows] = await exchange(Math.min(batchSize, jobs - done), settled);
      settled = [];
      for (let at = 0; at < Number(taken) * 4; at += 4) {
        settled.push("completed", rows[at] ?? "", rows[at + 1] ?? "", "", record);
      }
      done += Number(taken);
    } while (settled.length > 0);
    return done;
  });
}
