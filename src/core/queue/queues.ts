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

/** The same with checked limits. */
export function drainWithin(queues: readonly Queue[], limits: DrainLimits): Promise<DrainReport> {
  return drainTogether(queues.map(internalsOf), limits);
}

/** Every queue with its statistics: 5 to 15 commands each. */
export function listQueues(queues: readonly Queue[]): Promise<readonly QueueBrief[]> {
  return Promise.all(queues.map(async (queue) => briefOf(queue.name, await queue.getActivity())));
}
