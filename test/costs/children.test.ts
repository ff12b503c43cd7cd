import { beforeAll, describe, expect, test } from "vitest";
import type { LeasedJob, Outcome, QueueStore } from "../../src/core/store/store.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { clockByHand, start as now } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { leaseOf } from "../support/operations.ts";
import { family, job } from "../support/store-trials.ts";
import { useRedis } from "../support/stores.ts";

// What children add to the bill: two commands where some of them end. Counted by Redis itself.

const row = defineJob({ name: "row", perform: (_: number) => {} });
const report = defineJob({ name: "report", perform: () => {} });
const rows = (count: number) => Array.from({ length: count }, (_, payload) => ({ job: row, payload }));

const quiet = { now, fire: [], retentionMs: 86_400_000, observe: true };
const claim = (limit: number) => ({ limit, leaseMs: 60_000 });

const familyOf = (id: string, total: number) => ({ ...family(id, { total }), isFreshId: true });

const completed = (held: LeasedJob): Outcome => ({
  ...{ to: "completed", lease: leaseOf(held), record: "1:{}" },
  timing: { waitedMs: 1, ranMs: 1 },
});

describe("billed commands of families", () => {
  const redis = useRedis();
  const count = async (action: () => Promise<unknown>) => (await countCommands(redis.server.port, action)).commands;

  /** Claims `limit` jobs of what `enqueue` has stored, then settles them and claims as many again. */
  async function costOfExchange(enqueue: (store: QueueStore) => Promise<unknown>, limit = 100) {
    const store = redis.store().open("default");
    await enqueue(store);
    const { jobs } = await store.exchange({ ...quiet, settle: [], claim: claim(limit) });
    let claimed: readonly LeasedJob[] = [];
    const commands = await count(async () => {
      ({ jobs: claimed } = await store.exchange({ ...quiet, settle: jobs.map(completed), claim: claim(limit) }));
    });
    return { commands, settled: jobs.length, claimed: claimed.length };
  }

  const plain = (jobs: number) => (store: QueueStore) =>
    store.enqueue(
      Array.from({ length: jobs }, (_, index) => job(`job-${index}`, { isFreshId: true })),
      now,
    );

  // Loads the scripts, and detects what the server does not know.
  beforeAll(async () => {
    await costOfExchange(plain(2), 1);
    await costOfExchange((store) => store.enqueueFamily(familyOf("first", 2), now));
    await redis.store().open("default").find("nobody", now);
  });

  test.each([
    [100, 5],
    [1_000, 5],
  ])("a job with %i children costs %i to enqueue", async (children, commands) => {
    const queue = new Queue({ store: redis.store(), jobs: [row, report], clock: clockByHand(now), observe: false });
    expect(await count(() => queue.enqueue(report, undefined, { children: rows(children) }))).toBe(commands);
  });

  test("settling 100 children and claiming 100 more costs 11, and 9 without a parent", async () => {
    const expected = { settled: 100, claimed: 100 };
    expect(await costOfExchange(plain(300))).toEqual({ ...expected, commands: 9 });
    const ofFamily = (store: QueueStore) => store.enqueueFamily(familyOf("p", 300), now);
    expect(await costOfExchange(ofFamily)).toEqual({ ...expected, commands: 11 });
  });

  test.each([
    [0, 14],
    [1, 14],
  ])(
    "settling the last of many children, and starting their parent and %i other jobs, costs %i",
    async (more, price) => {
      const store = redis.store().open("default");
      await store.enqueueFamily(familyOf("p", 3), now);
      const { jobs } = await store.exchange({ ...quiet, settle: [], claim: claim(100) });
      const [first, ...last] = jobs.map(completed) as [Outcome, Outcome, Outcome];
      await store.exchange({ ...quiet, settle: [first] });
      if (more > 0) await plain(more)(store);
      let started: readonly LeasedJob[] = [];
      const commands = await count(async () => {
        ({ jobs: started } = await store.exchange({ ...quiet, settle: last, claim: claim(100) }));
      });
      expect({ commands, started: started.length }).toEqual({ commands: price, started: 1 + more });
    },
  );

  test("an exchange that settles the only children of 100 parents, and starts these, costs 14", async () => {
    const families = async (store: QueueStore) => {
      for (let parent = 0; parent < 100; parent++) await store.enqueueFamily(familyOf(`p-${parent}`, 1), now);
    };
    expect(await costOfExchange(families)).toEqual({ commands: 14, settled: 100, claimed: 100 });
  });

  test("a job that waits costs 1 more to read, with the counts of its children", async () => {
    const queue = new Queue({ store: redis.store(), jobs: [row, report], clock: clockByHand(now) });
    const { id } = await queue.enqueue(report, undefined, { children: rows(2) });
    expect(await count(() => queue.getJob(id))).toBe(4);
  });
});
