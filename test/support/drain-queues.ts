import { type DrainOptions, drainLimits, type InternalDrainOptions } from "../../src/core/drain/options.ts";
import type { DrainReport } from "../../src/core/drain/report.ts";
import type { Queue } from "../../src/core/queue/queue.ts";
import { drainWithin } from "../../src/core/queue/queues.ts";

/** Drains queues as a handler does. */
export async function drainQueues(
  queues: readonly Queue[],
  options: DrainOptions = {},
  inner: InternalDrainOptions = {},
): Promise<DrainReport> {
  return drainWithin(queues, drainLimits(options, inner));
}
