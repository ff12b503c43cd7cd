import type { AttemptInfo, AttemptOutcome, SettledAttempt } from "../job/attempt-info.ts";
import type { EnqueueResult } from "../job/enqueue.ts";
import { decodeRecord } from "../job/record.ts";
import type { StoredStep } from "../job/steps.ts";
import type { Clock } from "../shared/clock.ts";
import type { ExchangeReply, Fire, FollowUpJob } from "../store/store.ts";
import { Afterwards } from "./afterwards.ts";
import type { CheckedHooks, Hooks } from "./hooks.ts";

export type HookCalls = ReturnType<typeof hookCalls>;

/** Calls the hooks for one drain, or for one enqueue, and keeps their promises to wait for. Never throws. */
export function hookCalls({ given, onError }: CheckedHooks, queue: string, clock: Clock) {
  const pending = new Afterwards();

  const safely = (work: () => unknown, failed: (error: unknown) => void): void => {
    try {
      const result = work();
      if (!isThenable(result)) return;
      pending.take(Promise.resolve(result).then(() => {}, failed));
    } catch (error) {
      failed(error);
    }
  };

  const call = <Name extends Exclude<keyof Hooks, "onError">>(
    name: Name,
    event: Parameters<NonNullable<Hooks[Name]>>[0],
  ): void => {
    const hook = given[name] as ((event: unknown) => unknown) | undefined;
    if (!hook) return;
    const ignore = () => {};
    const report = (error: unknown) => safely(() => onError(error, name), ignore);
    safely(() => hook.call(given, event), report);
  };

  const made = ({ id, runAt, record, parent }: FollowUpJob): void => {
    const { name = "", occurrence } = decodeRecord(record) ?? {};
    const schedule = occurrence && { schedule: { key: occurrence.key, occurrence: new Date(occurrence.at) } };
    const job = { queue, id, name, runAt: parent ? null : new Date(runAt), ...schedule };
    call("onEnqueue", { ...job, status: "enqueued" });
  };

  const settled = ({ info: attempt }: SettledAttempt["job"], outcome: AttemptOutcome, isAccepted: boolean): void => {
    const { waitedMs = 0, ranMs = 0 } = outcome.timing ?? {};
    const event = { ...attempt, waitedMs, ranMs };
    const error = outcome.thrown;
    if (outcome.to === "released") return;
    if (outcome.to === "expired") {
      if (isAccepted) call("onExpire", { ...attempt, runAt: new Date(outcome.dueAt) });
    } else if (!isAccepted) {
      call("onLost", { ...event, outcome: outcome.to, ...("thrown" in outcome && { error }) });
    } else if (outcome.to === "completed") call("onComplete", event);
    else if (outcome.to === "dead") call("onDead", { ...event, error });
    else if (outcome.to === "retried") call("onRetry", { ...event, error, runAt: new Date(outcome.runAt) });
    else if (outcome.to === "snoozed") call("onSnooze", { ...event, runAt: new Date(outcome.runAt) });
    else outcome.to satisfies never;
  };

  return {
    enqueued(names: readonly string[], results: readonly EnqueueResult[]): void {
      names.forEach((name, index) => {
        const result = results[index];
        if (result) call("onEnqueue", { queue, name, ...result });
      });
    },

    /** Reports how attempts have ended and which schedules have fired, according to the reply of the store. */
    exchanged(reply: ExchangeReply, attempts: readonly SettledAttempt[], fires: readonly Fire[]): void {
      attempts.forEach(({ job, outcome }, index) => {
        const isAccepted = reply.settled[index] ?? false;
        settled(job, outcome, isAccepted);
        if (isAccepted) for (const job of outcome.followUps ?? []) made(job);
      });
      fires.forEach(({ jobs }, index) => {
        if (reply.fired[index] === "fired") for (const job of jobs) made(job);
      });
      for (const { lease, record, dueAt, isFired } of reply.jobs)
        if (isFired) made({ id: lease.id, runAt: dueAt, record });
    },

    started: (attempt: AttemptInfo, waitedMs: number): void => call("onStart", { ...attempt, waitedMs }),

    stepped(attempt: AttemptInfo, step: StoredStep, now: number): void {
      const { name, at, endedAt, attempt: stepAttempt = 1, error } = step;
      const failed = endedAt === undefined ? "retried" : "failed";
      const state = error ? failed : "completed";
      const ranMs = Math.max(0, now - at);
      call("onStep", { ...attempt, step: name, state, stepAttempt, ranMs, ...(error && { error }) });
    },

    ended: (): Promise<void> => pending.endedWithin(clock),
  };
}

// The query builders of some database clients are thenables but not promises, and start only when they are awaited.
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
