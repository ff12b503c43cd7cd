import type { EnqueueResult } from "../job/enqueue.ts";
import type { TraceContext } from "../job/trace-context.ts";
import type { Enqueuer } from "./enqueuer.ts";
import {
  buildBranches,
  buildFamily,
  type GivenFamily,
  type GivenPiece,
  LONGEST_PARENT_ID,
  type ReadFamily,
  readFamily,
  readPiece,
} from "./family.ts";
import type { FamilyNeeds } from "./needs.ts";
import { finishJob } from "./new-job.ts";
import { refusalOf, type StoredChildren, storeFamily, storePiece } from "./store-family.ts";

/**
 * Stores a job that waits for its children, and these: as many as fit in one atomic call. Traced, and with hooks.
 *
 * @param more as in `readFamily`.
 * @param caller the trace of the request that brings them.
 */
export async function enqueueFamily(
  enqueuer: Enqueuer,
  needs: FamilyNeeds,
  given: GivenFamily,
  onProgress: ((stored: number) => void) | undefined,
  more?: number,
  caller?: TraceContext,
): Promise<FamilyResult> {
  const read = readFamily(given, needs, more);
  const { parent, branches, names } = read;
  const { results, rest } = await enqueuer.observed(names, caller, async (trace) => {
    if (branches.length === 0)
      return { results: await enqueuer.store([await finishJob(parent, trace)]), rest: undefined };
    const { finished, fits } = buildFamily(read, trace && { ...trace, isBatch: true });
    await fits;
    const { isDuplicate, rest } = await storeFamily(needs, finished, onProgress);
    return { results: resultsOf(read, isDuplicate), rest };
  });
  return { ...(results[0] as EnqueueResult), ...(rest && { children: rest }) };
}

/** What became of a job with children. */
export interface FamilyResult extends EnqueueResult {
  /** If children are still to come: how far it is stored. */
  readonly children?: StoredChildren;
}

/** Stores more children of a job that waits for them. Traced, and with hooks. */
export async function enqueuePiece(
  enqueuer: Enqueuer,
  needs: FamilyNeeds,
  id: string,
  given: GivenPiece,
  caller?: TraceContext,
): Promise<StoredChildren> {
  // No job with children has a longer one.
  if (id.length > LONGEST_PARENT_ID) throw refusalOf("missing", id);
  const { branches: drafts, names } = readPiece(id, given, needs);
  const { stored } = await enqueuer.observed(names, caller, async (trace) => {
    const { branches, checks } = buildBranches(drafts, trace && { ...trace, isBatch: true });
    await Promise.all(checks);
    const by = drafts[0]?.jobs[0]?.draft.record.by;
    return { stored: await storePiece(needs, id, given, branches, by), results: childResults(drafts, "enqueued") };
  });
  return stored;
}

/** The results of all jobs, that of the parent first. */
function resultsOf({ parent, branches }: ReadFamily, isDuplicate: boolean): readonly EnqueueResult[] {
  const status = isDuplicate ? "duplicate" : "enqueued";
  return [{ id: parent.job.id, status, runAt: null }, ...childResults(branches, status)];
}

function childResults(branches: ReadFamily["branches"], status: "enqueued" | "duplicate"): readonly EnqueueResult[] {
  return branches.flatMap(({ jobs }) =>
    jobs.map(({ draft: { job }, parent: waits }) => ({
      ...{ id: job.id, status },
      runAt: waits ? null : new Date(job.runAt),
    })),
  );
}
