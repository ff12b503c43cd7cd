import type { EnqueueReply, NewJob } from "../../core/store/store.ts";
import { isUnavailable } from "./partial-replies.ts";
import type { Parts } from "./parts.ts";

/** Stores jobs, all of those of a part or none. */
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
 * A job whose flow control key scopes its dedupe key: two flow keys are in one partition or in two by chance, so the
 * holder of a dedupe key is searched only among the jobs of the same flow key. No key has a line feed.
 */
function withScope(job: NewJob): NewJob {
  const { dedupe, flow } = job;
  return dedupe && flow ? { ...job, dedupe: { ...dedupe, key: `${flow.key}\n${dedupe.key}` } } : job;
}
