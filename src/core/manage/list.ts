import { LONGEST_NAME } from "../job/options.ts";
import { invalidRequest } from "../shared/errors.ts";
import { bytesOf, MOST_LISTED_BYTES } from "../shared/limits.ts";
import { checkKnown, checkText, oneOf, wholeNumber } from "../shared/validate.ts";
import { type JobState, jobStates, type QueueStore, type StoredJob } from "../store/store.ts";
import type { JobInfo } from "./job-info.ts";

/** Which jobs to list. */
export interface ListOptions {
  /** Default: all that are pending, then running, completed and dead, in this order. */
  readonly state?: JobState | undefined;
  /** Only jobs of this name. A page may then be short, or empty, with more to come: go on while there is a cursor. */
  readonly name?: string | undefined;
  /** From the page before. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
}

/** One page of a list. */
export interface JobPage<Job = JobInfo> {
  /** As many as `limit` at most; fewer, with more to come, where more would be larger than 3 MiB together. */
  readonly jobs: readonly Job[];
  /** Where the next page begins; null on the last one. */
  readonly cursor: string | null;
}

const optionNames = ["state", "name", "cursor", "limit"];

/** How many jobs one call looks through for a rare name, before it answers with what it has and a cursor. */
const MOST_LOOKED_AT = 1_000;

/**
 * Reads a page of jobs, of one state or of one state after the other. It ends early where the records looked at are large: what
 * is left of the bound would hold few more, and each look takes a round trip.
 *
 * @throws {TidegateError} `invalid_request`
 */
export async function listJobs(
  store: QueueStore,
  options: ListOptions,
  now: number,
  show: (stored: StoredJob) => JobInfo | undefined,
): Promise<JobPage> {
  checkKnown(options, optionNames, "a list");
  const { name, state } = options;
  const limit = wholeNumber(options.limit ?? 100, "limit", 1, 1_000);
  if (name !== undefined) checkText(name, "name", LONGEST_NAME);
  oneOf(state, jobStates, "state");
  const states = state === undefined ? jobStates : [state];
  let { index, cursor } = readCursor(options.cursor, states);
  const jobs: JobInfo[] = [];
  let lookedAt = 0;
  let bytes = 0;
  const hasRoom = () => jobs.length < limit && lookedAt < MOST_LOOKED_AT && bytes <= MOST_LISTED_BYTES / 2;
  while (hasRoom() && index < states.length) {
    const most = { limit: limit - jobs.length, mostBytes: MOST_LISTED_BYTES - bytes };
    const page = await store.list(states[index] as JobState, { cursor, ...most, now });
    lookedAt += page.items.length;
    for (const stored of page.items) {
      bytes += bytesOf(stored.record);
      const job = show(stored);
      if (job && (name === undefined || job.name === name)) jobs.push(job);
    }
    cursor = page.cursor;
    if (cursor === undefined) index++;
  }
  return { jobs, cursor: index < states.length ? `${states[index]}:${cursor ?? ""}` : null };
}

/** A cursor is the state that it stands in, and the store's own cursor there. */
function readCursor(cursor: unknown, states: readonly JobState[]): { index: number; cursor: string | undefined } {
  if (cursor === undefined || cursor === null) return { index: 0, cursor: undefined };
  const [, state, rest] = (typeof cursor === "string" && /^([a-z]+):(.*)$/s.exec(cursor)) || [];
  const index = states.indexOf(state as JobState);
  if (index < 0) throw invalidRequest("cursor must be the one that the page before came with, for the same state.");
  return { index, cursor: rest || undefined };
}
