import { LONGEST_NAME } from "../job/options.ts";
import { invalidRequest } from "../shared/errors.ts";
import { bytesOf, MOST_LISTED_BYTES } from "../shared/limits.ts";
import { checkText, knownOptions, oneOf, wholeNumber } from "../shared/validate.ts";
import { type JobState, jobStates } from "../store/store.ts";
import { checkGroup } from "./failures.ts";
import { type JobInfo, jobInfo } from "./job-info.ts";
import type { ManageNeeds } from "./needs.ts";

/** Which jobs to list. */
export interface ListOptions {
  /** Default: all states, in this order: scheduled, ready, running, completed, dead. */
  readonly state?: JobState | undefined;
  /** Only jobs of this name. A page may then be short or empty although more follow: continue while there is a cursor. */
  readonly name?: string | undefined;
  /** The cursor of the page before. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
}

/** Which dead jobs to list. */
export interface DeadListOptions extends Omit<ListOptions, "state"> {
  /** Only jobs of this group of failures, as `getFailures` names it. */
  readonly group?: string | undefined;
}

/** One page of a list. */
export interface JobPage<Job = JobInfo> {
  /** At most `limit`. Fewer, although more follow, if they would be larger than 3 MiB together. */
  readonly jobs: readonly Job[];
  /** Where the next page begins; null on the last one. */
  readonly cursor: string | null;
}

const optionNames = ["state", "name", "cursor", "limit"];

/** How many jobs one call examines for a rare name, before it returns what it has found and a cursor. */
const MOST_EXAMINED = 1_000;

/**
 * Reads a page of jobs, of one state or of one state after another. It ends early if the records are large: what is left of the
 * bound would hold few more, and each read takes a round trip.
 *
 * @throws {TidegateError} `invalid_request`
 */
export async function listJobs(
  { queue, jobs: definitions, clock, reader }: ManageNeeds,
  given: ListOptions & DeadListOptions,
): Promise<JobPage> {
  const now = clock();
  const options = knownOptions(given, given?.state === "dead" ? [...optionNames, "group"] : optionNames, "a list");
  const { name, state, group } = options;
  const limit = wholeNumber(options.limit ?? 100, "limit", 1, 1_000);
  if (name !== undefined) checkText(name, "name", LONGEST_NAME);
  if (group !== undefined) checkGroup(group);
  oneOf(state, jobStates, "state");
  const states = state === undefined ? jobStates : [state];
  let { index, cursor } = readCursor(options.cursor, states);
  const jobs: JobInfo[] = [];
  let examined = 0;
  let bytes = 0;
  const hasRoom = () => jobs.length < limit && examined < MOST_EXAMINED && bytes <= MOST_LISTED_BYTES / 2;
  while (hasRoom() && index < states.length) {
    const most = { limit: limit - jobs.length, mostBytes: MOST_LISTED_BYTES - bytes };
    const page = await reader.list(states[index] as JobState, { cursor, ...most, now, group });
    examined += page.items.length;
    for (const stored of page.items) {
      bytes += bytesOf(stored.record);
      const job = jobInfo(stored, queue, definitions, now);
      if (job && (name === undefined || job.name === name)) jobs.push(job);
    }
    cursor = page.cursor;
    if (cursor === undefined) index++;
  }
  return { jobs, cursor: index < states.length ? `${states[index]}:${cursor ?? ""}` : null };
}

/** A cursor is a state, and the cursor of the store in that state. @throws {TidegateError} `invalid_request` */
export function readCursor(
  cursor: unknown,
  states: readonly JobState[],
): { index: number; cursor: string | undefined } {
  if (cursor === undefined || cursor === null) return { index: 0, cursor: undefined };
  const [, state, rest] = (typeof cursor === "string" && /^([a-z]+):(.*)$/s.exec(cursor)) || [];
  const index = states.indexOf(state as JobState);
  if (index < 0) throw invalidRequest("cursor must be the one that the page before came with, for the same state.");
  return { index, cursor: rest || undefined };
}
