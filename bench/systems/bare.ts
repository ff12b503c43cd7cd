import { keysOf } from "../../src/stores/redis/keys.ts";
import { scripts } from "../../src/stores/redis/scripts.ts";
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

const BEFORE_SETTLED = 3;
const PER_JOB = 4;
/** How many values of ARGV an outcome takes. */
const PER_OUTCOME = 9;

async function loop(batchSize: number, jobs: number, record: string, rest: Connections["rest"]): Promise<number> {
  let done = 0;
  let settled: string[] = [];
  do {
    const outcomes = settled.length / PER_OUTCOME;
    const answer = await exchange(rest, Math.min(batchSize, jobs - done), outcomes, settled);
    const [taken, ...rows] = answer.slice(BEFORE_SETTLED + outcomes);
    settled = [];
    for (let at = 0; at < Number(taken) * PER_JOB; at += PER_JOB) {
      settled.push("completed", rows[at] ?? "", rows[at + 1] ?? "", "", record, "", "", "", "");
    }
    done += Number(taken);
  } while (settled.length > 0);
  return done;
}

const keys = keysOf("tidegate", QUEUE).all;
const beginning = ["EVALSHA", scripts.exchange.shas.plain, String(keys.length), ...keys];

/** exchange.lua describes the arguments: no look ahead, a lease of a minute, a retention of a day, nothing timed, no schedules. */
async function exchange(
  { url, token }: Connections["rest"],
  limit: number,
  outcomes: number,
  settled: readonly string[],
): Promise<readonly string[]> {
  const head = [Date.now(), 0, 7, limit, 0, 60_000, 86_400_000, 4_194_304, outcomes];
  const response = await fetch(url, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    body: JSON.stringify([...beginning, ...head, ...settled, "0"]),
  });
  const { result, error } = (await response.json()) as { result: [number, string[]]; error?: string };
  if (error) throw new Error(error);
  return result[1];
}
