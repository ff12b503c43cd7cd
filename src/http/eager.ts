import type { Context } from "hono";
import type { BulkJob } from "../core/bulk.ts";
import { sleep } from "../core/clock.ts";
import { type DrainOptions, drainLimits } from "../core/drain-options.ts";
import type { EnqueueResult } from "../core/enqueue.ts";
import type { ClaimedJob } from "../core/store.ts";
import type { Settings } from "./options.ts";
import type { Call } from "./route.ts";

// Cloudflare keeps an invocation for 30 s after its response, and what runs must end in that time. So jobs that may take
// longer are left to the drains of the platform's cron, which have more, and so are those that would not start at once.
const TIME_BUDGET_MS = 20_000;
const GRACE_MS = 8_000;

/** The bounds of a drain after the response, within those given. */
export function backgroundBounds(options: DrainOptions): DrainOptions {
  const { timeBudgetMs, graceMs } = drainLimits(options);
  return {
    ...options,
    timeBudget: Math.min(timeBudgetMs, TIME_BUDGET_MS),
    grace: Math.min(graceMs, GRACE_MS),
    linger: 0,
  };
}

const LONGEST_TIMEOUT_MS = 30_000;
/** For what falls due within this time the invocation stays: a job that starts then still has 18 s. */
const STAY_MS = 10_000;
/** How many jobs are claimed when something has fallen due: its own, and others that happen to be due. */
const CLAIMED_AFTERWARDS = 10;

/**
 * Stores jobs, and where the platform allows runs those in the background, after the response, that are due, or will be in a few
 * seconds: a short delay keeps to its moment, whenever the next tick comes.
 */
export async function enqueueEagerly(call: Call, jobs: readonly BulkJob[]): Promise<readonly EnqueueResult[]> {
  const { queue, inBackground, trace } = call;
  if (!inBackground || queue.jobNames.length === 0) return queue.enqueueMany(jobs, { trace });
  const { concurrency } = drainLimits(call.drain);
  const hold = { most: concurrency, timeout: LONGEST_TIMEOUT_MS, trace };
  const { results, held } = await queue.enqueueHeld(jobs, hold);
  const now = queue.clock();
  const soon = results.flatMap(({ status, runAt }) => {
    const at = runAt?.getTime() ?? 0;
    return status === "enqueued" && at > now && at <= now + STAY_MS ? at : [];
  });
  if (held.length > 0 || soon.length > 0) inBackground(runEagerly(call, held, soon));
  return results;
}

/** Runs what is due, in the background where the platform allows: for jobs that were brought back and not enqueued. */
export function drainSoon(call: Call): void {
  const { queue, inBackground } = call;
  if (inBackground && queue.jobNames.length > 0) inBackground(runEagerly(call, [], [queue.clock()]));
}

/** Runs the jobs held, and then what falls due at one of the moments or is retried soon. */
async function runEagerly(call: Call, held: readonly ClaimedJob[], moments: readonly number[]): Promise<void> {
  const { queue } = call;
  const begin = queue.clock();
  const end = begin + STAY_MS;
  const left = new Set(moments);
  const bounds = { ...backgroundBounds(call.drain), onReturn: (runAt: number) => void left.add(runAt) };
  if (held.length > 0) await queue.drain({ ...bounds, held, heldOnly: true });
  // In a queue with long jobs, what is due might be one of them, and would be cut off.
  if (queue.longestTimeoutMs > LONGEST_TIMEOUT_MS) return;
  for (let next = Math.min(...left); next <= end; next = Math.min(...left)) {
    left.delete(next);
    await sleep(queue.clock, next - queue.clock());
    // The platform counts from the response, however late a drain begins.
    const leftMs = begin + TIME_BUDGET_MS - queue.clock();
    if (leftMs <= 0) return;
    const timeBudget = Math.min(drainLimits(bounds).timeBudgetMs, leftMs);
    await queue.drain({ ...bounds, timeBudget, maxJobs: CLAIMED_AFTERWARDS });
  }
}

/** How to keep the invocation alive, where eager drains are wanted and the platform can. */
export function backgroundOf(context: Context, settings: Settings): Call["inBackground"] {
  const waitUntil = settings.eager ? (settings.waitUntil ?? platformWaitUntil(context)) : undefined;
  return waitUntil && ((work) => waitUntil(work.catch(settings.onError)));
}

function platformWaitUntil(context: Context): Settings["waitUntil"] {
  try {
    const { executionCtx } = context;
    return (promise) => executionCtx.waitUntil(promise);
  } catch {
    // Hono throws where the platform has no execution context.
    return undefined;
  }
}
