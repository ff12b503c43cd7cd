import {
  type AnyJob,
  defineJob,
  type EnqueueEvent,
  type EnqueueOptions,
  type JobContext,
  Queue,
  type QueueOptions,
} from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "./clock.ts";
import type { StoreKind } from "./stores.ts";

/** A queue with a waiting job whose handler does this. `enqueued` notes what is enqueued after it. */
export async function withJob(
  kind: StoreKind,
  perform: (job: JobContext) => unknown,
  others: readonly AnyJob[],
  options: EnqueueOptions = {},
  more: Partial<QueueOptions> = {},
) {
  const clock = testClock(start);
  const first = defineJob({ name: "first", maxRetries: 1, perform: (_: undefined, job) => perform(job) });
  const enqueued: EnqueueEvent[] = [];
  const queue = new Queue({
    store: clock.watch(kind.create()),
    clock,
    logger: null,
    jobs: [first, ...others],
    hooks: { onEnqueue: (event) => void enqueued.push(event) },
    ...more,
  });
  const { id } = await queue.enqueue(first, undefined, options);
  enqueued.splice(0);
  return { clock, queue, id, enqueued };
}
