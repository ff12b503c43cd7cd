import {
  familyNumber,
  type NewParent,
  type RevivedParent,
  type StoredFamily,
  type WaitFor,
} from "../../core/store/family.ts";
import type { JobFlow } from "../../core/store/flow.ts";
import { readFlow } from "./flow.ts";

// What stands before the record of a parent that waits: see lua/_family.lua.

const letters: Readonly<Record<WaitFor, string>> = { ended: "e", completed: "c" };

export function parentHead(
  id: string,
  { waitFor, total, dropped = 0 }: NewParent & Partial<RevivedParent>,
  runAt: number,
  now: number,
): string {
  return `3:${familyNumber(id)}:${letters[waitFor]}:${total}:${dropped}:${now}:${runAt > now ? runAt : 0}:`;
}

const head = /^3:\d+:([ec]):(\d+):(\d+):\d+:\d+:/;

interface StoredRecord {
  readonly record: string;
  readonly flow?: JobFlow;
  readonly family?: StoredFamily;
}

/** Reads a stored record, and what scripts keep before it. */
export function readStored(stored: string): StoredRecord {
  const [text, letter, total, dropped] = head.exec(stored) ?? [];
  if (text === undefined) return readFlow(stored);
  const { record } = readFlow(stored.slice(text.length));
  const waitFor = letter === letters.completed ? "completed" : "ended";
  return { record, family: { waitFor, total: Number(total), dropped: Number(dropped) } };
}
