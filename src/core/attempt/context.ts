import type { AttemptInfo } from "../job/attempt-info.ts";
import type { JobChildren } from "../job/children.ts";
import { type BatchJobContext, type JobContext, Snooze } from "../job/define.ts";
import type { JobRecord } from "../job/record.ts";
import type { Duration } from "../shared/duration.ts";
import type { AttemptNeeds } from "./needs.ts";

/** What an attempt offers Tidegate's own jobs, beyond what every handler sees. */
export interface AttemptHost {
  readonly needs: Pick<AttemptNeeds, "clock" | "store">;
  readonly job: { readonly record: JobRecord };
  /** Stores progress with the outcome, which costs no command. Does nothing if it is too large to be stored. */
  keepProgress(value: unknown): void;
}

export interface ContextOwner extends AttemptHost {
  readonly signal: AbortSignal;
  extend(duration: Duration | undefined): Promise<void>;
  reportProgress(value: unknown): Promise<void>;
  log(message: unknown, data: unknown): void;
  fail(error: unknown): void;
}

/**
 * The second argument of a handler. It is a class because of `signal`: a getter in an object literal took as much
 * memory as everything else that a drain allocates for a job.
 */
export class AttemptContext implements JobContext {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxRetries: number;
  readonly enqueuedAt: Date;
  readonly children: JobChildren | undefined;
  // Properties and not methods: handlers destructure them, as in `perform(payload, { extend })`, or spread them.
  readonly extend: JobContext["extend"];
  readonly snooze: JobContext["snooze"];
  readonly progress: JobContext["progress"];
  readonly log: JobContext["log"];
  readonly #owner: ContextOwner;

  constructor(
    owner: ContextOwner,
    { id, name, queue, attempt, maxRetries }: AttemptInfo,
    enqueuedAt: number,
    children: JobChildren | undefined,
  ) {
    this.id = id;
    this.name = name;
    this.queue = queue;
    this.attempt = attempt;
    this.maxRetries = maxRetries;
    this.enqueuedAt = new Date(enqueuedAt);
    this.children = children;
    this.extend = (duration) => handled(owner.extend(duration));
    this.snooze = (when) => new Snooze(when);
    this.progress = (value) => handled(owner.reportProgress(value));
    this.log = (message, data) => owner.log(message, data);
    this.#owner = owner;
  }

  static hostOf(context: JobContext): AttemptHost {
    return (context as AttemptContext).#owner;
  }

  get signal(): AbortSignal {
    return this.#owner.signal;
  }
}

/** What `performBatch` gets for each of its jobs. */
export class BatchAttemptContext extends AttemptContext implements BatchJobContext {
  readonly fail: BatchJobContext["fail"];

  constructor(owner: ContextOwner, info: AttemptInfo, enqueuedAt: number, children: JobChildren | undefined) {
    super(owner, info, enqueuedAt, children);
    this.fail = (error) => owner.fail(error);
  }
}

/** Keeps a rejection from ending the process if a handler does not await the promise. One that does still gets it. */
function handled(work: Promise<void>): Promise<void> {
  work.catch(() => {});
  return work;
}
