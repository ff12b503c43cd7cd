import type { AttemptInfo, AttemptOutcome, SettledAttempt } from "../job/attempt-info.ts";
import type { EnqueueResult } from "../job/enqueue-result.ts";
import { decodeRecord } from "../job/record.ts";
import type { Clock } from "../shared/clock.ts";
import type { ExchangeReply, Fire } from "../store/store.ts";
import { Afterwards, atMostAWhile } from "./afterwards.ts";
import type { CheckedHooks } from "./hooks.ts";

export type HookCalls = NonNullable<ReturnType<typeof hookCalls>>;

/** Calls the hooks for one drain, or for one enqueue. Never throws. Undefined if the queue has no hooks. */
export function hookCalls({ hooks, queue, clock }: { hooks: CheckedHooks | undefined; queue: string; clock: Clock }) {
  if (!hooks) return undefined;
  const { given, onError } = hooks;
  const rest = new Afterwards();

  function enqueued(names: readonly string[], results: readonly EnqueueResult[]): void {
    names.forEach((name, index) => {
      const result = results[index];
      if (result) call("onEnqueue", given.onEnqueue, { queue, name, ...result });
    });
  }

  /** Reports how attempts have ended and which schedules have fired, according to the reply of the store. */
  function exchanged(reply: ExchangeReply, attempts: readonly SettledAttempt[], fires: readonly Fire[]): void {
    attempts.forEach(({ job, outcome }, index) => {
      const isAccepted = reply.settled[index];
      if (isAccepted !== undefined) settled(job.info, outcome, isAccepted);
    });
    fires.forEach(({ jobs }, index) => {
      if (reply.fired[index] === "fired") for (const job of jobs) fired(job);
    });
    for (const { lease, record, dueAt, isFired } of reply.jobs) {
      if (isFired) fired({ id: lease.id, runAt: dueAt, record });
    }
  }

  function fired({ id, runAt, record }: Fire["jobs"][number]): void {
    const { name = "", slot } = decodeRecord(record) ?? {};
    const schedule = slot && { schedule: { key: slot.key, slot: new Date(slot.at) } };
    const job = { queue, id, name, runAt: new Date(runAt), ...schedule };
    call("onEnqueue", given.onEnqueue, { ...job, status: "enqueued" });
  }

  function started(attempt: AttemptInfo, waitedMs: number): void {
    call("onStart", given.onStart, { ...attempt, waitedMs });
  }

  function settled(attempt: AttemptInfo, outcome: AttemptOutcome, isAccepted: boolean): void {
    const { onComplete, onRetry, onSnooze, onDead, onLost } = given;
    const { waitedMs = 0, ranMs = 0 } = outcome.timing ?? {};
    const event = { ...attempt, waitedMs, ranMs };
    const error = outcome.thrown;
    if (outcome.to === "released") return;
    if (!isAccepted) {
      const failure = "thrown" in outcome ? { error } : {};
      call("onLost", onLost, { ...event, outcome: outcome.to, ...failure });
    } else if (outcome.to === "completed") call("onComplete", onComplete, event);
    else if (outcome.to === "dead") call("onDead", onDead, { ...event, error });
    else if (outcome.to === "retried") {
      call("onRetry", onRetry, { ...event, error, runAt: new Date(outcome.runAt) });
    } else call("onSnooze", onSnooze, { ...event, runAt: new Date(outcome.runAt) });
  }

  /** Waits for the promises of hooks, at most two seconds. */
  async function ended(): Promise<void> {
    if (rest.isOpen) await atMostAWhile(clock, () => rest.ended());
  }

  function call<Event>(name: string, hook: ((event: Event) => unknown) | undefined, event: Event): void {
    if (!hook) return;
    const ignore = () => {};
    const report = (error: unknown) => safely(() => onError(error, name), ignore);
    safely(() => hook.call(given, event), report);
  }

  function safely(call: () => unknown, failed: (error: unknown) => void): void {
    try {
      const result = call();
      if (isThenable(result)) rest.take(Promise.resolve(result).then(() => {}, failed));
    } catch (error) {
      failed(error);
    }
  }

  return { enqueued, exchanged, started, ended };
}

// The query builders of some database clients are thenables but not promises, and start only when they are awaited.
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
