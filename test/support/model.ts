import { deepStrictEqual } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { StoredStats } from "../../src/core/store/stats.ts";
import type { Lease, LeasedJob, Outcome, QueueStore, SettleReply, Store } from "../../src/core/store/store.ts";
import { memoryStore } from "../../src/index.ts";
import { aroundCalls } from "./around-calls.ts";
import type { Fault } from "./faults.ts";
import { FlowWatch } from "./flow-watch.ts";
import { countBreaches, placeBreaches, readStored, storedBreaches } from "./invariants.ts";
import { lossOf, overNetwork, passingFaults } from "./lossy.ts";
import { anyOperation, extended, leaseOf, newScene, type Operation, type Scene } from "./operations.ts";
import { plain } from "./plain.ts";
import { everythingIn } from "./queue-contents.ts";
import { anyQueueOperation, openQueueWorld } from "./queue-operations.ts";
import type { Stage } from "./stage.ts";

/** Counts the operations that gave equal results. */
export interface ModelCount {
  operations: number;
  /** Those that met a network fault. */
  faults: number;
  /** Occurrences that a store has fired by itself. */
  fired: number;
  /** After how many operations everything that can be read is compared. */
  readonly looksEvery: number;
}

export const nothingCounted = (looksEvery = 1): ModelCount => ({ operations: 0, faults: 0, fired: 0, looksEvery });

const QUEUE = "default";

function mustEqual(actual: unknown, expected: unknown, about: string): void {
  deepStrictEqual({ about, ...(plain(actual) as object) }, { about, ...(plain(expected) as object) });
}

/** Schedules have no order. */
function inOrder(answer: unknown): unknown {
  if (!Array.isArray(answer) || !answer.every((item) => typeof item?.key === "string")) return plain(answer);
  return plain([...answer].sort((a, b) => (a.key < b.key ? -1 : 1)));
}

/**
 * After a step: everything that can be read is equal, sometimes in pages that are small by number or by bytes. To look
 * takes as long as a step, and what differs goes on differing: `looksEvery` says how often.
 *
 * @param clocksDiffer leaves out what is counted by the time: where time goes back, each store keeps other minutes and
 *   hours.
 */
async function mustHoldTheSame(
  real: QueueStore,
  memory: QueueStore,
  now: number,
  step: number,
  about: string,
  clocksDiffer = false,
) {
  const size = { limit: step % 4 === 0 ? 2 : 100, mostBytes: step % 8 === 2 ? 30 : 1_000_000 };
  const stateOf = async (store: QueueStore) => {
    const { stats, figures, history, ...rest } = Object(await everythingIn(store, now, size));
    return clocksDiffer ? rest : { ...rest, stats, figures, history };
  };
  mustEqual(await stateOf(real), await stateOf(memory), `the state after ${about}`);
}

/** Whether jobs that wait for their children are looked at again at the same time. */
async function haveSameParents(real: QueueStore, memory: QueueStore, now: number): Promise<boolean> {
  const parentsOf = async (store: QueueStore) => {
    const page = { cursor: undefined, limit: 1_000, mostBytes: 1_000_000, now };
    const waiting = await Promise.all([store.list("scheduled", page), store.list("ready", page)]);
    return waiting.flatMap(({ items }) => items.flatMap(({ id, at, family }) => (family ? `${id} ${at}` : []))).sort();
  };
  return isDeepStrictEqual(await parentsOf(real), await parentsOf(memory));
}

/** After each step: the keys in Redis keep the invariants. */
async function mustHold(stage: Stage, prefix: string, about: string, more: readonly string[] = []) {
  const stored = await readStored(stage.redis, prefix);
  mustEqual([...storedBreaches(stored), ...more], [], about);
  return stored;
}

/** An answer without the parts that a resend may change: it may name its own lease as the next due time. */
function comparable(answer: unknown, fault: Fault | undefined): unknown {
  const loss = lossOf(fault);
  // By the time of the resend, an existing job may have another run time.
  if (loss === "late" && Array.isArray(answer)) return answer.map(({ id, status }) => ({ id, status }));
  if (loss !== "answer" || typeof answer !== "object" || answer === null || !("nextAt" in answer)) return answer;
  const { nextAt: _, ...rest } = answer;
  if (!("jobs" in rest) || !Array.isArray(rest.jobs)) return rest;
  // Whether others wait for a slot is said as of the resend.
  const jobs = rest.jobs.map(({ run, ...job }) => ({ ...job, run: { ...run, isAwaited: undefined } }));
  return { ...rest, jobs: jobs.sort((a, b) => (a.lease.id < b.lease.id ? -1 : 1)) };
}

