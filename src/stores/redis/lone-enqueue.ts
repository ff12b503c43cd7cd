import { waitingScore } from "../../core/store/score.ts";
import type { NewJob } from "../../core/store/store.ts";
import type { Command, InPlace } from "./connection.ts";
import type { QueueKeys } from "./keys.ts";
import { NAMES_MEMBER, NO_NAMES } from "./members.ts";

// One job with an id made for it takes two plain commands, which are one fewer than the script: first its record, then
// its place among those that wait. Nobody knows its id before both have run, so that nobody can find it half stored.
// Should the second one never arrive, a record is left that no reader meets, and lua/exchange.lua removes it by its
// age.

/** UUIDv7, as `timeOrderedIds` makes them: such an id says when it was made. As in lua/exchange.lua. */
const TIME_ORDERED_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7/i;

/** The job of a call that plain commands can store; undefined where the call needs the script. */
export function loneJob(jobs: readonly NewJob[]): NewJob | undefined {
  const [job] = jobs;
  if (jobs.length !== 1 || !job?.isFreshId) return undefined;
  const isPlain = !job.dedupe && !job.flow && job.leaseEndsAt === undefined && TIME_ORDERED_ID.test(job.id);
  return isPlain ? job : undefined;
}

/**
 * The commands that store a lone job. The second one replies how many members it has added: none if the job is there
 * already, and two if no job was ever there, because it also adds the mark that stays once a queue was used.
 */
export function loneEnqueue({ id, runAt, record }: NewJob, keys: QueueKeys): InPlace {
  return {
    commands: [
      ["HSETNX", keys.jobs, id, record],
      ["ZADD", keys.due, "NX", String(waitingScore(runAt)), id, String(NO_NAMES), NAMES_MEMBER],
    ],
    takeBack([stored, placed]) {
      const commands: Command[] = [];
      if (Number(stored) === 1) commands.push(["HDEL", keys.jobs, id]);
      if (Number(placed) > 0) commands.push(["ZREM", keys.due, id]);
      return commands;
    },
  };
}
