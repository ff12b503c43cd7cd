import { drainTogether } from "../drain/drain-queues.ts";
import { type DrainLimits, type DrainOptions, drainLimits, type InternalDrainOptions } from "../drain/options.ts";
import type { DrainReport } from "../drain/report.ts";
import { briefOf, type QueueBrief } from "../manage/stats.ts";
import { internalsOf } from "./internals.ts";
import type { Queue } from "./queue.ts";

/** Drains several queues in order under one budget: see `drainTogether`. */
export async function drainQueues(
  queues: readonly Queue[],
  options: DrainOptions = {},
  inner: InternalDrainOptions = {},
): Promise<DrainReport> {
  return drainWithin(queues, drainLimits(options, inner));
}

/** The same, within limits that have been read. */
export function drainWithin(queues: readonly Queue[], limits: DrainLimits): Promise<DrainReport> {
  return drainTogether(queues.map(internalsOf), limits);
}

/** Some queues at one moment. */
export interface QueueList {
  /** Null if nothing has happened since the mark that was given. */
  readonly queues: readonly QueueBrief[] | null;
  /** What it cost to read them. */
  readonly commands: number;
  /** Stands for what has happened so far, if it was asked for. */
  readonly mark?: string;
}

/**
 * Reads queues: 5 to 15 commands for each, and 2 more for the mark. If nothing has happened since the last one, those 2
 * are all.
 *
 * @param since the mark of the list before; "" for the first; undefined to do without.
 */
export async function listQueues(queues: readonly Queue[], since: string | undefined): Promise<QueueList> {
  const before = spent(queues);
  // Read first: what happens after it is seen by the next list.
  const mark = since === undefined ? undefined : await markOf(queues);
  const isUnchanged = mark !== undefined && mark === since;
  const briefs = isUnchanged ? null : await Promise.all(queues.map(readBrief));
  return { queues: briefs, commands: spent(queues) - before, ...(mark !== undefined && { mark }) };
}

async function readBrief(queue: Queue): Promise<QueueBrief> {
  return briefOf(queue.name, await queue.getActivity());
}

/** The commands of queues so far. */
export function spent(queues: readonly Queue[]): number {
  return queues.reduce((sum, { spending }) => sum + spending.commands, 0);
}

/**
 * A short text that stands for what has happened in some queues: see `QueueStore.pulse`. It costs 2 commands a queue
 * and partition.
 */
export async function markOf(queues: readonly Queue[]): Promise<string> {
  const pulses = await Promise.all(queues.map((queue) => internalsOf(queue).pulse()));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pulses.join("\n")));
  return Array.from(new Uint8Array(digest.slice(0, 12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
