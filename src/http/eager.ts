import type { Context } from "hono";
import type { DrainLimits } from "../core/drain/options.ts";
import { addCounts, noCounts } from "../core/drain/report.ts";
import type { BulkJob } from "../core/enqueue/bulk.ts";
import type { HoldOptions } from "../core/enqueue/enqueuer.ts";
import type { EnqueueResult } from "../core/job/enqueue-result.ts";
import { Afterwards } from "../core/observe/afterwards.ts";
import { internalsOf } from "../core/queue/internals.ts";
import type { Queue } from "../core/queue/queue.ts";
import { type Clock, sleep } from "../core/shared/clock.ts";
import { takesSlot } from "../core/store/flow.ts";
import type { LeasedJob } from "../core/store/store.ts";
import { within } from "./deadline.ts";
import type { Settings } from "./options.ts";
import type { Call } from "./routes/route.ts";

// Cloudflare keeps an invocation alive for 30 s after its response. All work must end within that time.
const STARTS_FOR_MS = 20_000;
const ENDS_AFTER_MS = 28_000;
/** Jobs with a longer timeout are left to the drains of the platform's cron, which have more time. */
const LONGEST_TIMEOUT_MS = 30_000;

/** Bounds drains that run after a response that is sent now. The returned function narrows given limits. */
export function afterResponse(clock: Clock): (limits: DrainLimits) => DrainLimits {
  const now = clock();
  const deadline = { startsUntil: now + STARTS_FOR_MS, endsAt: now + ENDS_AFTER_MS };
  return (limits) => ({
    ...within(deadline, limits, clock()),
    lingerMs: 0,
    longestAttemptMs: LONGEST_TIMEOUT_MS,
  });
}

/** What of a request decides how its jobs start. */
type EagerCall = Pick<Call, "queue" | "bounds" | "inBackground" | "trace">;

/** What starts in the background. */
interface EagerWork {
  readonly queue: Queue;
  /** The limits of a drain that starts now. */
  readonly limits: () => DrainLimits;
}

interface EagerStart extends EagerWork {
  readonly inBackground: NonNullable<Call["inBackground"]>;
}

/** The invocation waits for jobs that fall due within this time. Such a job still has 18 s to run. */
const STAY_MS = 10_000;
/** How many jobs to claim when something falls due. Others may be due as well. */
const CLAIMED_AFTERWARDS = 10;

/**
 * Stores jobs. If the platform allows it, those due now or within a few seconds run in the background after the
 * response. So a short delay ends on time, whenever the next tick comes.
 */
export async function enqueueEagerly(call: EagerCall, jobs: readonly BulkJob[]): Promise<readonly EnqueueResult[]> {
  const start = eagerStart(call);
  const { results, held } = await internalsOf(call.queue).enqueueHeld(jobs, holdFor(start, call));
  if (start) startEagerly(start, held, results);
  return results;
}

/** The same, with each job stored for itself. */
export async function enqueueEachEagerly(
  call: EagerCall,
  jobs: readonly BulkJob[],
): Promise<readonly PromiseSettledResult<EnqueueResult>[]> {
  const start = eagerStart(call);
  const { results, held } = await internalsOf(call.queue).enqueueEach(jobs, holdFor(start, call));
  const stored = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  if (start) startEagerly(start, held, stored);
  return results;
}

/**
 * Undefined if nothing can start: the platform or the handler's options do not allow it, or the queue performs no jobs.
 */
function eagerStart({ queue, inBackground, bounds }: EagerCall): EagerStart | undefined {
  return inBackground && queue.jobNames.length > 0 ? { queue, inBackground, limits: bounds() } : undefined;
}

function holdFor(start: EagerStart | undefined, { trace }: EagerCall): HoldOptions {
  return { most: start ? start.limits().concurrency : 0, timeout: LONGEST_TIMEOUT_MS, trace };
}

function startEagerly(start: EagerStart, held: readonly LeasedJob[], results: readonly EnqueueResult[]): void {
  const now = start.queue.clock();
  const soon = results.flatMap(({ status, runAt }) => {
    const at = runAt?.getTime() ?? 0;
    return status !== "duplicate" && at > now && at <= now + STAY_MS ? at : [];
  });
  if (held.length > 0 || soon.length > 0) start.inBackground(runEagerly(start, held, soon));
}

/**
 * Runs due jobs in the background if the platform allows it. For jobs that became due without being enqueued, such as
 * retried dead jobs.
 */
export function drainSoon(call: EagerCall): void {
  const { queue, inBackground } = call;
  if (inBackground && queue.jobNames.length > 0) inBackground(drainNow(call));
}

/** The request has changed something already: bounds that cannot be read must not refuse it, so they are read here. */
async function drainNow({ queue, bounds }: EagerCall): Promise<void> {
  await runEagerly({ queue, limits: bounds() }, [], [queue.clock()]);
}

/** Runs the held jobs, then what falls due at these times or is retried soon. */
async function runEagerly(start: EagerWork, held: readonly LeasedJob[], moments: readonly number[]): Promise<void> {
  const afterwards = new Afterwards();
  try {
    await runInTurn(start, held, moments, afterwards);
  } finally {
    await afterwards.ended();
  }
}

async function runInTurn(
  { queue, limits }: EagerWork,
  held: readonly LeasedJob[],
  moments: readonly number[],
  afterwards: Afterwards,
): Promise<void> {
  const end = queue.clock() + STAY_MS;
  const left = new Set(moments);
  const bounded = afterResponse(queue.clock);
  const onReturn = (runAt: number) => void left.add(runAt);
  const bounds = () => ({ ...bounded(limits()), onReturn, afterwards: afterwards.take });
  // All of it shares one budget, because the platform counts requests over the whole invocation.
  const { maxJobs } = limits();
  let spent = noCounts;
  const drain = async (chosen: DrainLimits) => {
    const report = await internalsOf(queue).drainWithin({ ...chosen, before: spent });
    spent = addCounts(spent, report);
    return report.stoppedBy;
  };
  if (held.length > 0) await drain({ ...bounds(), held, heldOnly: true });
  // Requests whose jobs wait for the place of one of these have left them to whoever frees it.
  let most = held.some(({ lease }) => takesSlot(lease)) ? maxJobs : CLAIMED_AFTERWARDS;
  if (most === maxJobs) left.add(queue.clock());
  for (let next = Math.min(...left); next <= end; next = Math.min(...left)) {
    left.delete(next);
    await sleep(queue.clock, next - queue.clock());
    const narrowed = bounds();
    if (narrowed.timeBudgetMs === 0 || spent.claimed >= maxJobs) return;
    if ((await drain({ ...narrowed, maxJobs: Math.min(maxJobs, spent.claimed + most) })) === "budget") return;
    most = CLAIMED_AFTERWARDS;
  }
}

/** How to keep the invocation alive. Undefined if eager drains are off or the platform cannot do it. */
export function backgroundOf(context: Context, settings: Settings): Call["inBackground"] {
  const waitUntil = settings.eager ? (settings.waitUntil ?? platformWaitUntil(context)) : undefined;
  if (!waitUntil) return undefined;
  return (work) => {
    const kept = work.catch(settings.onError);
    try {
      waitUntil(kept);
    } catch (error) {
      // The jobs are stored, so a platform that refuses the background work loses nothing.
      settings.onError(error);
    }
  };
}

function platformWaitUntil(context: Context): Settings["waitUntil"] {
  try {
    const { executionCtx } = context;
    return (promise) => executionCtx.waitUntil(promise);
  } catch {
    // Hono throws if the platform has no execution context.
    return undefined;
  }
}
