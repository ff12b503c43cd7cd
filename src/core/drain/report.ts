import type { AttemptInfo } from "../job/attempt-info.ts";
import type { Outcome } from "../store/store.ts";
import type { EndedJob } from "./in-hand.ts";

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
  /** Jobs that died. They are in the dead-letter queue now. */
  readonly deadLettered: number;
  /** Jobs that asked to run again later. */
  readonly snoozed: number;
  /** Jobs that had not started in time, and were dropped. */
  readonly expired: number;
  /** Jobs that were claimed and released without a start, without using an attempt. */
  readonly released: number;
  /** Jobs whose outcome was not stored. They were cancelled; or the lease or budget had run out, and they run again. */
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

/** An attempt of a drain whose outcome the store has accepted or refused. It contains no payload and no result. */
export interface DrainedAttempt extends AttemptInfo {
  /**
   * How it ended. "expired": the job was dropped without an attempt. "lost": the store refused its
   * outcome, because its lease had expired, so the job runs again, or because it was cancelled.
   */
  readonly outcome: "completed" | "retried" | "snoozed" | "dead" | "expired" | "lost";
  /** When it ended. */
  readonly endedAt: Date;
  /** How long it took, in ms. */
  readonly ranMs: number;
  /** When the job runs again, if it was retried or snoozed. */
  readonly runAt?: Date;
  /** Why it failed, if it was retried or is dead: the first 1,000 characters of the message. */
  readonly error?: { readonly name: string; readonly message: string };
}

/** The last attempts of a drain, in the order in which the store replied. */
export interface DrainedAttempts {
  /** With `attempts: true`: the last 1,000 attempts, in the order in which they were settled. */
  readonly attempts: readonly DrainedAttempt[];
  /** With `attempts: true`: how many earlier attempts the list lacks. */
  readonly attemptsLeftOut: number;
}

const MOST_ATTEMPTS = 1_000;

export class AttemptCollector {
  readonly #last: DrainedAttempt[] = [];
  #leftOut = 0;

  readonly add = ({ job, outcome, at }: EndedJob, isAccepted: boolean): void => {
    const { to, failure, timing } = outcome;
    if (to === "released") return;
    if (this.#last.length === MOST_ATTEMPTS) {
      this.#last.shift();
      this.#leftOut++;
    }
    this.#last.push({
      ...job.info,
      outcome: isAccepted ? to : "lost",
      endedAt: new Date(at),
      ranMs: timing?.ranMs ?? 0,
      ...(isAccepted && "runAt" in outcome && { runAt: new Date(outcome.runAt) }),
      ...(isAccepted && failure && { error: { name: failure.name, message: failure.message } }),
    });
  };

  get list(): DrainedAttempts {
    return { attempts: this.#last, attemptsLeftOut: this.#leftOut };
  }
}
