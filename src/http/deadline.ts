import { type DrainOptions, drainLimits } from "../core/drain/options.ts";

/** How long an invocation has, in ms since 1970: drains keep to it whatever else bounds them. */
export interface Deadline {
  /** From when on no job is started. */
  readonly startsUntil: number;
  /** When jobs that still run are aborted. */
  readonly endsAt: number;
}

/** What the answer and the last exchange with the store may take. */
const MARGIN_MS = 5_000;

/** How long a request has whose platform ends it at `deadline`: the last quarter is left to jobs that have started. */
export function deadlineAt(deadline: Date | undefined, now: number): Deadline {
  if (!deadline) return { startsUntil: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY };
  const leftMs = Math.max(0, deadline.getTime() - now - MARGIN_MS);
  return { startsUntil: now + leftMs * 0.75, endsAt: now + leftMs };
}

/** The bounds of a drain that begins now, cut to what the invocation has left. */
export function within({ startsUntil, endsAt }: Deadline, options: DrainOptions, now: number): DrainOptions {
  if (endsAt === Number.POSITIVE_INFINITY) return options;
  const { timeBudgetMs, lingerMs, graceMs } = drainLimits(options);
  const leftMs = Math.max(0, startsUntil - now);
  const [timeBudget, linger] = [Math.min(timeBudgetMs, leftMs), Math.min(lingerMs, leftMs)];
  const grace = Math.min(graceMs, Math.max(0, endsAt - now - Math.max(timeBudget, linger)));
  return { ...options, timeBudget, linger, grace };
}
