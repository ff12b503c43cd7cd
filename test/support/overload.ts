import { deepStrictEqual, equal, ok } from "node:assert/strict";
import type { Store } from "../../src/core/store/store.ts";
import { defineJob, Queue } from "../../src/index.ts";
import type { Program } from "./child.ts";
import { variables } from "./kills.ts";
import type { Stage } from "./stage.ts";

const MEBIBYTE = 1024 * 1024;
const LEASE_IS_OVER_MS = 70_000;
const plenty = { roundTrips: 1_000_000, commands: 1_000_000_000 };

/** The result of many concurrent drains. */
interface Together {
  readonly roundTrips: number;
  /**
   * Jobs that waited for the end of a lease: a request that an overloaded machine delivers late leaves orphaned leases.
   */
  readonly delayed: number;
}

/** Many jobs wait, and many concurrent drains claim them: each job must run once. */
export async function drainTogether(
  store: Store,
  { jobs, drains, progress }: { jobs: number; drains: number; progress?: (done: number) => void },
): Promise<Together> {
  const performed = new Map<number, number>();
  const note = defineJob({
    name: "note",
    perform(number: number) {
      performed.set(number, (performed.get(number) ?? 0) + 1);
      if (performed.size % 10_000 === 0) progress?.(performed.size);
    },
  });
  let ahead = 0;
  const open = () => new Queue({ store, jobs: [note], retention: 0, clock: () => Date.now() + ahead });
  for (let first = 0; first < jobs; first += 10_000) {
    const length = Math.min(10_000, jobs - first);
    await open().enqueueMany(Array.from({ length }, (_, index) => ({ job: note, payload: first + index })));
  }
  equal((await open().getStats()).readyCount, jobs);
  const drain = () => open().drain({ maxJobs: jobs, batchSize: 500, timeBudget: "1h", budget: plenty });
  const reports = await Promise.all(Array.from({ length: drains }, drain));
  const { runningCount: delayed } = await open().getStats();
  equal(performed.size + delayed, jobs);
  ahead = LEASE_IS_OVER_MS;
  if (delayed > 0) await drain();
  equal(performed.size, jobs);
  ok([...performed.values()].every((times) => times === 1));
  const { totalProcessed, pendingCount, runningCount } = await open().getStats();
  deepStrictEqual(
    { totalProcessed, pendingCount, runningCount },
    { totalProcessed: jobs, pendingCount: 0, runningCount: 0 },
  );
  return { roundTrips: reports.reduce((sum, report) => sum + report.roundTrips, 0), delayed };
}

/** Payloads of the largest size: each arrives whole, and every claim fits into an answer. */
export async function drainLargePayloads(store: Store, jobs: number): Promise<void> {
  const lengths: number[] = [];
  const large = defineJob({ name: "large", perform: (text: string) => void lengths.push(text.length) });
  const queue = new Queue({ store, jobs: [large], retention: 0 });
  const payload = "x".repeat(5 * MEBIBYTE - 2);
  // The four of the second kind together reach the size limit of a claim.
  const payloads = [...Array.from({ length: jobs }, () => payload), ...Array(4).fill("y".repeat(MEBIBYTE - 100))];
  for (const each of payloads) await queue.enqueue(large, each);
  const report = await queue.drain({ maxJobs: payloads.length, batchSize: payloads.length, concurrency: 1 });
  equal(report.completed, payloads.length);
  const inOrder = (sizes: readonly number[]) => [...sizes].sort((a, b) => a - b);
  deepStrictEqual(inOrder(lengths), inOrder(payloads.map(({ length }) => length)));
}

/**
 * A job kills each invocation that performs it. It must be dead-lettered once its attempts are used, and all others
 * must run.
 *
 * @returns how many invocations it killed, and how many of the other jobs died.
 */
export async function poison(
  stage: Stage,
  program: Program,
  others: number,
): Promise<{ kills: number; harmed: number }> {
  const prefix = stage.prefix();
  let ahead = 0;
  const queue = new Queue({ store: stage.store(prefix), clock: () => Date.now() + ahead });
  // Among others that are claimed with it, each of which has as many attempts as the poison job.
  const bulk = Array.from({ length: others + 1 }, (_, index) => ({
    job: index === Math.floor(others / 2) ? "poison" : "harmless",
  }));
  await queue.enqueueMany(bulk);
  let kills = 0;
  for (let ended: number | null = null; ended !== 0; ahead += LEASE_IS_OVER_MS) {
    ended = await program.start(variables(stage, prefix, ahead)).ended;
    if (ended === null) kills++;
    ok(kills < 50, "The poisoned job goes on killing.");
  }
  const dead = (await queue.listDeadLetter()).jobs;
  deepStrictEqual(
    dead.filter(({ name }) => name === "poison").map(({ attempts, error }) => ({ attempts, error: error.name })),
    [{ attempts: 4, error: "LeaseExpired" }],
  );
  const { totalProcessed, pendingCount } = await queue.getStats();
  const harmed = dead.length - 1;
  deepStrictEqual({ totalProcessed, pendingCount }, { totalProcessed: others - harmed, pendingCount: 0 });
  return { kills, harmed };
}
