import type { Context } from "hono";
import type { BulkJob } from "../core/bulk.ts";
import { type DrainOptions, drainLimits } from "../core/drain-options.ts";
import type { EnqueueResult } from "../core/enqueue.ts";
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

const LONGEST_TIMEOUT = "30s";

/** Stores jobs, and where the platform allows runs those that are due in the background, after the response. */
export async function enqueueEagerly(call: Call, jobs: readonly BulkJob[]): Promise<readonly EnqueueResult[]> {
  const { queue, inBackground } = call;
  if (!inBackground || queue.jobNames.length === 0) return queue.enqueueMany(jobs);
  const { concurrency } = drainLimits(call.drain);
  const { results, held } = await queue.enqueueHeld(jobs, { most: concurrency, timeout: LONGEST_TIMEOUT });
  if (held.length > 0) inBackground(queue.drain({ ...backgroundBounds(call.drain), maxJobs: held.length, held }));
  return results;
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
