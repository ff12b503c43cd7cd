import type { EnqueueReply, NewJob } from "../../core/store/store.ts";
import { isUnavailable } from "./partial-replies.ts";
import type { Parts } from "./parts.ts";

/** Stores jobs: all jobs of a partition, or none of them. */
export async function enqueue(parts: Parts, jobs: readonly NewJob[], now: number): Promise<readonly EnqueueReply[]> {
  const partOf = (job: NewJob) => parts.local.partitionOf(job);
  const { outlooks } = parts;
  return parts.each(jobs.map(withScope), partOf, async (part, some) => {
    try {
      const replies = await parts.at(part).enqueue(some, now);
      outlooks.unreachable.noteEnqueue(part, now, true);
      outlooks.noteEnqueued(part, some);
      if (replies[0]) parts.checkIfEmptied(part, replies[0]);
      return replies;
    } catch (error) {
      if (isUnavailable(error)) outlooks.unreachable.noteEnqueue(part, now, false);
      throw error;
    }
  });
}

/**
 * Scopes the dedupe key of a job by its flow control key. Two flow control keys share a partition only by chance, so a
 * dedupe key counts among the jobs of one of them. No key has a line feed.
 */
function withScope(job: NewJob): NewJob {
  const { dedupe, flow } = job;
  return dedupe && flow ? { ...job, dedupe: { ...dedupe, key: `${flow.key}\n${dedupe.key}` } } : job;
}
