import type { DrainTotals } from "../../core/drain/report.ts";
import type { AnyJob, JobContext } from "../../core/job/define.ts";

export interface Counts {
  /** Undefined for a handler, and for a queue of the user's module: they do not report when a job starts. */
  readonly running?: number | undefined;
  readonly completed: number;
  readonly retried: number;
  readonly deadLettered: number;
}

/** Live counts of the work in this process. They count the outcomes that Redis has accepted. */
export class WorkCounters implements Counts {
  running: number | undefined;
  completed = 0;
  retried = 0;
  deadLettered = 0;
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Wraps a definition so that its jobs are counted while they run. */
  counting(job: AnyJob): AnyJob {
    this.running ??= 0;
    const { perform, performBatch } = job;
    if (performBatch) {
      const counted = (jobs: readonly unknown[]) => this.#run(jobs.length, () => performBatch.call(job, jobs as never));
      return { ...job, performBatch: counted };
    }
    const counted = (payload: never, context: JobContext) => this.#run(1, () => perform?.call(job, payload, context));
    return { ...job, perform: counted };
  }

  async #run(jobs: number, perform: () => unknown): Promise<unknown> {
    this.#count(jobs);
    try {
      return await perform();
    } finally {
      this.#count(-jobs);
    }
  }

  #count(difference: number): void {
    this.running = (this.running ?? 0) + difference;
    this.#onChange();
  }

  take({ completed, retried, deadLettered }: DrainTotals): void {
    // Polls that find nothing are reported too.
    if (completed === this.completed && retried === this.retried && deadLettered === this.deadLettered) return;
    Object.assign(this, { completed, retried, deadLettered });
    this.#onChange();
  }
}
