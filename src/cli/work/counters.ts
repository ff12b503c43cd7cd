import type { DrainTotals } from "../../core/drain/report.ts";
import type { AnyJob, JobContext } from "../../core/job/define.ts";

/** What became of the jobs so far. */
export interface Counts {
  /** Undefined for a handler, and for a queue that the user's module made: nothing reports there when a job begins. */
  readonly running?: number | undefined;
  readonly completed: number;
  readonly retried: number;
  readonly died: number;
}

export function countsOf({ completed, retried, deadLettered }: DrainTotals): Counts {
  return { completed, retried, died: deadLettered };
}

/**
 * Live counts of the work in this process. They count the outcomes that Redis accepted, not what jobs returned: a result can be
 * refused, and an attempt can fail without one.
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
    return { ...job, perform: (payload: never, context: JobContext) => this.#run(job, payload, context) };
  }

  async #run(job: AnyJob, payload: never, context: JobContext): Promise<unknown> {
    this.#count(1);
    try {
      return await job.perform(payload, context);
    } finally {
      this.#count(-1);
    }
  }

  #count(difference: 1 | -1): void {
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
