import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { aroundStore } from "../support/around-calls.ts";
import { buildProgram, type Program } from "../support/child.ts";
import { clockByHand, start } from "../support/clock.ts";
import { drainLargePayloads, drainTogether, poison } from "../support/overload.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { onEachKindOfStore } from "../support/stores.ts";

// A small share of `npm run soak -- overload`.

onEachKindOfStore((kind) => {
  test("fifty concurrent drains perform each of 2,000 jobs once", async () => {
    await drainTogether(kind.create(), { jobs: 2_000, drains: 50 });
  });

  test("payloads of the largest size arrive whole, in claims that fit into an answer", async () => {
    await drainLargePayloads(kind.create(), 2);
  });

  test("large results of jobs that end together are settled in requests that fit", async () => {
    let largest = 0;
    const store = aroundStore(kind.create(), ({ parameters }, run) => {
      largest = Math.max(largest, JSON.stringify(parameters).length);
      return run();
    });
    const returns = defineJob({ name: "returns", perform: () => "x".repeat(1_500_000) });
    const queue = new Queue({ store, jobs: [returns] });
    await queue.enqueueMany(Array(9).fill({ job: returns }));
    expect(await queue.drain({ maxJobs: 9 })).toMatchObject({ completed: 9, lost: 0 });
    expect(largest).toBeLessThan(5_000_000);
  });

  test("missed occurrences are caught up on in requests that fit, however large their payloads", async () => {
    const clock = clockByHand(start);
    let largest = 0;
    const store = aroundStore(kind.create(), ({ parameters }, run) => {
      largest = Math.max(largest, JSON.stringify(parameters).length);
      return run();
    });
    const slots = new Set<string>();
    const beat = defineJob({ name: "beat", perform: (_: string, { id }) => void slots.add(id) });
    const queue = new Queue({ store, clock, jobs: [beat], retention: 0 });
    const recurs = { job: beat, payload: "x".repeat(100_000), cron: "* * * * *", missed: "all" } as const;
    for (const key of ["one", "two", "three"]) await queue.schedules.upsert(key, recurs);
    clock.now += 60 * 60_000;
    await queue.drain({ maxJobs: 1_000, budget: { roundTrips: 1_000, commands: 100_000 } });
    expect(slots.size).toBe(3 * 60);
    // One request carries both the outcomes and the firings.
    expect(largest).toBeLessThan(8_000_000);
  });

  test("a retried dead job that kills its invocations starts alone too, after all others", async () => {
    const clock = clockByHand(start);
    const store = kind.create();
    const harmless = defineJob({ name: "harmless", perform() {} });
    let doneBefore: number | undefined;
    const poison = defineJob({
      name: "poison",
      async perform(_: undefined, { id }) {
        if ((await queue.getJob(id))?.errors.length === 0) throw new Error("no luck");
        doneBefore = (await queue.getStats()).totalProcessed;
      },
    });
    const queue = new Queue({ store, clock, jobs: [harmless, { ...poison, maxRetries: 0 }] });
    const { id } = await queue.enqueue(poison);
    expect(await queue.drain()).toMatchObject({ deadLettered: 1 });
    clock.now++;
    await queue.retryFromDeadLetter(id);
    const died = { settle: [], fire: [], claim: { limit: 10, leaseMs: 60_000 }, retentionMs: 0 };
    const claimAndDie = async () => {
      expect((await store.open(queue.name).exchange({ ...died, now: clock.now })).jobs).toHaveLength(1);
      clock.now += 61_000;
    };
    await claimAndDie();
    await claimAndDie();
    await queue.enqueueMany(Array(3).fill({ job: harmless }));
    const patient = new Queue({ store, clock, jobs: [harmless, poison] });
    expect(await patient.drain()).toMatchObject({ completed: 4 });
    expect(doneBefore).toBe(3);
  });
});

describe("a job that always kills its invocation", () => {
  let stage: Stage;
  let program: Program;
  beforeAll(async () => {
    stage = await openStage();
    program = await buildProgram("poison-child.ts");
  });
  afterAll(async () => {
    await program.remove();
    await stage.close();
  });

  test("is dead-lettered once its attempts are used, and other jobs run", async () => {
    expect(await poison(stage, program, 40)).toEqual({ kills: 4, harmed: 0 });
  });
});
