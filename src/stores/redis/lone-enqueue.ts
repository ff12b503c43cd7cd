import { waitingScore } from "../../core/store/score.ts";
import type { NewJob } from "../../core/store/store.ts";
import type { Command, InPlace } from "./connection.ts";
import type { QueueKeys } from "./keys.ts";

// A job whose id was made for it takes two plain commands, one fewer than the script: first its record, then its member
// of `due`. Nobody knows its id before both have run, so nobody finds it half stored. If the second command never
// arrives, no reader meets the record, and lua/_settle.lua removes it later.

/** UUIDv7, which says when it was made. As in lua/_settle.lua. */
const TIME_ORDERED_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7/i;

/** The job of a call that plain commands can store; undefined if the call needs the script. */
export function loneJob(jobs: readonly NewJob[]): NewJob | undefined {
  const [job] = jobs;
  if (jobs.length !== 1 || !job?.isFreshId) return undefined;
  const isPlain = !job.dedupe && !job.flow && job.leaseEndsAt === undefined && TIME_ORDERED_ID.test(job.id);
  return isPlain ? job : undefined;
}

/** Stores a lone job. The second command adds no member if the job exists. */
export function loneEnqueue({ id, runAt, record }: NewJob, keys: QueueKeys): InPlace {
  return {
    commands: [
      ["HSETNX", keys.jobs, id, record],
      ["ZADD", keys.due, "NX", String(waitingScore(runAt)), id],
    ],
    takeBack([stored, placed]) {
      const commands: Command[] = [];
      if (Number(stored) === 1) commands.push(["HDEL", keys.jobs, id]);
      if (Number(placed) > 0) commands.push(["ZREM", keys.due, id]);
      return commands;
    },
  };
}
