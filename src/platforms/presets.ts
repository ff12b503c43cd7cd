import type { DrainOptions } from "../core/drain/options.ts";

// What a plan's limits leave to one drain, as published in late 2026 at the addresses named. A cron that ticks each minute
// lingers until the next tick takes over; two that overlap share the work.

/**
 * Workers Free: 50 subrequests and 10 ms of CPU an invocation, at most six connections at once: two for the queue, and one for
 * each of four jobs. 15 round trips are for the queue, so each of the 30 jobs may make a request of its own.
 * https://developers.cloudflare.com/workers/platform/limits/
 */
export const cloudflareFree = {
  maxJobs: 30,
  concurrency: 4,
  timeBudget: "60s",
  linger: "60s",
  batchSize: 30,
  budget: { roundTrips: 15, commands: 500 },
} as const satisfies DrainOptions;

/**
 * Workers Paid: 10,000 subrequests, 30 s of CPU and 15 minutes for a cron invocation, at most six connections at once: two for
 * the queue, and one for each of four jobs. Raise `concurrency` for jobs that make no requests.
 * https://developers.cloudflare.com/workers/platform/limits/
 */
export const cloudflarePaid = {
  maxJobs: 5_000,
  concurrency: 4,
  timeBudget: "60s",
  linger: "60s",
  batchSize: 100,
  budget: { roundTrips: 1_000, commands: 50_000 },
} as const satisfies DrainOptions;

/**
 * Vercel Hobby: a cron once a day, functions of 300 s. There is nothing to linger for: let handlers start jobs eagerly, or
 * something else call `/drain`.
 * https://vercel.com/docs/functions/limitations, https://vercel.com/docs/cron-jobs/usage-and-pricing
 */
export const vercelHobby = {
  maxJobs: 10_000,
  concurrency: 10,
  timeBudget: "240s",
  linger: "0s",
  batchSize: 100,
  budget: { roundTrips: 1_000, commands: 50_000 },
} as const satisfies DrainOptions;

/**
 * Vercel Pro: a cron each minute, functions of 300 s unless set otherwise.
 * https://vercel.com/docs/functions/limitations, https://vercel.com/docs/cron-jobs/usage-and-pricing
 */
export const vercelPro = {
  maxJobs: 10_000,
  concurrency: 10,
  timeBudget: "60s",
  linger: "60s",
  batchSize: 100,
  budget: { roundTrips: 1_000, commands: 50_000 },
} as const satisfies DrainOptions;
