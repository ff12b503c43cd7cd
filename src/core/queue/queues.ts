import { drainTogether } from "../drain/drain-queues.ts";
import { type DrainLimits, type DrainOptions, drainLimits, type InternalDrainOptions } from "../drain/options.ts";
import type { DrainReport } from "../drain/report.ts";
import { briefOf, type QueueBrief } from "../manage/stats.ts";
import { hexOf, sha256 } from "../shared/bytes.ts";
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

/** The same with checked limits. */
export function drainWithin(queues: readonly Queue[], limits: DrainLimits): Promise<DrainReport> {
  return drainTogether(queues.map(internalsOf), limits);
}

export interface QueueList {
  /** Null if nothing has happened since the given mark. */
  readonly queues: readonly QueueBrief[] | null;
  /** What it cost to read them. */
  readonly commands: number;
  /** Marks this moment. Only if the caller asked for it. */
  readonly mark?: string;
}

/**
 * Reads queues: 5 to 15 commands each, and 2 more for the mark. Only these 2 if nothing has happened since the last
 * one.
 *
 * @param since the mark of the previous list; "" for the first; undefined for no mark.
 */
export async function listQueues(queues: readonly Queue[], since: string | undefined): Promise<QueueList> {
  const before = spent(queues);
  // Read first: the next list then shows what happens after it.
  const mark = since === undefined ? undefined : await markOf(queues);
  const isUnchanged = mark !== undefined && mark === since;
  const readBrief = async (queue: Queue) => briefOf(queue.name, await queue.getActivity());
  const briefs = isUnchanged ? null : await Promise.all(queues.map(readBrief));
  return { queues: briefs, commands: spent(queues) - before, ...(mark !== undefined && { mark }) };
}

export function spent(queues: readonly Queue[]): number {
  return queues.reduce((sum, queue) => sum + internalsOf(queue).meter.commands, 0);
}

/** A text that changes when anything happens in some queues (`QueueStore.pulse`): 2 commands per partition. */
export async function markOf(queues: readonly Queue[]): Promise<string> {
  const pulses = await Promise.all(queues.map((queue) => internalsOf(queue).pulse()));
  return hexOf((await sha256(pulses.join("\n"))).slice(0, 12));
}
