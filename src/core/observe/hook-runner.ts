import type { AttemptInfo, AttemptOutcome, SettledAttempt } from "../job/attempt-info.ts";
import type { EnqueueResult } from "../job/enqueue.ts";
import { decodeRecord } from "../job/record.ts";
import type { StoredStep } from "../job/steps.ts";
import type { Clock } from "../shared/clock.ts";
import type { ExchangeReply, Fire, FollowUpJob } from "../store/store.ts";
import { Afterwards } from "./afterwards.ts";
import type { CheckedHooks, StepEvent } from "./hooks.ts";

/** Calls the hooks for one drain, or for one enqueue, and keeps their promises to wait for. Never throws. */
export class HookCalls {
  readonly #hooks: CheckedHooks;
  readonly #queue: string;
  readonly #clock: Clock;
  readonly #pending = new Afterwards();

  constructor(hooks: CheckedHooks, queue: string, clock: Clock) {
    this.#hooks = hooks;
    this.#queue = queue;
    this.#clock = clock;
  }

  enqueued(names: readonly string[], results: readonly EnqueueResult[]): void {
    const { onEnqueue } = this.#hooks.given;
    names.forEach((name, index) => {
      const result = results[index];
      if (result) this.#call("onEnqueue", onEnqueue, { queue: this.#queue, name, ...result });
    });
  }

  /** Reports how attempts have ended and which schedules have fired, according to the reply of the store. */
  exchanged(reply: ExchangeReply, attempts: readonly SettledAttempt[], fires: readonly Fire[]): void {
    attempts.forEach(({ job, outcome }, index) => {
      const isAccepted = reply.settled[index] ?? false;
      this.#settled(job, outcome, isAccepted);
      if (isAccepted) for (const made of outcome.followUps ?? []) this.#made(made);
    });
    fires.forEach(({ jobs }, index) => {
      if (reply.fired[index] === "fired") for (const job of jobs) this.#made(job);
    });
    for (const { lease, record, dueAt, isFired } of reply.jobs) {
      if (isFired) this.#made({ id: lease.id, runAt: dueAt, record });
    }
  }

  #made({ id, runAt, record, parent }: FollowUpJob): void {
    const { name = "", occurrence } = decodeRecord(record) ?? {};
    const schedule = occurrence && { schedule: { key: occurrence.key, occurrence: new Date(occurrence.at) } };
    const job = { queue: this.#queue, id, name, runAt: parent ? null : new Date(runAt), ...schedule };
    this.#call("onEnqueue", this.#hooks.given.onEnqueue, { ...job, status: "enqueued" });
  }

  started(attempt: AttemptInfo, waitedMs: number): void {
    this.#call("onStart", this.#hooks.given.onStart, { ...attempt, waitedMs });
  }

  stepped(attempt: AttemptInfo, step: StoredStep, now: number): void {
    const { name, at, endedAt, attempt: stepAttempt = 1, error } = step;
    const failed = endedAt === undefined ? "retried" : "failed";
    const state = error ? failed : "completed";
    const event = { ...attempt, step: name, state, stepAttempt, ranMs: Math.max(0, now - at), ...(error && { error }) };
    this.#call("onStep", this.#hooks.given.onStep, event as StepEvent);
  }

  #settled({ info: attempt }: SettledAttempt["job"], outcome: AttemptOutcome, isAccepted: boolean): void {
    const { onComplete, onRetry, onSnooze, onDead, onExpire, onLost } = this.#hooks.given;
    const { waitedMs = 0, ranMs = 0 } = outcome.timing ?? {};
    const event = { ...attempt, waitedMs, ranMs };
    const error = outcome.thrown;
    if (outcome.to === "released") return;
    if (outcome.to === "expired") {
      if (isAccepted) this.#call("onExpire", onExpire, { ...attempt, runAt: new Date(outcome.dueAt) });
    } else if (!isAccepted) {
      const failure = "thrown" in outcome ? { error } : {};
      this.#call("onLost", onLost, { ...event, outcome: outcome.to, ...failure });
    } else if (outcome.to === "completed") this.#call("onComplete", onComplete, event);
    else if (outcome.to === "dead") this.#call("onDead", onDead, { ...event, error });
    else if (outcome.to === "retried") {
      this.#call("onRetry", onRetry, { ...event, error, runAt: new Date(outcome.runAt) });
    } else this.#call("onSnooze", onSnooze, { ...event, runAt: new Date(outcome.runAt) });
  }

  ended(): Promise<void> {
    return this.#pending.endedWithin(this.#clock);
  }

  #call<Event>(name: string, hook: ((event: Event) => unknown) | undefined, event: Event): void {
    if (!hook) return;
    const ignore = () => {};
    const report = (error: unknown) => this.#safely(() => this.#hooks.onError(error, name), ignore);
    this.#safely(() => hook.call(this.#hooks.given, event), report);
  }

  #safely(call: () => unknown, failed: (error: unknown) => void): void {
    try {
      const result = call();
      if (!isThenable(result)) return;
      this.#pending.take(Promise.resolve(result).then(() => {}, failed));
    } catch (error) {
      failed(error);
    }
  }
}

// The query builders of some database clients are thenables but not promises, and start only when they are awaited.
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
