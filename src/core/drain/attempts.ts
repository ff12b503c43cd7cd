import type { AttemptInfo } from "../job/attempt-info.ts";
import type { EndedJob } from "./settle-buffer.ts";

/** An attempt of a drain whose outcome the store has accepted or refused. It contains no payload and no result. */
export interface DrainedAttempt extends AttemptInfo {
  /**
   * How it ended. "expired": the job was dropped, with no attempt made. "lost": its lease had expired, so the store
   * refused its outcome, and the job runs again.
   */
  readonly outcome: "completed" | "retried" | "snoozed" | "dead" | "expired" | "lost";
  /** When it ended. */
  readonly endedAt: Date;
  /** How long it took, in ms. */
  readonly ranMs: number;
  /** When the job runs again, if it was retried or snoozed. */
  readonly runAt?: Date;
  /** Why it failed, if it was retried or is dead: the first 1,000 characters of the message. */
  readonly error?: { readonly name: string; readonly message: string };
}

/** The last attempts of a drain, in the order in which the store replied. */
export interface DrainedAttempts {
  /** At most 1,000. */
  readonly attempts: readonly DrainedAttempt[];
  /** How many earlier ones are left out. */
  readonly attemptsLeftOut: number;
}

/** How many attempts a response holds at most. */
const MOST_ATTEMPTS = 1_000;

/** Collects the attempts of one drain. */
export class AttemptCollector {
  readonly #last: DrainedAttempt[] = [];
  #leftOut = 0;

  readonly add = ({ job, outcome, at }: EndedJob, isAccepted: boolean): void => {
    const { to, failure, timing } = outcome;
    if (to === "released") return;
    if (this.#last.length === MOST_ATTEMPTS) {
      this.#last.shift();
      this.#leftOut++;
    }
    this.#last.push({
      ...job.info,
      outcome: isAccepted ? to : "lost",
      endedAt: new Date(at),
      ranMs: timing?.ranMs ?? 0,
      ...(isAccepted && "runAt" in outcome && { runAt: new Date(outcome.runAt) }),
      ...(isAccepted && failure && { error: { name: failure.name, message: failure.message } }),
    });
  };

  get list(): DrainedAttempts {
    return { attempts: this.#last, attemptsLeftOut: this.#leftOut };
  }
}
