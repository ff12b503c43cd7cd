import type { JobInfo } from "../core/manage/job-info.ts";
import type { JobPage } from "../core/manage/list.ts";
import { type JobState, jobStates } from "../core/store/store.ts";
import { readPages } from "./paging.ts";
import type { Session } from "./session.ts";
import { lastEventOf, type Since } from "./since.ts";
import type { AnyQueue } from "./target.ts";

/** Which jobs a list shows. */
export interface Listed {
  readonly state?: JobState | undefined;
  readonly name?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly all?: true | undefined;
  /** In ms since 1970. */
  readonly since?: number | undefined;
}

/** What a list shows of jobs since a time. Ended jobs begin with the newest, the others with the next to run. */
export function jobsSince(ms: number | undefined, state: JobState): Since<JobInfo> | undefined {
  return ms === undefined
    ? undefined
    : { ms, timeOf: lastEventOf, isNewestFirst: state === "completed" || state === "dead" };
}

/** Reads a page of jobs, or all pages, one state after the other. */
export async function pageOfJobs(queue: AnyQueue, listed: Listed, session: Session): Promise<JobPage> {
  const { state, name, limit, cursor: from, all, since } = listed;
  if (since === undefined)
    return readPages("jobs", (cursor) => queue.listJobs({ state, name, limit, cursor }), { from, all }, session);
  // Asked one by one, each state ends where its jobs are too old.
  const states = state ? [state] : jobStates.slice(Math.max(0, jobStates.indexOf(stateOf(from))));
  const jobs: JobInfo[] = [];
  let cursor: string | null = null;
  for (const [index, each] of states.entries()) {
    const read = (at: string | undefined) =>
      queue.listJobs({ state: each, name, limit: all ? limit : limit - jobs.length, cursor: at });
    const range = { from: index === 0 ? from : undefined, all, since: jobsSince(since, each) };
    const page = await readPages("jobs", read, range, session);
    jobs.push(...page.jobs);
    const next = states[index + 1];
    cursor = page.cursor ?? (next === undefined ? null : `${next}:`);
    if (!all && (page.cursor !== null || jobs.length >= limit)) break;
  }
  return { jobs, cursor };
}

/** The state in which a page of several states begins: a cursor has it in front. */
const stateOf = (cursor = "") => cursor.slice(0, cursor.indexOf(":")) as JobState;

/** Running jobs, then the most recently changed, then scheduled ones. @returns also whether there are more. */
export async function latestJobs(
  queue: AnyQueue,
  { name, limit, since }: Listed,
): Promise<{ readonly jobs: readonly JobInfo[]; readonly more: boolean }> {
  const read = async (state: JobState) => {
    const { jobs, cursor } = await queue.listJobs({ state, name, limit });
    const range = jobsSince(since, state);
    const shown = range ? jobs.filter((job) => range.timeOf(job) >= range.ms) : jobs;
    return { jobs: shown, more: cursor !== null && !(range?.isNewestFirst && shown.length < jobs.length) };
  };
  const pages = await Promise.all(jobStates.map(read));
  return { jobs: inOrder(pages.flatMap((page) => page.jobs)), more: pages.some(({ more }) => more) };
}

/** The order of a list of the latest jobs. */
export function inOrder(jobs: readonly JobInfo[]): readonly JobInfo[] {
  const groupOf = ({ state }: JobInfo) => (state === "running" ? 0 : state === "scheduled" ? 2 : 1);
  return [...jobs].sort((one, other) => groupOf(one) - groupOf(other) || whenOf(one) - whenOf(other));
}

/** Sorts scheduled jobs from the next, and all others from the latest. */
function whenOf({ state, completedAt, failedAt, runAt, startedAt, enqueuedAt }: JobInfo): number {
  const time = (completedAt ?? failedAt ?? runAt ?? startedAt ?? enqueuedAt).getTime();
  return state === "scheduled" ? time : -time;
}
