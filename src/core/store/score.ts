import { CLOCKS_APART_MS } from "../shared/clock.ts";
import { LATEST_TIME_MS } from "../shared/duration.ts";
import type { SchedulePut, StoredSchedule } from "./schedules.ts";
import type { Outcome } from "./store.ts";

/**
 * A score holds what a store must know of a live job: when it needs attention, how often it has been claimed, and
 * whether it is leased. `time * 1024 + claims * 2 + leased` is exact in a double until the year 2109. Each claim makes
 * a new score, so the score is the fencing token too.
 */
export interface Position {
  readonly at: number;
  readonly claims: number;
  readonly isLeased: boolean;
}

export function pack({ at, claims, isLeased }: Position): number {
  return at * 1024 + claims * 2 + (isLeased ? 1 : 0);
}

export function unpack(stored: number): Position {
  const score = isInLine(stored) ? stored - IN_LINE : stored;
  const rest = score % 1024;
  return { at: (score - rest) / 1024, claims: Math.floor(rest / 2), isLeased: rest % 2 === 1 };
}

/** Added to the score of a job in the line of its key, out of reach of every claim. Such scores are even, so exact. */
export const IN_LINE = 2 ** 53;

export function isInLine(score: number): boolean {
  return score >= IN_LINE;
}

export function waitingScore(at: number, claims = 0): number {
  return pack({ at, claims, isLeased: false });
}

export function againScore(outcome: Extract<Outcome, { readonly runAt: number }>): number {
  const { lease, runAt } = outcome;
  const claims = "claims" in outcome ? outcome.claims : undefined;
  return waitingScore(runAt, claims ?? lease.claims);
}

/** Where a job stands that waits for its children: out of reach of every claim. */
export const WAITS_FOR_CHILDREN_AT = LATEST_TIME_MS + 1;

/** The time of a schedule without a next occurrence: out of reach too. */
const NEVER_MS = LATEST_TIME_MS + 2;

/** The score of a schedule: its revision takes the bits of a job's claims. */
export function scheduleScore(next: number | undefined, revision = 0): number {
  return waitingScore(next ?? NEVER_MS, revision);
}

/** The score of a schedule that has not changed since it was read; undefined if there was none. */
export function readScore(read: Pick<StoredSchedule, "next" | "revision"> | undefined): number | undefined {
  return read?.revision === undefined ? undefined : scheduleScore(read.next, read.revision);
}

/** From here on the revision of a schedule says how far ahead its next occurrence was when it moved there. */
const MOVED = 448;

/** The least power of 2 above a number of ms. As in lua/_lanes.lua. */
function reachOf(ms: number): number {
  return Math.floor(Math.log2(ms)) + 1;
}

/** The score of a schedule that has fired. @param reachMs how far ahead `next` is; undefined for no check of it. */
export function movedScore(next: number | undefined, reachMs: number | undefined): number {
  return scheduleScore(next, reachMs === undefined ? 0 : MOVED + reachOf(reachMs));
}

/** The score of a schedule that replaces what was read: a new one, even at the same occurrence. */
export function renewedScore({ next, from }: SchedulePut): number {
  return scheduleScore(next, from?.revision === undefined ? 0 : (from.revision + 1) % MOVED);
}

/** The end of the score of a key that was just served: behind all else in that millisecond, so keys are round-robin. */
const SERVED = 1_020;

/** The score of a key that can next start a job at `at`, by when it last started one and the window it waits for. */
export function markScore(at: number, startedAt: number, windowMs: number | undefined): number {
  if (windowMs !== undefined) return at * 1024 + reachOf(windowMs);
  return at * 1024 + (at === startedAt ? SERVED : 0);
}

/**
 * When a window ends: as the clock that opened it says, unless that clock was far ahead. A clock that is a little
 * behind must not bring the end back: the other clock would find the window closed, and open a new one.
 */
export function windowEnd(endsAt: number, now: number, periodMs: number): number {
  return endsAt > now + periodMs + CLOCKS_APART_MS ? now + periodMs : endsAt;
}

/**
 * Whether a key or a schedule is further ahead than a clock like this one can have put it: the other clock was ahead,
 * or this one is behind. The last bits of a score say how far ahead it was then: the start of a job is never in the
 * future, a window ends within its period, and a schedule moves to its next occurrence. Schedules are checked only for
 * large differences, so that an occurrence that was fired early is not fired again.
 */
export function isSkewed(member: string, score: number, now: number): boolean {
  const ahead = Math.floor(score / 1024) - now;
  const reach = score % 1024;
  if (member.startsWith(FLOW_KEY_MEMBER))
    return reach > 0 && ahead > (reach === SERVED ? 0 : 2 ** reach + CLOCKS_APART_MS);
  if (!member.startsWith(SCHEDULE_MEMBER) || momentOf(score) === undefined) return false;
  const { claims: revision } = unpack(score);
  return revision >= MOVED && ahead > 2 ** (revision - MOVED) + CLOCKS_APART_MS;
}

export function momentOf(score: number): number | undefined {
  return score < waitingScore(WAITS_FOR_CHILDREN_AT) ? unpack(score).at : undefined;
}

export function standingOf(score: number | undefined): Pick<StoredSchedule, "next" | "revision"> {
  if (score === undefined) return { next: undefined, revision: undefined };
  return { next: momentOf(score), revision: unpack(score).claims };
}

export function leaseScore(lease: { readonly endsAt: number; readonly claims: number }): number {
  return pack({ at: lease.endsAt, claims: lease.claims, isLeased: true });
}

/** The first score after everything that is due at `now`. */
export function scoreAfter(now: number): number {
  return (now + 1) * 1024;
}

/** Members of `due` that are not jobs begin with a space. No job id does. */
export const SCHEDULE_MEMBER = " schedule:";
/** Begins the name of a flow control key, whose score is when it can next start a job. */
export const FLOW_KEY_MEMBER = " lane:";
/** How many members a peek reads, the mark of a pause included. */
export const MOST_PEEKED = 2;

/** When a job is due that is moved. One that is due keeps its place in line, unless the new time is to come. */
export function movedTime(runAt: number, at: number, now: number): number {
  return runAt > now ? runAt : Math.min(runAt, at);
}
