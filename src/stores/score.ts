import { CLAIM_CYCLE, type Outcome } from "../core/store.ts";
import type { SchedulePut, StoredSchedule } from "../core/stored-schedule.ts";

/**
 * A score tells all that a store must know of a live job to order and to fence it: when it needs attention, how often it has
 * been claimed, whether it is leased. `time * 1024 + claims * 2 + leased` is exact in a double until the year 2109. A claim
 * always makes another score, so the score is the fencing token too.
 */
export interface Position {
  readonly at: number;
  readonly claims: number;
  readonly isLeased: boolean;
}

export function pack({ at, claims, isLeased }: Position): number {
  return at * 1024 + (claims % CLAIM_CYCLE) * 2 + (isLeased ? 1 : 0);
}

export function unpack(score: number): Position {
  const rest = score % 1024;
  return { at: (score - rest) / 1024, claims: Math.floor(rest / 2), isLeased: rest % 2 === 1 };
}

/** The score of a job that waits. */
export function waitingScore(at: number, claims = 0): number {
  return pack({ at, claims, isLeased: false });
}

/** The score of a job that waits again. */
export function againScore(outcome: Extract<Outcome, { readonly runAt: number }>): number {
  const { lease, runAt } = outcome;
  return waitingScore(runAt, outcome.to === "returned" ? (outcome.claims ?? lease.claims) : lease.claims);
}

/** The score of a schedule that stands as it was read, its revision where a job's claims are; undefined where no slot comes. */
export function scheduleScore(read: Pick<StoredSchedule, "next" | "revision"> | undefined): number | undefined {
  return read?.next === undefined ? undefined : waitingScore(read.next, read.revision);
}

/** The score of a schedule that is stored in place of what was read: another one, also at the same slot. */
export function renewedScore({ next, from }: SchedulePut): number | undefined {
  return scheduleScore({ next, revision: from ? from.revision + 1 : 0 });
}

/** The score of a leased job. */
export function leaseScore(lease: { readonly endsAt: number; readonly claims: number }): number {
  return pack({ at: lease.endsAt, claims: lease.claims, isLeased: true });
}

/** The first score behind all that is due at `now`. */
export function scoreAfter(now: number): number {
  return (now + 1) * 1024;
}

/** Members of `due` that are no jobs begin with a space, which no job id does. */
export const SCHEDULE_MEMBER = " schedule:";
export const LEASE_MEMBER = " lease:";
export const PAUSED_MEMBER = " paused";
