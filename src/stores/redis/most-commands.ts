import type { Cost } from "../../core/store/meter.ts";
import { MOST_EVENTS } from "../../core/store/signals.ts";
import type { ExchangeSize } from "../../core/store/store.ts";

// The most that each script is billed, as a first send or a resend, for budgets. A command takes up to 1,000 values. So
// a script takes one command of each kind, and at most one more for each 1,000 values of all kinds together. A test
// compares this with what Redis counts.

/** As in lua/_prelude.lua. */
const PIECE = 1_000;

const commands = (kinds: number, values: number): number => kinds + Math.floor(values / PIECE);

/** How many schedules a budget expects where all are read. */
const MOST_SCHEDULES = 10_000;

/** Of lua/exchange.lua. */
export function mostOfExchange(size: ExchangeSize): Cost {
  const { settles = 0, followUps = 0, waits = 0, fires = 0, firedJobs = 0, claims = 0, hasKeys = false } = size;
  // The script itself, and ZRANGE of what is due next.
  let [kinds, values] = [2, 0];
  if (settles > 0) {
    // ZMSCORE and HDEL take a value a job; ZREM, HSETEX, the order of completed jobs, and HSET and ZADD of what is dead
    // or waits two, or four with its index or its group. Then the counters. Of what is dead already, ZMSCORE, and ZREM
    // from its group. Of children, three values more in ZMSCORE, one in ZREM, and two in each ZADD.
    kinds += 12;
    values += 30 * settles;
    // On a server without HSETEX, which a connection does not know at first: HSET in its place; ZADD of when that
    // expires. Of what has: ZRANGE, HDEL from two hashes, ZREM.
    kinds += 6;
    values += 4 * settles;
    // A resend reads what has ended already. A first send reads the parents that it releases: for a resend they are
    // released, unless a command has failed.
    kinds += 3;
    values += 3 * settles;
  }
  if (followUps > 0) {
    // ZMSCORE, HSET and ZADD: in the commands of the outcomes, or beside them. A resend reads those that have ended.
    kinds += 5;
    values += 7 * followUps;
  }
  if (waits > 0) {
    // HMGET of signals that are kept; of those that a job gets, HDEL, and HSETEX of what is left of others. Marks come
    // in ZADD and ZREM of the outcomes. Without HSETEX, HSET and ZADD in its place.
    kinds += 5;
    values += 6 * MOST_EVENTS * waits;
  }
  if (fires > 0) {
    // ZMSCORE of schedules, and under two names of what they must not overlap and of their jobs; HSET of both, and
    // ZADD.
    kinds += 4;
    values += 7 * fires + 6 * firedJobs;
  }
  if (claims > 0) {
    // ZCOUNT; HMGET of jobs and of schedules; ZADD of leases with their index; ZREM of what has no record. For
    // schedules that it fires itself ZMSCORE, and in that ZADD their next occurrences. For born jobs whose
    // leases ran out, ZRANGE, ZMSCORE, HSET and ZREM. A resend looks for leases of its own: ZRANGE, ZMSCORE and
    // HMGET.
    kinds += 12;
    values += 17 * claims;
  }
  const most = kinds + Math.floor(values / PIECE);
  const ofKeys = hasKeys ? mostOfKeys(settles + followUps + firedJobs + claims, claims) : 0;
  return { roundTrips: 1, commands: most + ofKeys };
}

/**
 * What flow control keys add. Each claimed job may need one more read of a line, and all lines are written together.
 * The rest are HMGET, HSET, HDEL and HSETEX of keys, and ZADD and ZREM of lines and of marks: a few commands for all
 * keys.
 */
function mostOfKeys(jobs: number, claims: number): number {
  return jobs === 0 ? 0 : claims + 1 + Math.floor((17 * claims) / PIECE) + 16 * Math.ceil((8 * jobs) / PIECE);
}

// As in lua/_metrics.lua: how many values BITFIELD takes, and how many it needs for windows. Each counter needs two
// operations of four values; an outcome has three counters, and its name two windows, one total and its hash.
const MOST_VALUES = 5_600;
const MOST_VALUES_OF_HOUR = 33 * 8;
const MOST_VALUES_OF_NAME = 2 * 3 * 8 + 8;

/**
 * What lua/exchange.lua leaves out if the budget has no room for it. The sweep: HRANDFIELD, ZMSCORE and HDEL, and
 * ZREMRANGEBYSCORE of the order of completed jobs. Metrics: ZMSCORE and ZADD of places of names, BITFIELD to correct
 * counts in a wrong place, and BITFIELD for windows that do not fit into the first one.
 */
export function mostOfSweep(settles: number): number {
  return 6 + Math.ceil((MOST_VALUES_OF_HOUR + settles * MOST_VALUES_OF_NAME) / MOST_VALUES);
}

/**
 * Of lua/extend.lua: ZMSCORE, ZADD, HSET if there are records, and ZREM of born jobs; if jobs leave runs, HMGET and
 * HSET of their keys, and marks in that ZADD.
 */
export function mostOfExtend(leases: number, ofRuns = 0): number {
  return commands(ofRuns > 0 ? 7 : 5, 10 * leases + 7 * ofRuns);
}

/**
 * What lua/exchange.lua adds to count the children of so many parents: ZCOUNT, ZRANGE and ZMSCORE of those that have
 * not ended, and the same of those that are dead. HMGET of those that it releases, and HSET if children expire.
 */
export function mostOfParents(parents: number): number {
  return parents > 0 ? 2 + 6 * parents : 0;
}

/** Of `peekWithManifest`: ZRANGE and GET. */
export const mostOfPeek = 2;

/** Of lua/list_schedules.lua: HGETALL and ZMSCORE. */
export const mostOfListing = commands(2, MOST_SCHEDULES);

/** Of lua/declare.lua: GET, SET; ZMSCORE, HMGET, HSET and ZADD of what is stored; HDEL and ZREM of the rest. */
export function mostOfDeclare(put: number, removed: number): number {
  return commands(9, 6 * put + 2 * removed);
}
