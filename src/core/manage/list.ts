import type { QueueContext } from "../enqueue/context.ts";
import { heldBack } from "../flow/flow-key.ts";
import { nameText } from "../job/options.ts";
import { type Duration, momentBefore, type PointInTime, pointInTimeMs } from "../shared/duration.ts";
import { bytesOf, MOST_LISTED_BYTES } from "../shared/limits.ts";
import { cursorIn, limit, optionsOf, orFirst, since, word } from "../shared/schema.ts";
import { type JobState, jobStates, type StoredJob } from "../store/store.ts";
import { groupText } from "./failures.ts";
import { type DeadJob, type JobInfo, jobInfo } from "./job-info.ts";
import { readJobs } from "./jobs.ts";
import { storedPages } from "./pages.ts";
import { type DeadSelection, type Period, period } from "./selection.ts";

/** Which jobs to list. */
export interface ListOptions {
  /**
   * Default: all states, in this order: scheduled, ready, running, completed, dead. A job that moves on meanwhile may
   * then come twice.
   */
  readonly state?: JobState | undefined;
  /**
   * Only jobs of this name. A page may then be short or empty even if more follow: continue while there is a cursor.
   */
  readonly name?: string | undefined;
  /** The previous page's cursor. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
  /**
   * Only jobs whose time is later: when they finished or started, or their run time, which a retry sets anew.
   * Finished jobs are read only that far back.
   */
  readonly since?: PointInTime | Duration | undefined;
}

/** Which dead jobs to list. */
export interface DeadListOptions extends Omit<ListOptions, "state">, Pick<Period, "before"> {
  /** Only jobs of this group of failures, as `getFailures` names it. */
  readonly group?: string | undefined;
}

/** One page of a list. */
export interface JobPage<Job = JobInfo> {
  /** At most `limit`. Fewer, even if more follow, if they would be larger than 3 MiB together. */
  readonly jobs: readonly Job[];
  /** The next page's cursor; null on the last one. */
  readonly cursor: string | null;
}

export const listOptions = optionsOf<ListOptions>("a list", {
  state: word(jobStates),
  name: nameText,
  cursor: orFirst(cursorIn(jobStates)),
  limit,
  since,
});
const { state: _, ...ofAnyState } = listOptions.fields;
export const deadListOptions = optionsOf<DeadListOptions>("a list", {
  ...ofAnyState,
  ...{ group: groupText, before: period.before },
  cursor: orFirst(cursorIn(["dead"])),
});

/** How many jobs one call examines for a rare name, before it returns what it has found and a cursor. */
const MOST_EXAMINED = 1_000;

/** Reads a page of one state, or of one after another. It ends early if the records are large. */
export function listJobs(needs: QueueContext, given: ListOptions): Promise<JobPage> {
  const { state, ...options } = listOptions.read(given);
  return readPage(needs, state === undefined ? jobStates : [state], options);
}

export async function listDead(needs: QueueContext, given: DeadListOptions): Promise<JobPage<DeadJob>> {
  return (await readPage(needs, ["dead"], deadListOptions.read(given))) as JobPage<DeadJob>;
}

/** A job of a list with its flow control key, unless it has none or has completed, and with what holds it back. */
export interface KeyedJob extends JobInfo {
  readonly flowKey?: string;
}

export const MOST_KEYS_READ = 1_000;

/**
 * Reads a page as `listJobs` does. If a job with a key is ready, one or two commands more read the keys: without those
 * of a key that is not among the first 1,000, it is not known what holds the job back.
 *
 * @param order of the states, if the options name none.
 * @param endedSince leaves out the pages of ended jobs that follow one which ended before. Default: as the options say.
 */
