import type { EnqueueResult } from "../job/enqueue-result.ts";
import type { Enqueuer } from "./enqueuer.ts";
import { buildFamily, type GivenFamily, type ReadFamily, readFamily, storeFamily } from "./family.ts";
import type { FamilyNeeds } from "./needs.ts";
import { finishJob } from "./new-job.ts";

/** Stores a job that waits for its children, and these: as many as fit in one atomic call. Traced, and with hooks. */
export async function enqueueFamily(
  enqueuer: Enqueuer,
  needs: FamilyNeeds,
  given: GivenFamily,
  onProgress: ((stored: number) => void) | undefined,
): Promise<EnqueueResult> {
  const read = readFamily(given, needs, needs.store.local.idSource(needs.newId));
  const { parent, branches, names } = read;
  const { results } = await enqueuer.observed(names, undefined, async (trace) => {
    if (branches.length === 0) return { results: await enqueuer.store([await finishJob(parent, trace)]) };
    const { finished, fits } = buildFamily(read, trace && { ...trace, isBatch: true });
    await fits;
    const { isDuplicate } = await storeFamily(needs, finished, onProgress);
    return { results: resultsOf(read, isDuplicate) };
  });
  return results[0] as EnqueueResult;
}

/** The results of all jobs, that of the parent first. */
function resultsOf({ parent, branches }: ReadFamily, isDuplicate: boolean): readonly EnqueueResult[] {
  const status = isDuplicate ? "duplicate" : "enqueued";
  const children = branches.flatMap(({ jobs }) =>
    jobs.map(({ draft: { job }, parent: waits }) => ({
      ...({ id: job.id, status } as const),
      runAt: waits ? null : new Date(job.runAt),
    })),
  );
  return [{ id: parent.job.id, status, runAt: null }, ...children];
}
