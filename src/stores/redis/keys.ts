/**
 * The keys of one queue. Every script gets all of them, in this order, so that each key it touches is declared. The
 * hash tag keeps them in one slot of a cluster.
 *
 * @param partition for a queue that is spread over several sets of keys. Under the keys of the whole, such a queue
 * keeps only how it is spread (lua/partitions.lua).
 */
export function keysOf(prefix: string, queue: string, partition?: number): QueueKeys {
  const tag = `${prefix}:{${queue}${partition === undefined ? "" : `/${partitionTag(partition)}`}}:`;
  const all: string[] = [];
  const byName = {} as Record<KeyName, string>;
  for (const name of keyNames) {
    byName[name] = tag + name;
    all.push(byName[name]);
  }
  return { prefix, queue, all, ...byName };
}

/**
 * Two letters for each partition, with which the first 2, 4, 8, ... 64 partitions of a queue spread evenly over the
 * slots of a cluster. The slot is a CRC, and numbers alone would differ in few of its bits.
 */
const SPREADING =
  "aabpdifbbiaxgadpdqfzarbcbiaxbzakbyahdsfxbsabfadjbracfddkfydrbdaqbkazbxaiacbrfsdxdbfiajcafpeabbasacbrddfkfadjfrdyfddkapbafjdabxai";

function partitionTag(partition: number): string {
  return String(partition).padStart(2, "0") + SPREADING.slice(2 * partition, 2 * partition + 2);
}

const keyNames = [
  "due",
  "jobs",
  "dead",
  "dead:jobs",
  "done",
  "done:order",
  "dedupe",
  "schedules",
  "manifest",
  "stats",
  "flow",
  "lanes",
  "documents",
  "documents:names",
  "documents:ends",
  "expiry",
  "signals",
] as const;

type KeyName = (typeof keyNames)[number];

export type QueueKeys = Readonly<Record<KeyName, string>> & {
  /** What they begin with, before the name of the queue. */
  readonly prefix: string;
  /** The name of the queue. */
  readonly queue: string;
  readonly all: readonly string[];
};
