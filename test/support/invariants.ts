import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { childId, totalOf } from "../../src/core/store/family.ts";
import { unpack, WAITS_FOR_CHILDREN_AT } from "../../src/core/store/score.ts";
import { eventsIn, openWaits } from "../../src/core/store/signals.ts";
import {
  countsIn,
  outcomeCounters,
  outcomeCounts,
  outcomeNames,
  type StoredStats,
} from "../../src/core/store/stats.ts";
import { readCounts } from "../../src/stores/redis/families.ts";
import { keysOf } from "../../src/stores/redis/keys.ts";
import { laneBreaches } from "./flow-watch.ts";
import type { Ledger } from "./ledger.ts";
import type { Reply, RespClient } from "./resp.ts";

/** One queue as it is stored in Redis. */
export interface StoredQueue {
  readonly due: ReadonlyMap<string, number>;
  /** The records of live jobs. */
  readonly jobs: ReadonlyMap<string, string>;
  readonly dead: ReadonlyMap<string, number>;
  readonly deadJobs: ReadonlyMap<string, string>;
  /** The entries of dead jobs in groups of failures. */
  readonly deadEntries: readonly string[];
  /** The records of completed jobs, which are in the same hash. */
  readonly done: ReadonlyMap<string, string>;
  readonly schedules: ReadonlyMap<string, string>;
  readonly families: ReadonlyMap<string, string>;
  readonly flow: ReadonlyMap<string, string>;
  readonly lanes: ReadonlyMap<string, number>;
  readonly documents: ReadonlyMap<string, string>;
  readonly documentNames: ReadonlyMap<string, number>;
}

const UPPER = 2 ** 52;
const LEASE = " lease:";
const SCHEDULE = " schedule:";

/** Reads a queue straight from its keys. */
export async function readStored(redis: RespClient, prefix: string, queue = "default"): Promise<StoredQueue> {
  const keys = keysOf(prefix, queue);
  const sortedSet = (key: string) =>
    redis.send(["ZRANGE", key, 0, -1, "WITHSCORES"]).then((reply) => pairs(reply, Number));
  const hash = (key: string) => redis.send(["HGETALL", key]).then((reply) => pairs(reply, String));
  const [due, records, deadMembers, deadJobs, order, schedules, families, flow, lanes, documents, documentNames] =
    await Promise.all([
      sortedSet(keys.due),
      hash(keys.jobs),
      sortedSet(keys.dead),
      hash(keys["dead:jobs"]),
      sortedSet(keys["done:order"]),
      hash(keys.schedules),
      hash(keys.families),
      hash(keys.flow),
      sortedSet(keys.lanes),
      hash(keys.documents),
      sortedSet(keys["documents:names"]),
    ]);
  const isCompleted = (id: string) => order.has(id) && !due.has(id);
  const jobs = new Map([...records].filter(([id]) => !isCompleted(id)));
  const done = new Map([...records].filter(([id]) => isCompleted(id)));
  const deadEntries = [...deadMembers.keys()].filter((member) => member.startsWith(" "));
  const dead = new Map([...deadMembers].filter(([member]) => !member.startsWith(" ")));
  return {
    due,
    jobs,
    dead,
    deadEntries,
    deadJobs,
    done,
    schedules,
    families,
    flow,
    lanes,
    documents,
    documentNames,
  };
}

function pairs<Value>(reply: Reply, read: (text: unknown) => Value): Map<string, Value> {
  const map = new Map<string, Value>();
  if (!Array.isArray(reply)) return map;
  for (let at = 0; at < reply.length; at += 2) map.set(String(reply[at]), read(reply[at + 1]));
  return map;
}

