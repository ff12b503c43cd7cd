import type { KeyedJob } from "../../core/manage/list.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { jobStates } from "../../core/store/store.ts";
import type { JobRow } from "./shown-job.ts";

/** The first jobs of each state, by nearness: 3 to 10 commands for each state. */
export async function latestJobs(queue: Queue, ofEach: number): Promise<readonly KeyedJob[]> {
  const { listKeyedJobs } = internalsOf(queue);
  const pages = await Promise.all(jobStates.map((state) => listKeyedJobs({ state, limit: ofEach })));
  return pages.flatMap((page) => page.jobs).sort(byNearness(queue.clock()));
}

type Times = Pick<JobRow, "completedAt" | "failedAt" | "startedAt" | "runAt" | "enqueuedAt">;

/** First jobs that ran, the latest first, then those to come, the earliest first. */
export function byNearness(now: number): (one: Times, other: Times) => number {
  const distance = ({ completedAt, failedAt, startedAt, runAt, enqueuedAt }: Times) => {
    const at = (completedAt ?? failedAt ?? startedAt ?? runAt ?? enqueuedAt).getTime();
    return at <= now ? now - at : Number.MAX_SAFE_INTEGER / 2 + at;
  };
  return (one, other) => distance(one) - distance(other);
}
