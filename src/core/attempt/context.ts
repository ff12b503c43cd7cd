import type { AttemptInfo } from "../job/attempt-info.ts";
import { type BatchJobContext, type JobContext, Snooze } from "../job/define.ts";
import type { JobRecord } from "../job/record.ts";
import type { Duration } from "../shared/duration.ts";
import type { AttemptRuntime } from "./runtime.ts";

/** What an attempt offers Tidegate's own jobs, beyond what every handler sees. */
export interface AttemptHost {
  readonly runtime: Pick<AttemptRuntime, "clock" | "store">;
  readonly job: { readonly record: JobRecord };
  /** Stores a progress with the outcome, which costs no command. Does nothing if it is too large to be stored. */
  keepProgress(value: unknown): void;
}

/** What a context needs from its attempt. */
export interface ContextOwner extends AttemptHost {
  readonly signal: AbortSignal;
  extend(duration: Duration | undefined): Promise<void>;
  reportProgress(value: unknown): Promise<void>;
  log(message: unknown, data: unknown): void;
  fail(error: unknown): void;
}

/**
 * The second argument of a handler. What most handlers never read is a getter of the class, since to make it for each job takes time. A
 * handler may destructure it, as in `perform(payload, { extend })`: so the getters give functions that need no `this`.
 */
export class AttemptContext implements JobContext {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxRetries: number;
  readonly #enqueuedAt: number;
  readonly #owner: ContextOwner;

  constructor(owner: ContextOwner, { id, name, queue, attempt, maxRetries }: AttemptInfo, enqueuedAt: number) {
    this.id = id;
    this.name = name;
    this.queue = queue;
    this.attempt = attempt;
    this.maxRetries = maxRetries;
    this.#enqueuedAt = enqueuedAt;
    this.#owner = owner;
  }

  /** The attempt behind the context that a handler was given. */
  static hostOf(context: JobContext): AttemptHost {
    return (context as AttemptContext).#owner;
  }

  get enqueuedAt(): Date {
    return new Date(this.#enqueuedAt);
  }

  get signal(): AbortSignal {
    return this.#owner.signal;
  }

  get extend(): JobContext["extend"] {
    return (duration) => handled(this.#owner.extend(duration));
  }

  get snooze(): JobContext["snooze"] {
    return snooze;
  }

  get progress(): JobContext["progress"] {
    return (value) => handled(this.#owner.reportProgress(value));
  }

  get log(): JobContext["log"] {
    return (message, data) => this.#owner.log(message, data);
  }
}

/** What `performBatch` is given for each of its jobs. */
export class BatchAttemptContext extends AttemptContext implements BatchJobContext {
  readonly fail: BatchJobContext["fail"];

  constructor(owner: ContextOwner, info: AttemptInfo, enqueuedAt: number) {
    super(owner, info, enqueuedAt);
    this.fail = (error) => owner.fail(error);
  }
}

/** Without this, a rejection would end the process of a handler that does not await the promise. One that does still gets it. */
function handled(work: Promise<void>): Promise<void> {
  work.catch(() => {});
  return work;
}

function snooze(when: Duration | Date): Snooze {
  return new Snooze(when);
}
