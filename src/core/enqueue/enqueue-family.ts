import type { EnqueueResult } from "../job/enqueue.ts";
import type { TraceContext } from "../job/trace-context.ts";
import { conflict, quote, TidegateError } from "../shared/errors.ts";
import { areTooLargeTogether, MEBIBYTE, MOST_TOGETHER_BYTES } from "../shared/limits.ts";
import type { NewFamily } from "../store/family.ts";
import type { QueueContext } from "./context.ts";
import type { Enqueuer } from "./enqueuer.ts";
import { buildFamily, type GivenFamily, readFamily } from "./family.ts";
import { finishJob } from "./new-job.ts";

/**
 * Stores a job that waits for its children, and these, in one atomic call. Traced, and with hooks.
 *
 * @param caller the trace of the request that brings them.
 * @throws {TidegateError} `conflict` if another job has the id of a child.
 */
export async function enqueueFamily(
  enqueuer: Enqueuer,
  needs: QueueContext,
  given: GivenFamily,
  caller?: TraceContext,
): Promise<EnqueueResult> {
  const family = readFamily(given, needs);
  const [{ draft, parent }] = family;
  const names = family.map(({ draft: { record } }) => record.name);
  const { results } = await enqueuer.observed(names, caller, async (trace) => {
    if (!parent) return { results: await enqueuer.store([await finishJob(draft, trace)]) };
    const { members, fits } = buildFamily(family, trace && { ...trace, isBatch: true });
    await fits;
    return { results: await storeFamily(needs, { isFreshId: draft.job.isFreshId, members }) };
  });
  return results[0] as EnqueueResult;
}

/** Stores a family. @returns the results of all of its jobs, that of the parent first. */
async function storeFamily(
  { store, clock, noteDue }: QueueContext,
  family: NewFamily,
): Promise<readonly EnqueueResult[]> {
  const { members } = family;
  const [{ id: parent }] = members;
  if (areTooLargeTogether(members.map(({ record }) => record)))
    throw new TidegateError(
      "payload_too_large",
      `The job and its children are larger than ${MOST_TOGETHER_BYTES / MEBIBYTE} MiB together, as they are sent. One request stores all of them. Store the data elsewhere and enqueue references to it.`,
    );
  const status = await store.enqueueFamily(family, clock());
  if (status === "taken")
    throw conflict(
      `Job ${quote(parent)} cannot be stored: other jobs have the ids of its children, which begin with "${parent}/". They may be those of an earlier job with this id. Choose another id, or enqueue it when they have ended.`,
    );
  const runTimes = members.flatMap(({ runAt, parent: waits }) => (waits ? [] : runAt));
  if (status === "stored") await noteDue(runTimes.reduce((least, runAt) => Math.min(least, runAt)));
  return members.map(({ id, runAt, parent: waits }) => ({
    id,
    status: status === "stored" ? "enqueued" : status,
    runAt: waits ? null : new Date(runAt),
  }));
}
