import type { AttemptInfo } from "../job/attempt-info.ts";
import { type JobContext, Snooze } from "../job/define.ts";
import type { Duration } from "../shared/duration.ts";

/** What a context asks of its attempt. */
export interface ContextOwner {
  readonly signal: AbortSignal;
  extend(duration: Duration | undefined): Promise<void>;
  tellProgress(value: unknown): Promise<void>;
}

/**
 * What a handler is handed. A class, for the sake of `signal`: a getter that stood in an object of its own for each job took as
 * much memory as all else that a drain makes for it.
 */
export class AttemptContext implements JobContext {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxRetries: number;
  readonly enqueuedAt: Date;
  // Functions of the object itself: handlers take them out, as in `perform(payload, { extend })`.
  readonly extend: JobContext["extend"];
  readonly snooze: JobContext["snooze"];
  readonly progress: JobContext["progress"];
  readonly #owner: ContextOwner;

  constructor(owner: ContextOwner, { id, name, queue, attempt, maxRetries }: AttemptInfo, enqueuedAt: number) {
    this.id = id;
    this.name = name;
    this.queue = queue;
    this.attempt = attempt;
    this.maxRetries = maxRetries;
    this.enqueuedAt = new Date(enqueuedAt);
    this.extend = (duration) => handled(owner.extend(duration));
    this.snooze = snooze;
    this.progress = (value) => handled(owner.tellProgress(value));
    this.#owner = owner;
  }

  /** Made when it is first asked for: most jobs never look at it. */
  get signal(): AbortSignal {
    return this.#owner.signal;
  }
}

/** A handler that does not wait for the promise would end its process by a rejection. One that does still gets it. */
function handled(work: Promise<void>): Promise<void> {
  work.catch(() => {});
  return work;
}

function snooze(when: Duration | Date): Snooze {
  return new Snooze(when);
}
