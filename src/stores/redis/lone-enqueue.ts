import type { NewJob } from "../../core/store/store.ts";
import type { Command, InPlace } from "./connection.ts";
import type { QueueKeys } from "./keys.ts";
import { waitingScore } from "./score.ts";

// One job with an id made for it takes two plain commands, which are one fewer than the script: first its record, then its place among
// those that wait. Nobody knows its id before both have run, so that nobody can find it half stored. Should the second one never arrive,
// a record is left that no reader meets, and lua/exchange.lua removes it by its age.

/** UUIDv7, as `timeOrderedIds` makes them: such an id says when it was made. As in lua/exchange.lua. */
const TIME_ORDERED_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7/i;

/** The job of a call that plain commands can store; undefined where the call needs the script. */
export function loneJob(jobs: readonly NewJob[]): NewJob | undefined {
  const [job] = jobs;
  if (jobs.length !== 1 || !job?.isFreshId) return undefined;
  const isPlain = !job.dedupe && !job.flow && job.leaseEndsAt === undefined && TIME_ORDERED_ID.test(job.id);
  return isPlain ? job : undefined;
}

/** The commands that store a lone job. The second one answers 1 where it is new. */
export function loneEnqueue({ id, runAt, record }: NewJob, keys: QueueKeys): InPlace {
  return {
    commands: [
      ["HSETNX", keys.jobs, id, record],
      ["ZADD", keys.due, "NX", String(waitingScore(runAt)), id],
    ],
    takeBack([stored, placed]) {
      const commands: Command[] = [];
      if (Number(stored) === 1) commands.push(["HDEL", keys.jobs, id]);
      if (Number(placed) === 1) commands.push(["ZREM", keys.due, id]);
      return commands;
    },
  };
}