/** What is wrong with a stored queue, whatever the calls were; empty if all is well. */
export function storedBreaches(stored: StoredQueue): string[] {
  const members = [...stored.due.keys()];
  const live = members.filter((member) => !member.startsWith(" "));
  const fired = members.filter((member) => member.startsWith(SCHEDULE)).map((member) => member.slice(SCHEDULE.length));
  return [
    ...differences("due", live, "jobs", stored.jobs),
    ...differences("jobs", stored.jobs.keys(), "due", stored.due),
    ...differences("dead", stored.dead.keys(), "dead:jobs", stored.deadJobs),
    ...differences("dead:jobs", stored.deadJobs.keys(), "dead", stored.dead),
    ...stored.deadEntries.filter((entry) => !isOfDead(entry, stored.dead)).map((entry) => `${entry} is of no dead job`),
    ...differences("due", fired, "schedules", stored.schedules),
    ...differences("schedules", stored.schedules.keys(), "due", new Map(fired.map((key) => [key, key]))),
    ...differences("documents", stored.documents.keys(), "documents:names", stored.documentNames),
    ...differences("documents:names", stored.documentNames.keys(), "documents", stored.documents),
    ...indexBreaches(stored.due),
    ...laneBreaches(stored),
    ...familyBreaches(stored),
    ...waitBreaches(stored),
  ];
}

/** A parent waits exactly where its children are counted; and as many of them wait or run as it says. */
function familyBreaches({ due, families }: StoredQueue): string[] {
  const waits = [...due].filter(([, score]) => score < UPPER && unpack(score).at === WAITS_FOR_CHILDREN_AT);
  return [
    ...differences("due for its children", new Map(waits).keys(), "families", families),
    ...differences("families", families.keys(), "due", due),
    ...[...families].flatMap(([parent, text]) => {
      const { pending, ...ended } = readCounts(text);
      const total = totalOf({ pending, ...ended });
      const live = Array.from({ length: total }, (_, index) => childId(parent, index)).filter((id) => due.has(id));
      return live.length === pending ? [] : [`${parent} waits for ${pending} children, and ${live.length} are live`];
    }),
  ];
}

const WAIT = " wait:";

/**
 * Each mark of a wait is of a job whose record says that it waits, or has waited; and a job that waits has its marks.
 */
function waitBreaches({ due, jobs }: StoredQueue): string[] {
  const saysSo = (event: string, record = "") =>
    [...record.matchAll(/"waits":"([^"]*)"/g)].some(([, waits = ""]) => eventsIn(waits).includes(event));
  const marks = [...due.keys()].filter((member) => member.startsWith(WAIT));
  const stale = marks.filter((mark) => {
    const [event = "", id = ""] = mark.slice(WAIT.length).split("\n");
    return !saysSo(event, jobs.get(id));
  });
  const isHeld = (id: string) => (due.get(id) ?? 0) % 2 === 1;
  const open = [...jobs].flatMap(([id, record]) => {
    const waits = isHeld(id) ? undefined : openWaits(record);
    return waits === undefined ? [] : eventsIn(waits).map((event) => `${WAIT}${event}\n${id}`);
  });
  return [
    ...stale.map((mark) => `${JSON.stringify(mark)} is a mark of no wait`),
    ...open.filter((mark) => !due.has(mark)).map((mark) => `${JSON.stringify(mark)} is missing`),
  ];
}

/** Whether an entry of a group names a dead job and the time at which it died. */
function isOfDead(entry: string, dead: ReadonlyMap<string, number>): boolean {
  return dead.get(entry.slice(15)) === Number(entry.slice(1, 14));
}

function differences(
  name: string,
  ids: Iterable<string>,
  other: string,
  there: ReadonlyMap<string, unknown>,
): string[] {
  return [...ids].filter((id) => !there.has(id)).map((id) => `${id} stands in ${name} and not in ${other}`);
}

/**
 * The index must have each current lease, with its end, and no other: one lease per job, and none for a removed job.
 */
function indexBreaches(due: ReadonlyMap<string, number>): string[] {
  const breaches: string[] = [];
  const indexed = new Map<string, number>();
  for (const [member, score] of due) {
    if (!member.startsWith(LEASE)) continue;
    const id = member.slice(LEASE.length);
    indexed.set(id, score);
    if (!due.has(id)) breaches.push(`${member} has no job`);
  }
  for (const [member, score] of due) {
    if (member.startsWith(" ")) continue;
    const endsAt = score % 2 === 1 ? Math.floor(score / 1_024) : 0;
    const indexedEndsAt = Math.floor(((indexed.get(member) ?? UPPER) - UPPER) / 1_024);
    if (endsAt !== indexedEndsAt)
      breaches.push(`${member} is leased until ${endsAt}, and the index says ${indexedEndsAt}`);
  }
  return breaches;
}

