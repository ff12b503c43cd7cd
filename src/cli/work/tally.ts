import { type AnyJob, type JobContext, Snooze } from "../../core/job.ts";

/** What has become of the jobs that were worked on, as far as it is known. */
export interface Counts {
  /** Undefined where nobody tells when a job begins: in a handler, or in a queue that the user's module made. */
  readonly running?: number | undefined;
  readonly completed: number;
  readonly retried: number;
  readonly died: number;
}

/** Counts the attempts of jobs while they are made: reports come only when a drain has ended, which may take minutes. */
export class Tally implements Counts {
  running = 0;
  completed = 0;
  retried = 0;
  died = 0;
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** The same job, with its attempts counted. */
  counting(job: AnyJob): AnyJob {
    return { ...job, perform: (payload: never, context: JobContext) => this.#count(job, payload, context) };
  }

  async #count(job: AnyJob, payload: never, context: JobContext): Promise<unknown> {
    this.running++;
    this.#onChange();
    try {
      const result = await job.perform(payload, context);
      if (!(result instanceof Snooze)) this.completed++;
      return result;
    } catch (error) {
      if (isLast(error, context)) this.died++;
      else this.retried++;
      throw error;
    } finally {
      this.running--;
      this.#onChange();
    }
  }
}

function isLast(error: unknown, { attempt, maxRetries }: JobContext): boolean {
  return attempt > maxRetries || (error instanceof Error && error.name === "PermanentError");
}
