import { type DrainLimits, type DrainOptions, drainLimits } from "../core/drain/options.ts";
import type { Clock } from "../core/shared/clock.ts";

/** How long an invocation has, in ms since 1970. Every drain obeys it, whatever its other bounds. */
export interface Deadline {
  readonly startsUntil: number;
  /** Running jobs are aborted then. */
  readonly endsAt: number;
}

/** For the response and the last exchange with the store. */
const MARGIN_MS = 5_000;

/** The deadline of a request that the platform ends at `deadline`. In its last quarter, no job starts. */
export function deadlineAt(deadline: Date | undefined, now: number): Deadline {
  if (!deadline) return { startsUntil: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY };
  const leftMs = Math.max(0, deadline.getTime() - now - MARGIN_MS);
  return { startsUntil: now + leftMs * 0.75, endsAt: now + leftMs };
}

/** Cuts the limits of a drain that begins now to the time that the invocation has left. */
function within({ startsUntil, endsAt }: Deadline, limits: DrainLimits, now: number): DrainLimits {
  if (endsAt === Number.POSITIVE_INFINITY) return limits;
  const leftMs = Math.max(0, startsUntil - now);
  const timeBudgetMs = Math.min(limits.timeBudgetMs, leftMs);
  const lingerMs = Math.min(limits.lingerMs, leftMs);
  const graceMs = Math.min(limits.graceMs, Math.max(0, endsAt - now - Math.max(timeBudgetMs, lingerMs)));
  return { ...limits, timeBudgetMs, lingerMs, graceMs };
}

export function boundsOf(options: DrainOptions, deadline: Deadline, clock: Clock): () => DrainLimits {
  const limits = drainLimits(options);
  return () => within(deadline, limits, clock());
}

// Cloudflare keeps an invocation alive for 30 s after its response. All work must end within that time.
const STARTS_FOR_MS = 20_000;
const ENDS_AFTER_MS = 28_000;
/** Jobs with a longer timeout wait for a drain of the platform's cron, which has more time. */
export const LONGEST_TIMEOUT_MS = 30_000;

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
