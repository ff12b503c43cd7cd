import type { ExchangeSize, SettleSize } from "../../core/store/store.ts";

// The most that the scripts are billed, for budgets: counted from lua/, where many values of a command go in pieces. A test
// compares it with what Redis counts.

/** As in lua/_prelude.lua. */
const PIECE = 1_000;

const pieces = (values: number): number => Math.ceil(values / PIECE);

/** How many schedules a queue is taken to have at most, where they are all read. */
const MOST_SCHEDULES = 10_000;

/** Of lua/exchange.lua, where it only settles. */
export function mostOfSettle({ settles = 0, followUps = 0, isResend = false }: SettleSize): number {
  if (settles === 0) return 1;
  const more = followUps > 0 ? mostToFollowUp(followUps, isResend) : 0;
  return 1 + mostToSettle(settles, isResend) + more + mostToExpire(settles);
}

/** Of lua/exchange.lua, all of it. */
export function mostOfExchange(size: ExchangeSize): number {
  const { fires = 0, firedJobs = 0, claims = 0, isResend = false } = size;
  return mostOfSettle(size) + (fires > 0 ? mostToFire(fires, firedJobs) : 0) + mostToClaim(claims, isResend);
}

// ZMSCORE and HDEL take a value a job; ZREM, HSETEX, the order of completed jobs, and HSET and ZADD of what is dead or waits two, or
// four with its index or its group. Then the counters. Of what is dead already, ZMSCORE, and ZREM from its group. What each outcome
// takes is less than what all take together: of one that dies, ZMSCORE, HSET, ZMSCORE, ZREM, ZADD, HDEL, ZREM, BITFIELD.
function mostToSettle(jobs: number, isResend: boolean): number {
  if (jobs === 1) return 8 + (isResend ? 1 : 0);
  return 4 * pieces(jobs) + 5 * pieces(2 * jobs) + 2 * pieces(4 * jobs) + 1 + (isResend ? 3 * pieces(jobs) : 0);
}

// ZMSCORE, HSET and ZADD: in the commands of the outcomes, or beside them. A resend reads those that have ended.
function mostToFollowUp(jobs: number, isResend: boolean): number {
  return pieces(jobs) + 2 * pieces(2 * jobs) + (isResend ? 2 * pieces(jobs) : 0);
}

// On a server without HSETEX, which a connection does not know at first: HSET in its place; ZADD of when that expires. Of what has: ZRANGE,
// HDEL from two hashes, ZREM.
function mostToExpire(jobs: number): number {
  return 2 * pieces(2 * jobs) + 4;
}

// ZMSCORE of schedules, and under two names of what they must not overlap and of their jobs; HSET of both, and ZADD.
function mostToFire(schedules: number, jobs: number): number {
  return pieces(3 * schedules + 2 * jobs) + pieces(2 * schedules) + pieces(2 * jobs) + pieces(2 * (schedules + jobs));
}

// ZRANGE and ZCOUNT; HMGET of jobs and of schedules; ZADD of leases with their index; ZREM of what has no record. For schedules that it
// fires itself ZMSCORE, and in that ZADD their next occurrences. For jobs that were born leased, whose leases ran out, ZRANGE, ZMSCORE,
// HSET and ZREM. A resend looks for leases of its own: ZRANGE, ZMSCORE and HMGET.
function mostToClaim(jobs: number, isResend: boolean): number {
  if (jobs === 0) return 1;
  const toRecover = isResend ? 1 + 2 * pieces(jobs) : 0;
  if (jobs === 1) return 7 + toRecover;
  return 3 + 3 * pieces(jobs) + 3 * pieces(2 * jobs) + pieces(6 * jobs) + toRecover;
}

/**
 * What lua/exchange.lua takes beyond that where it meets flow control keys. One line may have to be read on for each job claimed.
 * The rest are HMGET, HSET, HDEL and HSETEX of keys, ZADD and ZREM of lines and of marks: a few commands for all keys together.
 */
export function mostOfKeys({ settles = 0, firedJobs = 0, claims = 0 }: ExchangeSize): number {
  const jobs = settles + firedJobs + claims;
  return jobs === 0 ? 0 : claims + pieces(17 * claims) + 16 * pieces(8 * jobs);
}

// As in lua/_figures.lua: how many values BITFIELD takes, and how many it needs for windows. Each figure needs two operations of four
// values; an outcome has three figures, and its name two windows, one total and its hash.
const MOST_VALUES = 5_600;
const MOST_VALUES_OF_HOUR = 33 * 8;
const MOST_VALUES_OF_NAME = 2 * 3 * 8 + 8;

/**
 * Of what lua/exchange.lua leaves out if the budget has no room for it. The sweep: HRANDFIELD, ZMSCORE and HDEL, and ZREMRANGEBYSCORE of
 * the order of completed jobs. Figures: ZMSCORE and ZADD of places of names, BITFIELD to count again what was counted in a wrong place, and
 * for windows that one BITFIELD has no room for.
 */
export function mostOfSweep({ settles = 0 }: SettleSize): number {
  return 6 + Math.ceil((MOST_VALUES_OF_HOUR + settles * MOST_VALUES_OF_NAME) / MOST_VALUES);
}

/** Of lua/extend.lua: ZMSCORE, ZADD, HSET if there are records, and ZREM of what was born leased. */
export function mostOfExtend(leases: number, records: number, born: number): number {
  return 1 + pieces(leases + born) + pieces(4 * leases) + pieces(2 * records) + pieces(2 * born);
}

/** Of lua/partitions.lua: ZRANGE, EXISTS and MSET. */
export const mostOfPartitions = 4;

/** Of `peekWithManifest`: ZRANGE and GET. */
export const mostOfPeek = 2;

/** Of lua/list_schedules.lua: HGETALL and ZMSCORE. */
export const mostOfListing = 2 + pieces(MOST_SCHEDULES);

/** Of lua/declare.lua: GET and SET; ZMSCORE, HMGET, HSET and ZADD of what is stored; HDEL and ZREM of what is removed. */
export function mostOfDeclare(put: number, removed: number): number {
  return 3 + 2 * pieces(put) + 2 * pieces(2 * put) + 2 * pieces(removed);
}