/** Whether each accepted job is in at most one place. Holds if job ids are made as queues make them. */
export function placeBreaches(stored: StoredQueue, { accepted }: Ledger): string[] {
  const places = [stored.jobs, stored.dead, stored.done];
  const known = places.flatMap((place) => [...place.keys()]);
  return [
    ...known.filter((id) => !accepted.has(id)).map((id) => `${id} was never accepted`),
    ...[...accepted]
      .filter((id) => places.filter((place) => place.has(id)).length > 1)
      .map((id) => `${id} stands in several places`),
  ];
}

/** Whether the counters match the answers, in total and by the minute. */
export function countBreaches(stats: StoredStats, ledger: Ledger, now: number): string[] {
  const last = Math.floor(now / 60_000);
  const counted = (counts: Ledger["totals"]) => outcomeNames.map((name) => counts[outcomeCounters[name].to] ?? 0);
  const minutes = [...ledger.minutes]
    .filter(([minute, counts]) => last - minute < 60 && minute <= last && counted(counts).some((count) => count > 0))
    .sort(([a], [b]) => a - b)
    .map(([minute, counts]) => ({ minute, ...outcomeCounts(counted(counts)) }));
  const expected = { enqueued: ledger.enqueued, totals: outcomeCounts(counted(ledger.totals)), minutes };
  const { enqueued, totals } = stats;
  // The ledger does not count the pace: some minutes have nothing else.
  const ofOutcomes = stats.minutes
    .map((each) => ({ minute: each.minute, ...countsIn(each) }))
    .filter((each) => outcomeNames.some((name) => each[name] > 0));
  const [actual, wanted] = [{ enqueued, totals, minutes: ofOutcomes }, expected].map((each) => JSON.stringify(each));
  const breaches = actual === wanted ? [] : [`the counts are ${actual} and not ${wanted}`];
  if (ledger.doubledLeases.length > 0) breaches.push(`leases were given twice: ${ledger.doubledLeases.join(", ")}`);
  if (ledger.doubledSlots.length > 0) breaches.push(`slots made a job twice: ${ledger.doubledSlots.join(", ")}`);
  return breaches;
}

/** The keys of a queue and their types, as docs/internals/storage.md lists them. */
export async function documentedKeys(): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(import.meta.dirname, "../../docs/internals/storage.md"), "utf8");
  const table = text.slice(text.indexOf("| key | type | holds |"), text.indexOf("## The score"));
  const types: readonly (readonly [RegExp, string])[] = [
    [/^sorted set/, "zset"],
    [/^hash/, "hash"],
    [/^string/, "string"],
  ];
  const keys = new Map<string, string>();
  for (const [, names = "", kind = ""] of table.matchAll(/^\| (`[^|]+) \| ([^|]+) \|/gm)) {
    const type = types.find(([pattern]) => pattern.test(kind))?.[1] ?? kind;
    for (const [, name = ""] of names.matchAll(/`([^`]+)`/g)) keys.set(name, type);
  }
  return keys;
}

/** Keys under a prefix that are not documented, or have another type than documented. */
export async function keyBreaches(redis: RespClient, prefix: string): Promise<string[]> {
  const documented = await documentedKeys();
  const keys = (await redis.send(["KEYS", `${prefix}:*`])) as string[];
  const types = await Promise.all(keys.map((key) => redis.send(["TYPE", key])));
  return keys.flatMap((key, index) => {
    const name = key.replace(/^[^{]*\{[^}]*\}:/, "");
    // It has expired since the listing.
    if (types[index] === "none") return [];
    return documented.get(name) === types[index] ? [] : [`${key} is a ${types[index]}, of which nothing is said`];
  });
}
