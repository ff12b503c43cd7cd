import type { AttemptHost } from "../../core/attempt/context.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import type { QStashHost } from "../../http/qstash-port.ts";
import { type MessageJob, storedJob } from "../messages/message-job.ts";
import { documentsOf } from "../shared/documents.ts";
import { Runs } from "./run-documents.ts";
import { Waits } from "./wait-documents.ts";

/** What the workflow code needs, in a delivery as in a request. */
export interface WorkflowHost {
  readonly runs: Runs;
  readonly waits: Waits;
  readonly now: number;
  enqueue(jobs: readonly MessageJob[]): Promise<void>;
}

export function hostOfAttempt(host: AttemptHost): WorkflowHost {
  const { store, clock } = host.needs;
  const documents = documentsOf(host.needs);
  return {
    runs: new Runs(documents),
    waits: new Waits(documents),
    now: clock(),
    async enqueue(jobs) {
      const stored = jobs.map((job) => storedJob(job, clock()));
      await store.enqueue(await Promise.all(stored), clock());
    },
  };
}

export function hostOfRequest({ queue, enqueue }: QStashHost): WorkflowHost {
  return {
    runs: runsOf(queue),
    waits: waitsOf(queue),
    now: queue.clock(),
    async enqueue(jobs) {
      await enqueue(jobs);
    },
  };
}

export function runsOf(queue: Queue): Runs {
  return new Runs(documentsOf(internalsOf(queue)));
}

export function waitsOf(queue: Queue): Waits {
  return new Waits(documentsOf(internalsOf(queue)));
}
