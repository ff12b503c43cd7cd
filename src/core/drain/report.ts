import type { Outcome } from "../store/store.ts";

/** Why a drain ended. `empty`: nothing more was due. */
export type StoppedBy = "empty" | "maxJobs" | "timeBudget" | "budget" | "paused" | "aborted";

/** What one drain did, what it cost, and whether it left a backlog. */
export interface DrainReport {
  /** Jobs claimed: those completed, retried, dead-lettered, snoozed, expired, released and lost together. */
  readonly claimed: number;
  /** Jobs that succeeded. */
  readonly completed: number;
  /** Attempts that failed and will be retried. */
  readonly retried: number;
  /** Jobs that failed for good. They are in the dead-letter queue now. */
  readonly deadLettered: number;
  /** Jobs whose handler asked to run again later. */
  readonly snoozed: number;
  /** Jobs that had not begun in time, and were dropped. */
  readonly expired: number;
  /** Jobs that were claimed and released without a start, with no attempt used. */
  readonly released: number;
  /** Jobs whose outcome was not stored: their lease had run out, or the budget had no room left. They run again. */
  readonly lost: number;
  /** Schedules that fired and whose next occurrence was set. */
  readonly rearmed: number;
  /** HTTP requests to the store, resends included. */
  readonly roundTrips: number;
  /**
   * Commands as Upstash bills them. A request whose response was lost, or for which the drain did not wait, counts as
   * one.
   */
  readonly commands: number;
  /** Why it ended. */
  readonly stoppedBy: StoppedBy;
  /** When something next needs attention: a run time, an occurrence, or the end of another invocation's lease. */
  readonly nextRunAt: Date | null;
  /** Whether something was due that this drain left to others. */
  readonly backlog: boolean;
}

/** The counts that can be added up over several drains. */
export type DrainCounts = Omit<DrainReport, "stoppedBy" | "nextRunAt" | "backlog">;

/** Which count the outcome of a lease belongs to. */
export function countOf(to: Outcome["to"]): keyof DrainCounts {
  return to === "dead" ? "deadLettered" : to;
}

export const noCounts: DrainCounts = {
  claimed: 0,
  completed: 0,
  retried: 0,
  deadLettered: 0,
  snoozed: 0,
  expired: 0,
  released: 0,
  lost: 0,
  rearmed: 0,
  roundTrips: 0,
  commands: 0,
};

/** The report of a drain that did nothing, because its budget was too small. There may be a backlog. */
export const notDrained: DrainReport = { ...noCounts, stoppedBy: "budget", nextRunAt: null, backlog: true };

export function addCounts(one: DrainCounts, other: DrainCounts): DrainCounts {
  const names = Object.keys(noCounts) as (keyof DrainCounts)[];
  return Object.fromEntries(names.map((name) => [name, one[name] + other[name]])) as unknown as DrainCounts;
}

/** What several drains did together. */
export interface DrainTotals extends DrainCounts {
  /** How many drains there were. */
  readonly drains: number;
}

export const noTotals: DrainTotals = { drains: 0, ...noCounts };

export function addReport(totals: DrainTotals, report: DrainReport): DrainTotals {
  return addTotals(totals, { drains: 1, ...report });
}

export function addTotals(one: DrainTotals, other: DrainTotals): DrainTotals {
  return { drains: one.drains + other.drains, ...addCounts(one, other) };
}
