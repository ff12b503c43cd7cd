import { type DrainLimits, type DrainOptions, drainLimits } from "../core/drain/options.ts";
import type { Clock } from "../core/shared/clock.ts";

/** How long an invocation has, in ms since 1970. Every drain obeys it, whatever its other bounds. */
export interface Deadline {
  /** No job starts after this. */
  readonly startsUntil: number;
  /** Running jobs are aborted then. */
  readonly endsAt: number;
}

/** Time left for the response and the last exchange with the store. */
const MARGIN_MS = 5_000;

/**
 * The deadline of a request that the platform ends at `deadline`. The last quarter is left to jobs that have started.
 */
export function deadlineAt(deadline: Date | undefined, now: number): Deadline {
  if (!deadline) return { startsUntil: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY };
  const leftMs = Math.max(0, deadline.getTime() - now - MARGIN_MS);
  return { startsUntil: now + leftMs * 0.75, endsAt: now + leftMs };
}

/** The limits of a drain that begins now, cut to the time that the invocation has left. */
export function within({ startsUntil, endsAt }: Deadline, limits: DrainLimits, now: number): DrainLimits {
  if (endsAt === Number.POSITIVE_INFINITY) return limits;
  const leftMs = Math.max(0, startsUntil - now);
  const timeBudgetMs = Math.min(limits.timeBudgetMs, leftMs);
  const lingerMs = Math.min(limits.lingerMs, leftMs);
  const graceMs = Math.min(limits.graceMs, Math.max(0, endsAt - now - Math.max(timeBudgetMs, lingerMs)));
  return { ...limits, timeBudgetMs, lingerMs, graceMs };
}

/**
 * Reads the bounds of the drains of an invocation.
 *
 * @returns a function that gives the limits of a drain that starts now.
 * @throws {TidegateError} `invalid_request`; the message names the option.
 */
export function boundsOf(options: DrainOptions, deadline: Deadline, clock: Clock): () => DrainLimits {
  const limits = drainLimits(options);
  return () => within(deadline, limits, clock());
}
