import type { Context } from "hono";
import { nextWake } from "../core/drain/next-wake.ts";
import type { DrainLimits } from "../core/drain/options.ts";
import { addCounts, type DrainReport, noCounts } from "../core/drain/report.ts";
import type { BulkJob } from "../core/enqueue/bulk.ts";
import type { HoldOptions } from "../core/enqueue/enqueuer.ts";
import type { EnqueueResult } from "../core/job/enqueue.ts";
import { Afterwards } from "../core/observe/afterwards.ts";
import { internalsOf } from "../core/queue/internals.ts";
import type { Queue } from "../core/queue/queue.ts";
import { sleep } from "../core/shared/clock.ts";
import { orUndefined } from "../core/shared/errors.ts";
import { takesSlot } from "../core/store/flow.ts";
import type { LeasedJob } from "../core/store/store.ts";
import { afterResponse, LONGEST_TIMEOUT_MS } from "./deadline.ts";
import type { Settings } from "./options.ts";
import type { Call } from "./routes/route.ts";

type EagerCall = Pick<Call, "queue" | "bounds" | "inBackground" | "trace">;

interface EagerStart {
  readonly queue: Queue;
  readonly limits: () => DrainLimits;
}

/** The invocation waits for jobs that fall due within this time. Such a job still has 18 s to run. */
const STAY_MS = 10_000;
/** How many jobs to claim when something falls due. Others may be due as well. */
const CLAIMED_AFTERWARDS = 10;

/** Stores jobs, and runs those that are due soon after the response, if the platform allows it. */
export async function enqueueEagerly(call: EagerCall, jobs: readonly BulkJob[]): Promise<readonly EnqueueResult[]> {
  const start = eagerStart(call);
  const { results, held } = await internalsOf(call.queue).enqueueHeld(jobs, holdFor(start, call));
  startEagerly(start, call, held, results);
  return results;
}

export async function enqueueEachEagerly(call: EagerCall, jobs: readonly BulkJob[]) {
  const start = eagerStart(call);
  const { results, held } = await internalsOf(call.queue).enqueueEach(jobs, holdFor(start, call));
  const stored = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  startEagerly(start, call, held, stored);
  return results;
}

/** Undefined if nothing can start here: the platform or the options do not allow it, or the queue performs no jobs. */
function eagerStart({ queue, inBackground, bounds }: EagerCall): EagerStart | undefined {
  return inBackground && queue.jobNames.length > 0 ? { queue, limits: bounds() } : undefined;
}

function holdFor(start: EagerStart | undefined, { trace, inBackground }: EagerCall): HoldOptions {
  return { most: start ? start.limits().concurrency : 0, timeout: LONGEST_TIMEOUT_MS, trace, inBackground };
}

function startEagerly(
  start: EagerStart | undefined,
  { queue, inBackground }: EagerCall,
  held: readonly LeasedJob[],
  results: readonly EnqueueResult[],
): void {
  if (!start) return;
  const now = queue.clock();
  const soon = results.flatMap(({ status, runAt }) => {
    const at = runAt?.getTime() ?? 0;
    return status !== "duplicate" && at > now && at <= now + STAY_MS ? at : [];
  });
  if (held.length > 0 || soon.length > 0) inBackground?.(runEagerly(start, held, soon));
}

/** Runs jobs that became due without an enqueue, such as retried ones, in the background if that is possible. */
export function drainSoon({ queue, bounds, inBackground }: EagerCall): void {
  if (!inBackground || queue.jobNames.length === 0) return;
  // Reads the bounds in the background: the request has changed something, so invalid bounds must not refuse it.
  inBackground((async () => runEagerly({ queue, limits: bounds() }, [], [queue.clock()]))());
}

/** Runs the held jobs, then what falls due at these times or is retried soon. */
async function runEagerly(start: EagerStart, held: readonly LeasedJob[], moments: readonly number[]): Promise<void> {
  const afterwards = new Afterwards();
  try {
    const next = await runInTurn(start, held, moments, afterwards);
    await internalsOf(start.queue).wakes?.by(next);
  } finally {
    await afterwards.ended();
  }
}

/** @returns when something falls due that this invocation leaves to others, as far as it knows. */
async function runInTurn(
  { queue, limits }: EagerStart,
  held: readonly LeasedJob[],
  moments: readonly number[],
  afterwards: Afterwards,
): Promise<number> {
  const end = queue.clock() + STAY_MS;
  const dueAt = new Set(moments);
  const bounded = afterResponse(queue.clock);
  const onReturn = (runAt: number) => void dueAt.add(runAt);
  const bounds = () => ({ ...bounded(limits()), onReturn, afterwards: afterwards.take });
  // All drains share one budget, because the platform counts requests over the whole invocation.
  const { maxJobs } = limits();
  let spent = noCounts;
  const drain = async (chosen: DrainLimits) => {
    const report = await internalsOf(queue).drainWithin({ ...chosen, before: spent });
    spent = addCounts(spent, report);
    return report;
  };
  if (held.length > 0) await drain({ ...bounds(), held, heldOnly: true });
  // Other requests left jobs waiting for the slots that the held jobs take. Whoever frees a slot runs them.
  let most = held.some(({ lease }) => takesSlot(lease)) ? maxJobs : CLAIMED_AFTERWARDS;
  if (most === maxJobs) dueAt.add(queue.clock());
  let last: DrainReport | undefined;
  for (let next = Math.min(...dueAt); next <= end && last?.stoppedBy !== "budget"; next = Math.min(...dueAt)) {
    await sleep(queue.clock, next - queue.clock());
    const narrowed = bounds();
    if (narrowed.timeBudgetMs === 0 || spent.claimed >= maxJobs) break;
    dueAt.delete(next);
    last = await drain({ ...narrowed, maxJobs: Math.min(maxJobs, spent.claimed + most) });
    most = CLAIMED_AFTERWARDS;
  }
  return Math.min(...dueAt, last ? nextWake(last, queue.clock()) : Number.POSITIVE_INFINITY);
}

/** Keeps the invocation alive. Undefined if eager drains are off, or if the platform cannot do it. */
export function backgroundOf(context: Context, settings: Settings): Call["inBackground"] {
  const waitUntil = settings.eager ? (settings.waitUntil ?? platformWaitUntil(context)) : undefined;
  if (!waitUntil) return undefined;
  return (work) => {
    const kept = work.catch(settings.onError);
    try {
      waitUntil(kept);
    } catch (error) {
      // Nothing is lost if the platform refuses background work: the jobs are stored.
      settings.onError(error);
    }
  };
}

function platformWaitUntil(context: Context): Settings["waitUntil"] {
  // Hono throws if the platform has no execution context.
  const executionCtx = orUndefined(() => context.executionCtx);
  return executionCtx && ((promise) => executionCtx.waitUntil(promise));
}
