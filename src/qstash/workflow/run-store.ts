import type { AttemptHost } from "../../core/attempt/context.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import type { QStashHost } from "../../http/qstash-port.ts";
import { documentsOf } from "../documents.ts";
import { type MessageJob, placed, storedJob } from "../message-job.ts";
import { Runs } from "./runs.ts";
import { Waits } from "./waits.ts";

/** What runs need of a store. */
export interface RunStore {
  readonly runs: Runs;
  readonly waits: Waits;
  readonly now: number;
  enqueue(jobs: readonly MessageJob[]): Promise<void>;
}

/** What a delivery has of it. */
export function deliveryStore(host: AttemptHost): RunStore {
  const { store, clock } = host.runtime;
  const documents = documentsOf(host);
  return {
    runs: new Runs(documents),
    waits: new Waits(documents),
    now: clock(),
    async enqueue(jobs) {
      const stored = jobs.map((job) => storedJob(placed(job, store.local), clock()));
      await store.enqueue(await Promise.all(stored), clock());
    },
  };
}

/** What a request has of it. */
export function requestStore({ queue, enqueue }: QStashHost): RunStore {
  return {
    runs: runsOf(queue),
    waits: waitsOf(queue),
    now: queue.clock(),
    async enqueue(jobs) {
      await enqueue(jobs.map((job) => placed(job, internalsOf(queue).local)));
    },
  };
}

/** The runs of workflows that a queue keeps. */
export function runsOf(queue: Queue): Runs {
  return new Runs(internalsOf(queue).documents);
}

/** What the runs of a queue wait for. */
export function waitsOf(queue: Queue): Waits {
  return new Waits(internalsOf(queue).documents);
}
