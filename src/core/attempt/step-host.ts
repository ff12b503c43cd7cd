import type { StepOptions, StoredStep } from "../job/steps.ts";

/** What steps need of their attempt. */
export interface StepHost {
  readonly id: string;
  /** The number of the attempt, since the last stored step. */
  readonly attempt: number;
  readonly maxRetries: number;
  readonly timeoutMs: number;
  now(): number;
  /** Calls `ring` once after `ms`. @returns a function that cancels it. */
  alarm(ms: number, ring: () => void): () => void;
  /**
   * Whether the invocation has time for a step that takes so long. @param isFirst whether it is the attempt's first.
   */
  hasTimeFor(timeoutMs: number, isFirst: boolean): boolean;
  /** Whether the job is still held. If not, the attempt ends. */
  isAlive(): boolean;
  /** Makes the lease long enough for so long. */
  giveTime(timeoutMs: number): Promise<Saved>;
  /** Stores what the job remembers. Never rejects. */
  save(): Promise<Saved>;
  /** Makes an attempt of a step inside its trace, if the queue is traced. */
  traced<Result>(step: string, attempt: number, run: () => Promise<Result>): Promise<Result>;
  /** Reports the end of an attempt of a step. */
  ended(step: StoredStep): void;
  /** Ends the attempt, although its handler has not returned. */
  leave(): void;
}

/**
 * Whether something was stored. "later": the budget has no room for it, or the store does not reply, so that it is
 * stored with the outcome. "lost": the lease is gone.
 */
export type Saved = "saved" | "later" | "lost";

/** Why an attempt ends before its handler does. */
export type Leaving =
  /** It sleeps or waits: see `RememberedSteps.opened`. */
  | { readonly why: "waits" }
  /** It continues in another invocation. */
  | { readonly why: "outOfTime" }
  /** A step has failed, and is tried again. Or the steps are used wrongly. */
  | { readonly why: "failed"; readonly error: unknown; readonly options: StepOptions };
