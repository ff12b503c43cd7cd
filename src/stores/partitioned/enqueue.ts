import type { FamilyReply, NewFamily } from "../../core/store/family.ts";
import type { EnqueueReply, NewJob, QueueStore } from "../../core/store/store.ts";
import { isUnavailable } from "./partial-replies.ts";
import type { Parts } from "./parts.ts";

/** Stores jobs: all jobs of a partition, or none of them. */
export async function enqueue(parts: Parts, jobs: readonly NewJob[], now: number): Promise<readonly EnqueueReply[]> {
  const partOf = (job: NewJob) => parts.local.partitionOf(job);
  return parts.each(jobs.map(withScope), partOf, async (part, some) => {
    const replies = await noting(parts, part, now, (store) => store.enqueue(some, now));
    parts.outlooks.noteEnqueued(part, some);
    if (replies[0]) parts.checkIfEmptied(part, replies[0]);
    return replies;
  });
}

/** Stores a family in the partition of its parent, where the ids of its children are as well. */
export async function enqueueFamily(parts: Parts, family: NewFamily, now: number): Promise<FamilyReply> {
  const part = parts.of(family.id);
  const reply = await noting(parts, part, now, (store) => store.enqueueFamily(family, now));
  parts.outlooks.noteEnqueued(part, family.children);
  parts.checkIfEmptied(part, reply);
  return reply;
}

/** Notes whether a part is reachable. */
async function noting<Reply>(
  { outlooks: { unreachable }, all }: Parts,
  part: number,
  now: number,
  store: (part: QueueStore) => Promise<Reply>,
): Promise<Reply> {
  try {
    const reply = await store(all[part] as QueueStore);
    unreachable.noteEnqueue(part, now, true);
    return reply;
  } catch (error) {
    if (isUnavailable(error)) unreachable.noteEnqueue(part, now, false);
    throw error;
  }
}

/**
 * Scopes the dedupe key of a job by its flow control key. Two flow control keys share a partition only by chance, so a
 * dedupe key counts among the jobs of one of them. No key has a line feed.
 */
function withScope(job: NewJob): NewJob {
  const { dedupe, flow } = job;
  return dedupe && flow ? { ...job, dedupe: { ...dedupe, key: `${flow.key}\n${dedupe.key}` } } : job;
}
