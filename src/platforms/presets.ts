import type { DrainOptions } from "../core/drain/options.ts";

// The bounds of a drain on each plan, from the limits published in late 2026 on the pages named. None lingers: with a
// wake object it would be useless, and elsewhere the time may be billed. Two drains that overlap share the work.

/**
 * Workers Free: 50 subrequests and 10 ms of CPU an invocation. At most six connections at once wait for a response:
 * four jobs that each send a request leave two to the queue. It uses 15 round trips, so each of 30 jobs can send one.
 * https://developers.cloudflare.com/workers/platform/limits/
 */
export const cloudflareFree = {
  maxJobs: 30,
  concurrency: 4,
  timeBudget: "60s",
  batchSize: 30,
  budget: { roundTrips: 15, commands: 500 },
} as const satisfies DrainOptions;

/**
 * Workers Paid: 10,000 subrequests, 30 s of CPU and 15 minutes for a cron invocation. At most six connections at once
 * wait for a response, as on the free plan. Raise `concurrency` for jobs that send no requests.
 * https://developers.cloudflare.com/workers/platform/limits/
 */
export const cloudflarePaid = {
  maxJobs: 5_000,
  concurrency: 4,
  timeBudget: "60s",
  batchSize: 100,
  budget: { roundTrips: 1_000, commands: 50_000 },
} as const satisfies DrainOptions;

/**
 * Vercel Pro: a cron every minute, functions of 300 s by default. https://vercel.com/docs/functions/limitations,
 * https://vercel.com/docs/cron-jobs/usage-and-pricing
 */
export const vercelPro = {
  maxJobs: 10_000,
  concurrency: 10,
  timeBudget: "60s",
  batchSize: 100,
  budget: { roundTrips: 1_000, commands: 50_000 },
} as const satisfies DrainOptions;

/**
 * Vercel Hobby: a cron once a day, functions of 300 s. Let the handler start jobs eagerly, or call `/drain` from
 * elsewhere. https://vercel.com/docs/functions/limitations, https://vercel.com/docs/cron-jobs/usage-and-pricing
 */
export const vercelHobby = { ...vercelPro, timeBudget: "240s" } as const satisfies DrainOptions;
