import { CLOCKS_APART_MS } from "../shared/clock.ts";
import { LATEST_TIME_MS } from "../shared/duration.ts";
import type { SchedulePut, StoredSchedule } from "./schedules.ts";
import { CLAIM_CYCLE, type Outcome } from "./store.ts";

/**
 * A score holds all that a store must know of a live job to order and to fence it: when it needs attention, how often
 * it has been claimed, whether it is leased. `time * 1024 + claims * 2 + leased` is exact in a double until the year
 * 2109. A claim always makes another score, so the score is the fencing token too.
 */
export interface Position {
  readonly at: number;
  readonly claims: number;
  readonly isLeased: boolean;
}

export function pack({ at, claims, isLeased }: Position): number {
  return at * 1024 + (claims % CLAIM_CYCLE) * 2 + (isLeased ? 1 : 0);
}

export function unpack(stored: number): Position {
  const score = isInLine(stored) ? stored - IN_LINE : stored;
  const rest = score % 1024;
  return { at: (score - rest) / 1024, claims: Math.floor(rest / 2), isLeased: rest % 2 === 1 };
}

/**
 * A job that waits for its flow control key stands this much higher, out of reach of every claim. Such scores are even,
 * so exact.
 */
export const IN_LINE = 2 ** 53;

/** Whether a job waits for its flow control key. */
export function isInLine(score: number): boolean {
  return score >= IN_LINE;
}

/** The score of a job that waits. */
export function waitingScore(at: number, claims = 0): number {
  return pack({ at, claims, isLeased: false });
}

/** The score of a job that waits again. */
export function againScore(outcome: Extract<Outcome, { readonly runAt: number }>): number {
  const { lease, runAt } = outcome;
  const claims = "claims" in outcome ? outcome.claims : undefined;
  return waitingScore(runAt, claims ?? lease.claims);
}

/** Above all times: there stands, out of reach of every claim, a schedule without a next occurrence. */
const NEVER_MS = LATEST_TIME_MS + 1;

/** The score of a schedule, its revision where a job's claims are. */
export function scheduleScore(next: number | undefined, revision = 0): number {
  return waitingScore(next ?? NEVER_MS, revision);
}

/** The score of a schedule that still stands as it was read; undefined where it stood nowhere. */
export function readScore(read: Pick<StoredSchedule, "next" | "revision"> | undefined): number | undefined {
  return read?.revision === undefined ? undefined : scheduleScore(read.next, read.revision);
}

/** From here on the revision of a schedule says how far ahead its next occurrence was when it moved there. */
const MOVED = 448;

/** The least power of 2 above a number of ms. As in lua/_lanes.lua. */
function reachOf(ms: number): number {
  return Math.floor(Math.log2(ms)) + 1;
}

/**
 * The score of a schedule that has fired.
 *
 * @param reachMs how far ahead `next` is; undefined if a claim need not check it.
 */
export function movedScore(next: number | undefined, reachMs: number | undefined): number {
  return scheduleScore(next, reachMs === undefined ? 0 : MOVED + reachOf(reachMs));
}

/** The score of a schedule that is stored in place of what was read: another one, also at the same occurrence. */
export function renewedScore({ next, from }: SchedulePut): number {
  return scheduleScore(next, from?.revision === undefined ? 0 : (from.revision + 1) % MOVED);
}

/**
 * How the mark of a key ends that was served a moment ago: it stands behind all that is due in that millisecond. Keys
 * take turns.
 */
const SERVED = 1_020;

/**
 * The mark of a key that can next start something at `at`.
 *
 * @param turn when it last started something.
 * @param windowMs the length of the window, if it waits for the end of one.
 */
export function markScore(at: number, turn: number, windowMs: number | undefined): number {
  if (windowMs !== undefined) return at * 1024 + reachOf(windowMs);
  return at * 1024 + (at === turn ? SERVED : 0);
}

/**
 * When a window ends, by a clock that says `now`: when the clock that opened it has said, unless that one was wrong. If
 * a clock that is a little behind brought the end back, the other one would find the window closed, and open a new one:
 * the rate would not hold.
 */
export function windowEnd(endsAt: number, now: number, periodMs: number): number {
  return endsAt > now + periodMs + CLOCKS_APART_MS ? now + periodMs : endsAt;
}

/**
 * Whether a key or a schedule is further ahead than a clock like the one that says `now` can have put it: the clock
 * that has done so was ahead, or this one is behind. The last bits of a score tell how far ahead it was then: the turn
 * of a key is never in the future, a window ends within its period, and a schedule moves to its next occurrence.
 * Schedules are checked only for large differences: an occurrence that was fired early is not to be fired again.
 */
export function isAstray(member: string, score: number, now: number): boolean {
  const ahead = Math.floor(score / 1024) - now;
  const reach = score % 1024;
  if (member.startsWith(FLOW_KEY_MEMBER))
    return reach > 0 && ahead > (reach === SERVED ? 0 : 2 ** reach + CLOCKS_APART_MS);
  if (!member.startsWith(SCHEDULE_MEMBER) || momentOf(score) === undefined) return false;
  const { claims: revision } = unpack(score);
  return revision >= MOVED && ahead > 2 ** (revision - MOVED) + CLOCKS_APART_MS;
}

/** When a member is due; undefined where it never is. */
export function momentOf(score: number): number | undefined {
  return score < scheduleScore(undefined) ? unpack(score).at : undefined;
}

/** Where a schedule with this score stands; without one it stands nowhere. */
export function standingOf(score: number | undefined): Pick<StoredSchedule, "next" | "revision"> {
  if (score === undefined) return { next: undefined, revision: undefined };
  return { next: momentOf(score), revision: unpack(score).claims };
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
/** Begins the name of a job that is leased as it is made, until that lease ends. */
export const BORN_MEMBER = " born:";
/** Stands for a flow control key, at the moment when it can next start something. */
export const FLOW_KEY_MEMBER = " lane:";
/** How many members a peek reads, the mark of a pause included. */
export const MOST_PEEKED = 2;
