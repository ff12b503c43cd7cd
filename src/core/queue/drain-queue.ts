import { DrainBudget } from "../drain/budget.ts";
import { Drain } from "../drain/drain.ts";
import { checkBudget, type DrainLimits, drainLimits, type InternalDrainOptions } from "../drain/options.ts";
import { type DrainReport, noCounts, notDrained } from "../drain/report.ts";
import { hookCalls } from "../observe/hook-runner.ts";
import { logPartial } from "../observe/log.ts";
import { traceCalls } from "../observe/tracing.ts";
import { steadyClock } from "../shared/clock.ts";
import type { NextDue, PeekReply, QueueStore } from "../store/store.ts";
import type { QueueParts } from "./parts.ts";

/** What is assumed before anything is known: nothing is due. */
const unknown: NextDue = { paused: false, nextAt: undefined };

/** Makes one drain of a queue. @throws as `Queue.drain` */
export async function drainQueue(queue: QueueParts, options: InternalDrainOptions): Promise<DrainReport> {
  const { settings, usage } = queue;
  const { least } = queue.needs;
  const limits = drainLimits(options);
  const { held = [], before = noCounts } = options;
  if (held.length === 0) checkBudget(limits, least, settings.name);
  const budget = new DrainBudget({
    roundTrips: limits.roundTrips - before.roundTrips,
    commands: limits.commands - before.commands,
  });
  if (held.length === 0 && !budget.affords(least)) return notDrained;
  try {
    return await drainWithin(budget, queue, limits, options);
  } finally {
    usage.spend(budget);
  }
}

async function drainWithin(
  budget: DrainBudget,
  queue: QueueParts,
  limits: DrainLimits,
  options: InternalDrainOptions,
): Promise<DrainReport> {
  const { settings, declared, nextDue, usage } = queue;
  const { held = [], before = noCounts, clock = steadyClock(settings.clock) } = options;
  const store = settings.store.open(settings.name, budget);
  let first: NextDue = unknown;
  if (held.length === 0)
    first = budget.affords(queue.needs.leastToPeek)
      ? await peekUnlessAborted(queue, store, budget, limits.signal)
      : { paused: false, nextAt: clock() };
  const hooks = hookCalls(settings);
  const traces = traceCalls(settings);
  const runtime = { ...settings, clock, queue: settings.name, store, declared, hooks, traces };
  const onReturn = (runAt: number) => {
    nextDue.note(runAt);
    limits.onReturn?.(runAt);
  };
  const bounds = { ...limits, maxJobs: limits.maxJobs - before.claimed, onReturn };
  const drain = new Drain(runtime, budget, bounds, settings.longestTimeoutMs, first);
  drain.take(held);
  const stopListening = nextDue.listen((runAt) => {
    if (!limits.heldOnly) drain.noteEnqueued(runAt);
    else if (runAt <= clock()) limits.onReturn?.(runAt);
  });
  try {
    const report = await drain.run();
    if (!limits.heldOnly) nextDue.at = report.nextRunAt?.getTime();
    usage.noteIdle(report);
    limits.onStopped?.(report, drain.failure);
    return report;
  } finally {
    usage.noteCompleted(drain.completed);
    stopListening();
    const rest = Promise.all([hooks?.ended(), traces?.flushed()]).then(() => {});
    if (options.afterwards) options.afterwards(rest);
    else await rest;
  }
}

/** An aborted drain does not wait for the reply of a peek, which changes nothing. After its report nothing more is sent. */
async function peekUnlessAborted(
  queue: QueueParts,
  store: QueueStore,
  budget: DrainBudget,
  signal: AbortSignal | undefined,
): Promise<NextDue> {
  if (signal?.aborted) return unknown;
  const peeked = peek(queue, store);
  if (!signal) return peeked;
  let onAbort = () => {};
  const aborted = new Promise<NextDue>((resolve) => {
    onAbort = () => {
      budget.close();
      resolve(unknown);
    };
  });
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([peeked, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** What is due next. It costs nothing if this process knows of something that is due. */
async function peek(queue: QueueParts, store: QueueStore): Promise<NextDue> {
  const { clock, declared, nextDue } = queue;
  const now = clock();
  if (!declared.isSynced) {
    const reply = await store.peekWithManifest(now);
    noteMissing(queue, reply);
    return declared.sync(store, reply, now);
  }
  const { at: nextAt } = nextDue;
  if (nextAt !== undefined && nextAt <= now) return { paused: false, nextAt };
  const reply = await store.peek(now);
  noteMissing(queue, reply);
  declared.noteNext(reply, now);
  return reply;
}

function noteMissing({ settings: { logger, name }, noteEmptied }: QueueParts, { failure, isEmptied }: PeekReply): void {
  if (failure !== undefined) logPartial(logger, name, failure);
  if (isEmptied) noteEmptied();
}
