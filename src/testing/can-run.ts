import type { JobInfo } from "../core/manage/job-info.ts";
import type { Queue } from "../core/queue/queue.ts";
import { parentOf } from "../core/store/family.ts";

/**
 * Whether time alone can start a job of a drained queue. It cannot if all jobs that are left wait for a person: those
 * with a dead child for which they need completed ones, and those whose flow control key is paused.
 */
export async function canRun(queue: Queue): Promise<boolean> {
  const isAhead = ({ runAt }: JobInfo) => runAt !== null && runAt.getTime() > queue.clock();
  const left: JobInfo[] = [];
  for await (const job of liveJobs(queue)) {
    if (job.state === "running" || isAhead(job)) return true;
    left.push(job);
  }
  const parents = left.map(({ id }) => parentOf(id));
  for (const { id } of left) {
    const job = await queue.getJob(id);
    if (!job) continue;
    // Only now is it known whether children hold it, and whether a key does.
    if (isAhead(job) || job.heldBack?.until) return true;
    // Others are still to be stored: the job is dead if none come for an hour.
    if ((job.children?.pending ?? 0) > parents.filter((parent) => parent === id).length) return true;
  }
  return left.length === 0;
}

/** The jobs that have not ended, those with the next run times first. */
async function* liveJobs(queue: Queue): AsyncGenerator<JobInfo> {
  for (const state of ["scheduled", "running", "ready"] as const) {
    let cursor: string | undefined;
    do {
      const page = await queue.listJobs({ state, ...(cursor !== undefined && { cursor }) });
      yield* page.jobs;
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
  }
}
