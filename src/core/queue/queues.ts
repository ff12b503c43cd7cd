import { drainTogether } from "../drain/drain-queues.ts";
import type { DrainLimits } from "../drain/options.ts";
import type { DrainReport } from "../drain/report.ts";
import { briefOf, type QueueBrief, totalOf } from "../manage/stats.ts";
import { internalsOf } from "./internals.ts";
import type { Queue } from "./queue.ts";

export function drainWithin(queues: readonly Queue[], limits: DrainLimits): Promise<DrainReport> {
  return drainTogether(queues.map(internalsOf), limits);
}

export interface QueueList {
  readonly queues: readonly QueueBrief[];
  /** All of them together, if there are several. */
  readonly total?: QueueBrief;
}

/** Every queue with its statistics: 5 to 21 commands each. */
export async function listQueues(all: readonly Queue[]): Promise<QueueList> {
  const queues = await Promise.all(all.map(async (queue) => briefOf(queue.name, await queue.getActivity())));
  return { queues, ...(queues[1] && { total: totalOf(queues) }) };
}
