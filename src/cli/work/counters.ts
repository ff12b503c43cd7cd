import type { DrainTotals } from "../../core/drain/report.ts";
import type { AnyJob, JobContext } from "../../core/job/define.ts";

/** The outcomes of the jobs so far. */
export interface Counts {
  /** Undefined for a handler, and for a queue that the user's module made: nothing reports there when a job starts. */
  readonly running?: number | undefined;
  readonly completed: number;
  readonly retried: number;
  readonly died: number;
}

export function countsOf({ completed, retried, deadLettered }: DrainTotals): Counts {
  return { completed, retried, died: deadLettered };
}

/**
 * Live counts of the work in this process. They count the outcomes that Redis accepted, not what jobs returned: a
 * result can be refused, and an attempt can fail without one.
 */
export class WorkCounters implements Counts {
  running: number | undefined;
  completed = 0;
  retried = 0;
  died = 0;
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Wraps a job so that it is counted while it runs. */
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

  /** Takes over the totals so far. */
  take(totals: DrainTotals): void {
    const { completed, retried, died } = countsOf(totals);
    // Polls that find nothing are reported too.
    if (completed === this.completed && retried === this.retried && died === this.died) return;
    Object.assign(this, { completed, retried, died });
    this.#onChange();
  }
}
