import { setTimeout } from "node:timers/promises";
import { type FullTask, preciseNow, type TaskReport, timed } from "./task.ts";

/** The payload of a job that says when it was enqueued. */
export interface Probe {
  readonly sentAt: number;
}

const LEAST_PAUSE_MS = 5;

/** Jobs that report how long they took to start. */
export class Probes {
  readonly #samplesMs: number[] = [];
  readonly #pauseMs: number;
  #arrived: () => void = () => {};

  /** @param pauseMs the maximum wait between two, so that each may arrive at any moment of a worker's cycle. */
  constructor(pauseMs = 10) {
    this.#pauseMs = pauseMs;
  }

  /** Called by the job when it starts; other jobs carry no probe. */
  readonly started = ({ sentAt }: Partial<Probe>): void => {
    if (sentAt === undefined) return;
    this.#samplesMs.push(preciseNow() - sentAt);
    this.#arrived();
  };

  /** Enqueues one after the other. */
  run({ jobs }: FullTask, enqueue: (probe: Probe) => Promise<unknown>): Promise<TaskReport> {
    return timed(async () => {
      for (let job = 0; job < jobs; job++) {
        const arrived = new Promise<void>((resolve) => {
          this.#arrived = resolve;
        });
        await enqueue({ sentAt: preciseNow() });
        await arrived;
        await setTimeout(LEAST_PAUSE_MS + Math.random() * this.#pauseMs);
      }
      return jobs;
    }, this.#samplesMs);
  }
}
