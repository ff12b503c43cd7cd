import { pagesOf } from "../shared/pages.ts";
import type { FlowControlKey, FlowKeys } from "./flow-keys.ts";

/** Among how many keys the busiest are looked for. */
const MOST_READ = 10_000;

/** The order of keys by the jobs that run and wait under them, most first. */
export function busiestFirst(one: FlowControlKey, other: FlowControlKey): number {
  return other.waiting + other.running - (one.waiting + one.running) || (one.key < other.key ? -1 : 1);
}

/**
 * Finds the keys under which most jobs run and wait, among the first 10,000. Costs a command for each partition, and
 * one or two more for each further 1,000 keys.
 */
export async function busiestKeys(keys: Pick<FlowKeys, "list">, most: number): Promise<readonly FlowControlKey[]> {
  // By key: a list that grows while it is read may give one twice.
  const read = new Map<string, FlowControlKey>();
  for await (const page of pagesOf((cursor) => keys.list({ cursor, limit: 1_000 }))) {
    for (const each of page.keys) read.set(each.key, each);
    if (read.size >= MOST_READ) break;
  }
  return [...read.values()].sort(busiestFirst).slice(0, most);
}
