import { CLAIM_CYCLE } from "../core/store.ts";

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

/** The score of a job that waits, or of a schedule, which is never claimed. */
export function waitingScore(at: number, claims = 0): number {
  return pack({ at, claims, isLeased: false });
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
