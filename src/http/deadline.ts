import { type DrainOptions, drainLimits } from "../core/drain/options.ts";

/** How long an invocation has, in ms since 1970. Every drain obeys it, whatever its other bounds. */
export interface Deadline {
  /** No job starts after this. */
  readonly startsUntil: number;
  /** Running jobs are aborted then. */
  readonly endsAt: number;
}

/** Time left for the response and the last exchange with the store. */
const MARGIN_MS = 5_000;

/** The deadline of a request that the platform ends at `deadline`. The last quarter is left to jobs that have started. */
export function deadlineAt(deadline: Date | undefined, now: number): Deadline {
  if (!deadline) return { startsUntil: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY };
  const leftMs = Math.max(0, deadline.getTime() - now - MARGIN_MS);
  return { startsUntil: now + leftMs * 0.75, endsAt: now + leftMs };
}

/** The bounds of a drain that begins now, cut to the time that the invocation has left. */
export function within({ startsUntil, endsAt }: Deadline, options: DrainOptions, now: number): DrainOptions {
  if (endsAt === Number.POSITIVE_INFINITY) return options;
  const { timeBudgetMs, lingerMs, graceMs } = drainLimits(options);
  const leftMs = Math.max(0, startsUntil - now);
  const [timeBudget, linger] = [Math.min(timeBudgetMs, leftMs), Math.min(lingerMs, leftMs)];
  const grace = Math.min(graceMs, Math.max(0, endsAt - now - Math.max(timeBudget, linger)));
  return { ...options, timeBudget, linger, grace };
}
