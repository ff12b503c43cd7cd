import type { Clock } from "../shared/clock.ts";
import { quote, ReservedError } from "../shared/errors.ts";
import type { FollowUpJob, QueueStore } from "../store/store.ts";
import type { JobRecord } from "./record.ts";
import { isReservedName } from "./reserved.ts";

/** Who enqueues a job through a door that does not open everything to them. */
export interface Sender {
  /** Stored with the job as `enqueuedBy`. Dedupe keys of different senders are different keys. */
  readonly name: string;
  /** Refuses the flow control key of a job, or that it has none. @throws {TidegateError} */
  checkFlowKey(key: string | undefined): void;
}

/** What an attempt offers Tidegate's own jobs, beyond what every `perform` sees. */
export interface AttemptHost {
  readonly needs: { readonly clock: Clock; readonly store: QueueStore };
  readonly job: { readonly record: JobRecord };
  /** Stores progress with the outcome, which costs no command. Does nothing if it is too large to be stored. */
  keepProgress(value: unknown): void;
}

/** The end of a job: it has completed, or is dead for whatever reason. */
export interface JobEnding {
  readonly id: string;
  readonly attempts: number;
  readonly maxRetries: number;
  /** Why it is dead. Default: it has completed. */
  readonly failure?: string;
}

/**
 * Returns the jobs to make when a job ends. They are stored with its outcome: all of them, or none. It gets the attempt
 * as `perform` did, but with the payload as it is stored. It is called even if `perform` never was. If it throws
 * because the store is unavailable, the job ends again a second later; after any other error, no jobs are made.
 */
export type FollowUps = (ending: JobEnding, host: AttemptHost) => Promise<readonly FollowUpJob[]>;

/** What only this package adds to the options of an enqueue, of a schedule or of a definition. */
export interface InnerOptions {
  /** Whether reserved names, ids and keys are its own. */
  readonly isOwn?: boolean;
  /** JSON that the job needs but nobody may see, unlike its payload. It stays when the payload is replaced. */
  readonly hidden?: unknown;
  readonly sender?: Sender;
  /** For a caller who may not choose limits: a known key keeps its own, and a new one gets the definition's. */
  readonly keepsLimits?: boolean;
  /** Of a definition: what its jobs make when they end. */
  readonly followUps?: FollowUps;
  /** Of a definition: says why a payload may not replace another one; undefined if it may. Default: none may. */
  readonly correction?: (before: unknown, after: unknown) => string | undefined;
}

// In the registry of symbols, so that another copy of the package finds it. Neither options nor JSON can hold it.
const key = Symbol.for("tidegate.inner");

export function withInner<Options extends object>(options: Options, inner: InnerOptions): Options {
  return { ...options, [key]: { ...innerOf(options), ...inner } };
}

export function innerOf(options: object): InnerOptions {
  return (options as { readonly [key]?: InnerOptions })[key] ?? {};
}

/** Refuses a change of the payload of a job with a reserved name, unless its definition allows it. */
export function correctionRefusal(
  name: string,
  definition: object | undefined,
  before: unknown,
  change: { readonly payload?: unknown },
): ReservedError | undefined {
  if (!isReservedName(name) || !("payload" in change)) return undefined;
  if (!definition)
    return new ReservedError(`Only a queue with the job ${quote(name)} among its jobs can change its payload.`);
  const { correction = () => "The payload of this job cannot be changed: Tidegate makes it." } = innerOf(definition);
  const reason = correction(before, change.payload);
  return reason === undefined ? undefined : new ReservedError(reason);
}
