import { type KeyedJob, type ListOptions, listKeyedJobs } from "../manage/list.ts";
import { type JobState, jobStates } from "../store/store.ts";
import { internalsOf } from "./internals.ts";
import type { Queue } from "./queue.ts";

/** The first jobs of each state, by nearness, and whether more follow: 3 to 10 commands for each state. */
export async function latestJobs(
  queue: Queue,
  ofEach: number,
  { name, since }: Pick<ListOptions, "name" | "since"> = {},
): Promise<{ readonly jobs: readonly KeyedJob[]; readonly isCut: boolean }> {
  const listOf = (state: JobState) => listKeyedJobs(internalsOf(queue), { state, name, since, limit: ofEach });
  const pages = await Promise.all(jobStates.map(listOf));
  const jobs = pages.flatMap((page) => page.jobs).sort(byNearness(queue.clock()));
  return { jobs, isCut: pages.some(({ cursor }) => cursor !== null) };
}

type Times = Pick<KeyedJob, "completedAt" | "failedAt" | "startedAt" | "runAt" | "enqueuedAt">;

/** First jobs that ran, the latest first, then those to come, the earliest first. */
export function byNearness(now: number): (one: Times, other: Times) => number {
  const distance = ({ completedAt, failedAt, startedAt, runAt, enqueuedAt }: Times) => {
    const at = (completedAt ?? failedAt ?? startedAt ?? runAt ?? enqueuedAt).getTime();
    return at <= now ? now - at : Number.MAX_SAFE_INTEGER / 2 + at;
  };
  return (one, other) => distance(one) - distance(other);
}
