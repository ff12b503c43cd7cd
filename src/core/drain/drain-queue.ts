import { hookCalls } from "../observe/hook-runner.ts";
import { traceCalls } from "../observe/tracing.ts";
import { steadyClock } from "../shared/clock.ts";
import type { NextDue, QueueStore } from "../store/store.ts";
import { checkBudget, DrainBudget, LEAST_ROUND_TRIPS } from "./budget.ts";
import type { DrainContext } from "./context.ts";
import { Drain } from "./drain.ts";
import type { DrainLimits } from "./options.ts";
import { type DrainReport, noCounts, notDrained } from "./report.ts";

/** What a drain assumes until it knows more: nothing is due. */
const unknown: NextDue = { paused: false, nextAt: undefined };

export async function drainQueue(queue: DrainContext, limits: DrainLimits): Promise<DrainReport> {
  const { leastRoundTrips } = queue;
  const { held = [], before = noCounts } = limits;
  const roundTrips = limits.roundTrips - before.roundTrips;
  const commands = limits.commands - before.commands;
  if (held.length === 0) {
    checkBudget(limits.roundTrips, leastRoundTrips, queue.queue);
    if (roundTrips < leastRoundTrips || commands <= 0) return notDrained;
  }
  const budget = new DrainBudget({ roundTrips, commands });
  try {
    return await drainWithin(budget, queue, limits);
  } catch (error) {
    limits.onFailed?.({ roundTrips: budget.roundTrips, commands: budget.commands });
    throw error;
  }
}

async function drainWithin(budget: DrainBudget, queue: DrainContext, limits: DrainLimits): Promise<DrainReport> {
  const { nextDue } = queue;
  const { held = [], heldOnly, before = noCounts, clock = steadyClock(queue.clock) } = limits;
  const store = queue.open(budget);
  let first: NextDue = unknown;
  if (held.length === 0)
    first = budget.fits(1 + LEAST_ROUND_TRIPS)
      ? await peekUnlessAborted(queue, store, budget, limits.signal)
      : { paused: false, nextAt: clock() };
  const hooks = queue.hooks && hookCalls(queue.hooks, queue.queue, queue.clock);
  const traces = queue.tracing && traceCalls(queue.tracing, queue.clock);
  const onReturn = (runAt: number) => {
    nextDue.note(runAt);
    limits.onReturn?.(runAt);
  };
  const maxJobs = (heldOnly ? held.length : limits.maxJobs) - before.claimed;
  const drain = new Drain({ ...queue, clock, store, hooks, traces }, budget, { ...limits, maxJobs, onReturn }, first);
  drain.take(held);
  const stopListening = nextDue.listen((runAt) => {
    if (!heldOnly) drain.noteEnqueued(runAt);
    else if (runAt <= clock()) limits.onReturn?.(runAt);
  });
  try {
    const report = await drain.run();
    limits.onHeld?.(drain.held);
    if (!heldOnly) nextDue.at = report.nextRunAt?.getTime();
    limits.onStopped?.(report, drain.failure);
    return report;
  } finally {
    // An aborted job may still try to send: no report counts it.
    budget.close();
    stopListening();
    const rest = Promise.all([hooks?.ended(), traces?.flushed()]).then(() => {});
    if (limits.afterwards) limits.afterwards(rest);
    else await rest;
  }
}

/** Peeks. If the drain is aborted meanwhile, it does not wait for the reply, and sends nothing more. */
async function peekUnlessAborted(
  queue: DrainContext,
  store: QueueStore,
  budget: DrainBudget,
  signal: AbortSignal | undefined,
): Promise<NextDue> {
  if (signal?.aborted) return unknown;
  const peeked = peek(queue, store);
  if (!signal) return peeked;
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      budget.close();
      resolve(unknown);
    };
    signal.addEventListener("abort", onAbort);
    void peeked.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Finds what is due next. This costs nothing if this process knows that something is due. */
async function peek(queue: DrainContext, store: QueueStore): Promise<NextDue> {
  const { clock, declared, nextDue } = queue;
  const now = clock();
  if (!declared.isSynced) {
    const reply = await store.peek(now, true);
    return declared.sync(store, reply, now);
  }
  const { at: nextAt } = nextDue;
  if (nextAt !== undefined && nextAt <= now) return { paused: false, nextAt };
  const reply = await store.peek(now);
  declared.noteNext(reply, now);
  return reply;
}