/**
 * The answer of an enqueue may be lost after its jobs have started. Any other call that is resent so late finds another
 * queue.
 */
function lateFault({ name }: Operation, meanwhile: () => Promise<unknown>): Fault | undefined {
  return name.startsWith("enqueue ") ? { meanwhile } : undefined;
}

/** What others do while an answer is on its way: they claim due jobs and end them in different ways. */
async function workOff(store: QueueStore, { now, step }: Readonly<Scene>): Promise<void> {
  const exchange = {
    now,
    settle: [],
    fire: [],
    claim: { limit: 4, leaseMs: 50_000 + step },
    retentionMs: 1_000 * 86_400_000,
  };
  const { jobs } = await store.exchange(exchange);
  const settle = jobs.map((job, index): Outcome => {
    const text = job.record;
    const lease = leaseOf(job);
    const record = extended(text, `"end":${step}`);
    if (index % 3 === 0) return { to: "completed", lease, record };
    if (index % 3 === 1) return { to: "dead", lease, at: now, record };
    return { to: "retried", lease, runAt: now + 1_000, record };
  });
  await store.exchange({ ...exchange, settle, claim: undefined });
}

/**
 * The jobs that an exchange has claimed. Eager leases are left out: an enqueue may change limits after it has granted
 * one.
 */
function startedBy(answer: unknown): readonly LeasedJob[] {
  const { jobs = [] } = Object(answer) as { readonly jobs?: readonly LeasedJob[] };
  return jobs.filter(({ lease }) => lease !== undefined);
}

/** The leases of jobs that an enqueue has leased. */
function eagerLeases(answer: unknown): readonly Lease[] {
  return Array.isArray(answer) ? answer.flatMap((reply) => Object(reply).lease ?? []) : [];
}

/** The leases that have ended without an attempt. */
function handedBackBy({ settles }: Operation, scene: Readonly<Scene>, answer: unknown): readonly Lease[] {
  const { settled = [], handedBack = [] } = Object(answer) as Partial<SettleReply & { handedBack: readonly Lease[] }>;
  const before = new Set(scene.settled);
  const outcomes = settles?.(scene) ?? [];
  const ended = outcomes.flatMap((outcome, index) =>
    settled[index] && !outcome.timing && !before.has(outcome) ? outcome.lease : [],
  );
  return [...handedBack, ...ended];
}

/** How many occurrences an exchange has fired by itself. */
function firedBy(answer: unknown): number {
  return startedBy(answer).filter(({ isFired }) => isFired).length;
}

/** No attempt counts twice in the histograms, however often its outcome was sent. */
function timingBreaches({ runningTimes }: StoredStats, { timed }: Readonly<Scene>): string[] {
  const counted = runningTimes.counts.reduce((sum, count) => sum + count, 0);
  return counted > timed.size ? [`${counted} attempts are timed, and ${timed.size} were accepted`] : [];
}

/**
 * Random operations of the store port, some of which meet a network fault: on Redis each answer, and the state after
 * each, must equal those of memory.
 */