export async function listKeyedJobs(
  needs: QueueContext,
  given: ListOptions,
  order: readonly JobState[] = jobStates,
  endedSince?: number,
): Promise<JobPage<KeyedJob>> {
  const { state, ...options } = listOptions.read(given);
  const keyed = new Map<string, StoredJob>();
  const see = (stored: StoredJob) => {
    if (stored.flow) keyed.set(stored.id, stored);
  };
  const page = await readPage(needs, state === undefined ? order : [state], options, see, endedSince);
  const now = needs.clock();
  const isReady = page.jobs.some((job) => job.state === "ready" && keyed.has(job.id));
  const known = isReady ? await needs.store.listFlows({ cursor: undefined, limit: MOST_KEYS_READ, now }) : undefined;
  const withKey = (job: JobInfo): KeyedJob => {
    const stored = keyed.get(job.id);
    if (!stored?.flow) return job;
    const { key: flowKey } = stored.flow;
    const key = known?.items.find(({ key }) => key === flowKey);
    const held = key && heldBack(stored, key, now);
    return { ...job, flowKey, ...(held && { heldBack: held }) };
  };
  return { ...page, jobs: page.jobs.map(withKey) };
}

/** The first jobs of each state, by nearness, and whether more follow: 3 to 10 commands for each state. */
export async function latestJobs(
  needs: QueueContext,
  ofEach: number,
  { name, since }: Pick<ListOptions, "name" | "since"> = {},
): Promise<{ readonly jobs: readonly KeyedJob[]; readonly isCut: boolean }> {
  const listOf = (state: JobState) => listKeyedJobs(needs, { state, name, since, limit: ofEach });
  const pages = await Promise.all(jobStates.map(listOf));
  const jobs = pages.flatMap((page) => page.jobs).sort(byNearness(needs.clock()));
  return { jobs, isCut: pages.some(({ cursor }) => cursor !== null) };
}

/** The first ten jobs of a selection. @param states those that it is of, unless it names one. */
export async function firstJobs(
  needs: QueueContext,
  states: readonly JobState[],
  { ids, state = "pending", ...given }: Partial<DeadSelection> & { readonly state?: JobState | "pending" | undefined },
): Promise<readonly JobInfo[]> {
  const chosen = state === "pending" ? states : [state];
  if (!ids) return (await readPage(needs, chosen, { ...given, limit: 10 })).jobs;
  const until = given.before === undefined ? Infinity : pointInTimeMs(given.before, "before");
  const from = momentBefore(given.since, needs.clock());
  const jobs = await readJobs(needs, ids.slice(0, 10));
  return jobs.filter((job) => chosen.includes(job.state) && timeOf(job) >= from && timeOf(job) <= until);
}

type Times = Pick<KeyedJob, "completedAt" | "failedAt" | "startedAt" | "runAt" | "enqueuedAt">;

/** First jobs that ran, the latest first, then those to come, the earliest first. */
export function byNearness(now: number): (one: Times, other: Times) => number {
  const distance = (job: Times) => {
    const at = timeOf(job);
    return at <= now ? now - at : Number.MAX_SAFE_INTEGER / 2 + at;
  };
  return (one, other) => distance(one) - distance(other);
}

async function readPage(
  needs: QueueContext,
  states: readonly JobState[],
  { name, group, cursor: from, limit = 100, since, before }: DeadListOptions,
  see: (stored: StoredJob) => void = () => {},
  endedSince?: number,
): Promise<JobPage> {
  const now = needs.clock();
  const sinceMs = momentBefore(since, now);
  const untilMs = before === undefined ? Infinity : pointInTimeMs(before, "before");
  const jobs: JobInfo[] = [];
  let examined = 0;
  let bytes = 0;
  let cursor: string | null = null;
  const room = () =>
    jobs.length < limit && examined < MOST_EXAMINED && bytes <= MOST_LISTED_BYTES / 2
      ? { limit: limit - jobs.length, mostBytes: MOST_LISTED_BYTES - bytes, now, group }
      : undefined;
  for await (const page of storedPages(needs.store, states, from, room, endedSince ?? sinceMs)) {
    examined += page.items.length;
    for (const stored of page.items) {
      bytes += bytesOf(stored.record);
      see(stored);
      const job = jobInfo(stored, needs, now);
      const at = job ? timeOf(job) : Number.NaN;
      if (job && (name === undefined || job.name === name) && at >= sinceMs && at <= untilMs) jobs.push(job);
    }
    cursor = page.cursor;
  }
  return { jobs, cursor };
}

function timeOf({ completedAt, failedAt, startedAt, runAt, enqueuedAt }: Times): number {
  return (completedAt ?? failedAt ?? startedAt ?? runAt ?? enqueuedAt).getTime();
}
