import type { AttemptInfo } from "../job/attempt-info.ts";
import { type AnyJob, type BatchJobContext, type CommonJobContext, type JobContext, Snooze } from "../job/define.ts";
import type { AttemptHost } from "../job/inner-options.ts";
import type { Duration } from "../shared/duration.ts";
import type { JobChildren } from "../store/family.ts";
import type { Steps } from "./steps.ts";

export interface ContextOwner extends AttemptHost {
  readonly job: AttemptHost["job"] & { readonly info: AttemptInfo; readonly children: JobChildren | undefined };
  readonly signal: AbortSignal;
  extend(duration: Duration | undefined): Promise<void>;
  reportProgress(value: unknown): Promise<void>;
  log(message: unknown, data: unknown): void;
  enqueue(job: AnyJob | string, payload: unknown, options?: object): string;
  fail(error: unknown): void;
  readonly steps: Pick<Steps, "step" | "sleep" | "waitFor">;
}

/**
 * The second argument of `perform`. It is a class because of `signal`: a getter in an object literal took as much
 * memory as everything else that a drain allocates for a job.
 */
class AnyAttemptContext implements CommonJobContext {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxRetries: number;
  readonly enqueuedAt: Date;
  readonly children: JobChildren | undefined;
  // Properties and not methods: jobs destructure them, as in `perform(payload, { extend })`, or spread them.
  readonly extend: CommonJobContext["extend"];
  readonly snooze: CommonJobContext["snooze"];
  readonly progress: CommonJobContext["progress"];
  readonly log: CommonJobContext["log"];
  readonly enqueue: CommonJobContext["enqueue"];
  readonly #owner: ContextOwner;

  constructor(owner: ContextOwner) {
    const { info, record, children } = owner.job;
    const { id, name, queue, attempt, maxRetries } = info;
    this.id = id;
    this.name = name;
    this.queue = queue;
    this.attempt = attempt;
    this.maxRetries = maxRetries;
    this.enqueuedAt = new Date(record.enqueuedAt);
    this.children = children;
    this.extend = (duration) => handled(owner.extend(duration));
    this.snooze = (when) => new Snooze(when);
    this.progress = (value) => handled(owner.reportProgress(value));
    this.log = (message, data) => owner.log(message, data);
    this.enqueue = (job, payload?: unknown, options?: object) => owner.enqueue(job, payload, options);
    this.#owner = owner;
  }

  static hostOf(context: JobContext): AttemptHost {
    return (context as unknown as AnyAttemptContext).#owner;
  }

  get signal(): AbortSignal {
    return this.#owner.signal;
  }
}

export class AttemptContext extends AnyAttemptContext implements JobContext {
  readonly step: JobContext["step"];
  readonly sleep: JobContext["sleep"];
  readonly waitFor: JobContext["waitFor"];

  constructor(owner: ContextOwner) {
    super(owner);
    this.step = (name, run, options) => handled(owner.steps.step(name, run, options)) as Promise<never>;
    this.sleep = (when, options) => handled(owner.steps.sleep(when, options));
    this.waitFor = (event, options) => handled(owner.steps.waitFor(event, options)) as Promise<never>;
  }
}

export class BatchAttemptContext extends AnyAttemptContext implements BatchJobContext {
  readonly fail: BatchJobContext["fail"];

  constructor(owner: ContextOwner) {
    super(owner);
    this.fail = (error) => owner.fail(error);
  }
}

/** Keeps a rejection from ending the process if `perform` does not await the promise. One that does still gets it. */
function handled<Result>(work: Promise<Result>): Promise<Result> {
  work.catch(() => {});
  return work;
}