export function storeModel(stage: Stage, length: number, count: ModelCount, one = anyOperation, clocksDiffer = false) {
  const fault = fc.oneof(
    { arbitrary: fc.constant(undefined), weight: 2 },
    fc.constantFrom(...passingFaults, "late" as const),
  );
  const step = fc.tuple(one, fc.array(fault, { minLength: 1, maxLength: 6 }));
  const steps = fc.array(step, { minLength: 1, maxLength: length, size: "max" });
  return fc.asyncProperty(steps, async (pieces) => {
    const sequence = pieces.flatMap(([operations, faults]) =>
      operations.map((each, index) => [each, faults[index % faults.length]] as const),
    );
    const prefix = stage.prefix();
    const memory = memoryStore().open(QUEUE);
    const real = stage.directStore(prefix).open(QUEUE);
    const scene = newScene();
    const watch = new FlowWatch(!clocksDiffer);
    let fault: Fault | undefined;
    const meanwhile = (store: QueueStore) => workOff(store, scene);
    const expectedOf = overNetwork(memory, () => fault, meanwhile);
    const actualOf = aroundCalls(stage.proxiedStore(prefix).open(QUEUE), (_, run) => {
      if (fault) stage.proxy.next(fault);
      return run();
    });
    for (const [operation, next] of sequence) {
      const chosen = next === "late" ? lateFault(operation, () => meanwhile(real)) : next;
      fault = operation.isSafeFromFaults ? undefined : chosen;
      scene.step++;
      const expected = await operation.run(expectedOf, scene);
      const about = `${operation.name} through ${typeof fault === "object" ? "late" : (fault ?? "no fault")}`;
      const actual = await operation.run(actualOf, scene);
      mustEqual(comparable(actual, fault), comparable(expected, fault), about);
      if (operation.closesWindowOf !== undefined) watch.closeWindow(operation.closesWindowOf);
      for (const lease of handedBackBy(operation, scene, actual)) watch.handedBack(lease);
      await watch.leasedAtEnqueue(real, eagerLeases(actual), scene.now);
      mustEqual(await watch.breaches(real, startedBy(actual), scene.now), [], about);
      stage.proxy.forget();
      // A lease may have more fields in Redis than in memory.
      operation.after?.(scene, actual);
      // A connection that does not know of parents leaves them to its next exchange. Memory looks at all.
      if (clocksDiffer && !(await haveSameParents(real, memory, scene.now))) break;
      if (scene.step % count.looksEvery === 0)
        await mustHoldTheSame(real, memory, scene.now, scene.step, about, clocksDiffer);
      const more = timingBreaches(await memory.stats(scene.now), scene);
      const { jobs } = await mustHold(stage, prefix, about, more);
      count.operations++;
      count.fired += firedBy(actual);
      if (fault) count.faults++;
      // An exchange on Redis looks at 16 parents at most, and leaves others to the next one. Memory looks at all.
      if ([...jobs.values()].filter((text) => text.startsWith("3:")).length > 16) break;
    }
  });
}

/** A store that repeats each call on a second store, one call after the other. Answers must be equal. */
function shadowed(real: Store, reference: Store, differences: unknown[]): Store {
  let last: Promise<unknown> = Promise.resolve();
  return {
    open(queue, meter) {
      const twin = reference.open(queue);
      return aroundCalls(real.open(queue, meter), ({ method, parameters }, run) => {
        const done = last.then(async () => {
          const actual = await run();
          const expected = await Reflect.apply(Reflect.get(twin, method), twin, parameters);
          // Recorded and not thrown: a drain handles a store that fails.
          if (!isDeepStrictEqual(inOrder(actual), inOrder(expected))) differences.push({ method, actual, expected });
          return actual;
        });
        last = done.catch(() => {});
        return done;
      });
    },
  };
}

/**
 * Random operations of several clients, whose invocations may die at any call: Redis answers each call as memory does,
 * has the same state after each operation, and agrees with a separate ledger.
 */
export function queueModel(stage: Stage, length: number, count: ModelCount) {
  const steps = fc.array(anyQueueOperation, { minLength: 1, maxLength: length, size: "max" });
  return fc.asyncProperty(steps, async (sequence) => {
    const prefix = stage.prefix();
    const memory = memoryStore().open(QUEUE);
    const differences: unknown[] = [];
    const real = stage.directStore(prefix).open(QUEUE);
    const world = openQueueWorld(shadowed(stage.store(prefix), { open: () => memory }, differences));
    for (const { name, run } of sequence) {
      await run(world);
      mustEqual(differences, [], name);
      const { now } = world.clock;
      if (count.operations % count.looksEvery === 0) await mustHoldTheSame(real, memory, now, count.operations, name);
      const counted = countBreaches(await real.stats(now), world.ledger, now);
      mustEqual(placeBreaches(await mustHold(stage, prefix, name, counted), world.ledger), [], name);
      count.operations++;
    }
  });
}
