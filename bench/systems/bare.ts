import { MOST_CLAIMED_BYTES } from "../../src/core/shared/limits.ts";
import type { LeasedJob, Outcome } from "../../src/core/store/store.ts";
import { textsOf } from "../../src/stores/redis/caller.ts";
import { exchangeReply } from "../../src/stores/redis/exchange.ts";
import { keysOf } from "../../src/stores/redis/keys.ts";
import { figureArguments, followUpArguments, outcomeArguments } from "../../src/stores/redis/outcomes.ts";
import { scripts } from "../../src/stores/redis/scripts.generated.ts";
import { QUEUE } from "../queue.ts";
import { type Connections, type FullTask, payloadOf, sum, timed } from "../task.ts";

/** The outcome of a completed job, as text prepared beforehand. */
function finishedRecord(payloadBytes: number): string {
  const at = Date.now();
  const end = { at, startedAt: at, attempts: 1, expiresAt: at + 86_400_000 };
  return `1:${JSON.stringify({ name: "empty", payload: payloadOf(payloadBytes), enqueuedAt: at, end })}`;
}

/**
 * The limit: the same script with the same batches over the same HTTP, without a queue around it. It reads and writes no record
 * and runs no job: it settles each claimed job as completed, with a record prepared beforehand.
 */
export function drainBare(task: FullTask, connections: Connections) {
  const record = finishedRecord(task.payloadBytes);
  const share = Math.ceil(task.jobs / task.drains);
  return timed(async () => {
    const loops = Array.from({ length: task.drains }, () => loop(task.batchSize, share, record, connections.rest));
    return sum(await Promise.all(loops));
  });
}

async function loop(batchSize: number, jobs: number, record: string, rest: Connections["rest"]): Promise<number> {
  let done = 0;
  let ended: readonly Outcome[] = [];
  do {
    const taken = await exchange(rest, Math.min(batchSize, jobs - done), ended);
    ended = taken.map(({ lease }) => ({ to: "completed", lease, record, at: Date.now() }));
    done += taken.length;
  } while (ended.length > 0);
  return done;
}

const keys = keysOf("tidegate", QUEUE).all;
const beginning = ["EVALSHA", scripts.exchange.shas.plain, String(keys.length), ...keys];

/** exchange.lua describes the arguments: no sweep, keys, schedules or figures by name, a lease of a minute, a retention of a day. */
async function exchange(
  { url, token }: Connections["rest"],
  limit: number,
  ended: readonly Outcome[],
): Promise<readonly LeasedJob[]> {
  const now = Date.now();
  const head = [now, 0, 7, limit, 0, 60_000, 86_400_000, MOST_CLAIMED_BYTES, 0, 0, 0, 1];
  const settled = [...outcomeArguments(ended, now), ...followUpArguments(ended), ...figureArguments(ended, undefined)];
  const tail = ["0", "0"];
  const response = await fetch(url, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    body: JSON.stringify([...beginning, ...head, ...settled, ...tail]),
  });
  const { result, error } = (await response.json()) as { result: [number, string[]]; error?: string };
  if (error) throw new Error(error);
  return exchangeReply(textsOf(result[1]), ended.length, 0, now).jobs;
}
