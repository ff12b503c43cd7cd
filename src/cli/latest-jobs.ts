import type { JobInfo } from "../core/manage/job-info.ts";
import { jobStates } from "../core/store/store.ts";
import type { AnyQueue } from "./target.ts";

/** How many jobs of each state are shown, unless the user says. */
const OF_EACH = 10;

/**
 * The first jobs of each state: those that run, then those to which something happened last, then scheduled ones.
 *
 * @returns also whether there are more.
 */
export async function latestJobs(
  queue: AnyQueue,
  { name, limit = OF_EACH }: { readonly name?: string | undefined; readonly limit?: number | undefined },
): Promise<{ readonly jobs: readonly JobInfo[]; readonly more: boolean }> {
  const pages = await Promise.all(jobStates.map((state) => queue.listJobs({ state, name, limit })));
  const jobs = pages.flatMap((page) => page.jobs);
  const order = (one: JobInfo, other: JobInfo) => groupOf(one) - groupOf(other) || whenOf(one) - whenOf(other);
  return { jobs: jobs.sort(order), more: pages.some(({ cursor }) => cursor !== null) };
}

function groupOf({ state }: JobInfo): number {
  return state === "running" ? 0 : state === "scheduled" ? 2 : 1;
}

/** Scheduled jobs begin with the next, all others with the latest. */
function whenOf({ state, completedAt, failedAt, runAt, startedAt, enqueuedAt }: JobInfo): number {
  const time = (completedAt ?? failedAt ?? runAt ?? startedAt ?? enqueuedAt).getTime();
  return state === "scheduled" ? time : -time;
}
