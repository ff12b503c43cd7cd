import { describe, expect, test } from "vitest";
import { type DrainReport, type Duration, defineJob, type JobContext, Queue } from "../../src/index.ts";
import { type TestClock, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onMemoryAtLeast } from "../support/stores.ts";

onMemoryAtLeast((kind) => {
  /** A new store, jobs that take their payload in ms, and a clock to move. */
  function setUp() {
    const clock = testClock(start);
    const store = clock.watch(kind.create());
    const takes = defineJob({ name: "takes", timeout: "30s", perform: (ms: number) => clock.sleep(ms) });
    const open = () => new Queue({ store, clock, jobs: [takes], random: () => 0.5 });
    return { clock, takes, open };
  }

  describe("no lease runs out while a job waits in a healthy drain, however long the handlers before it take", () => {
    const jobs = 40;

    /** Two drains at a time, one started each minute, until all jobs are done. */
    async function drainEachMinute(perform: (clock: TestClock, job: JobContext) => Promise<void>, timeout?: Duration) {
      const clock = testClock(start);
      const store = clock.watch(kind.create());
      const attempts: number[] = [];
      const render = defineJob({
        name: "render",
        timeout: "10s",
        maxRetries: 0,
        perform: async (_: undefined, job) => {
          attempts.push(job.attempt);
          await perform(clock, job);
        },
      });
      const open = () => new Queue({ store, clock, jobs: [render] });
      await open().enqueueMany(Array(jobs).fill({ job: render, ...(timeout && { timeout }) }));
      const drained: Promise<DrainReport>[] = [];
      for (let minute = 0; minute < 8; minute++) {
        // Each extension is a request that counts against the budget.
        const budget = { roundTrips: 1_000, commands: 10_000 };
        drained.push(open().drain({ concurrency: 6, timeBudget: "2m", budget }));
        await clock.advance("1m");
      }
      await clock.advance("5m");
      const reports = await Promise.all(drained);
      return { attempts, lost: reports.reduce((sum, { lost }) => sum + lost, 0), queue: open() };
    }

    test("when they extend their leases", async () => {
      const { attempts, lost, queue } = await drainEachMinute(async (clock, job) => {
        for (let page = 0; page < 9; page++) {
          await clock.sleep("8s");
          await job.extend();
        }
      });
      expect({ attempts, lost }).toEqual({ attempts: Array(jobs).fill(1), lost: 0 });
      expect(await queue.getStats()).toMatchObject({ totalProcessed: jobs, deadLetterCount: 0, pendingCount: 0 });
    });

    test("when they were enqueued with longer timeouts than their definitions have", async () => {
      const { attempts, lost, queue } = await drainEachMinute((clock) => clock.sleep("90s"), "5m");
      expect({ attempts, lost }).toEqual({ attempts: Array(jobs).fill(1), lost: 0 });
      expect(await queue.getStats()).toMatchObject({ totalProcessed: jobs, deadLetterCount: 0, pendingCount: 0 });
    });

    test("when quick ones before them made the drain claim ahead", async () => {
      const { clock, takes, open } = setUp();
      const payloads = [...Array(60).fill(5), ...Array(20).fill(29_000)];
      const queue = open();
      await queue.enqueueMany(payloads.map((payload) => ({ job: takes, payload, maxRetries: 0 })));
      const drained = [open().drain({ concurrency: 4, timeBudget: "10m" })];
      await clock.advance("3s");
      drained.push(open().drain({ concurrency: 4, timeBudget: "10m" }));
      await clock.advance("2m");
      const [first, second] = await Promise.all(drained);
      expect(first?.lost).toBe(0);
      expect(second).toMatchObject({ lost: 0, released: 0 });
      expect(second?.completed).toBeGreaterThanOrEqual(8);
      expect(await queue.getStats()).toMatchObject({ totalProcessed: 80, deadLetterCount: 0 });
    });
  });

  test("two drains that start together share a backlog that fits into one batch", async () => {
    const { clock, takes, open } = setUp();
    const queue = open();
    await queue.enqueueMany(Array(100).fill({ job: takes, payload: 500 }));
    const drained = [open().drain(), open().drain()];
    await clock.advance("4s");
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 100 });
    const completed = (await Promise.all(drained)).map((report) => report.completed);
    expect(Math.min(...completed)).toBeGreaterThanOrEqual(40);
  });

  test("any budget keeps enough in reserve to release jobs that wait for a slot in vain", async () => {
    for (const more of [0, 1, 2, 3, 6]) {
      const { clock, takes, open } = setUp();
      const queue = open();
      const payloads = [...Array(4).fill(0), ...Array(20).fill(29_000)];
      await queue.enqueueMany(payloads.map((payload) => ({ job: takes, payload })));
      const budget = { roundTrips: 4 + more, commands: 10_000 };
      const drained = queue.drain({ concurrency: 4, timeBudget: "20s", budget });
      await clock.advance("3s");
      expect((await queue.getStats()).runningCount).toBeLessThanOrEqual(4);
      await clock.advance("1m");
      expect(await drained).toMatchObject({ lost: 0 });
    }
  });

  describe("a drain held up by one job", () => {
    test("notices what other processes enqueue whenever it polls", async () => {
      const { clock, takes, open } = setUp();
      await open().enqueue(takes, 20_000);
      const drained = open().drain({ checkEvery: "5s" });
      await clock.advance("1s");
      const elsewhere = open();
      for (let job = 0; job < 20; job++) await elsewhere.enqueue(takes, 0);
      await clock.advance("5s");
      expect(await elsewhere.getStats()).toMatchObject({ readyCount: 0, runningCount: 1 });
      await clock.advance("25s");
      expect(await drained).toMatchObject({ completed: 21, stoppedBy: "empty" });
    });

    test("does so even while it settles other jobs", async () => {
      const { clock, takes, open } = setUp();
      await open().enqueueMany(
        Array.from({ length: 20 }, (_, index) => ({ job: takes, payload: 500 + index * 1_000 })),
      );
      const drained = open().drain({ checkEvery: "5s", concurrency: 25 });
      await clock.advance("1s");
      const elsewhere = open();
      for (let job = 0; job < 20; job++) await elsewhere.enqueue(takes, 0);
      await clock.advance("6s");
      expect(await elsewhere.getStats()).toMatchObject({ readyCount: 0 });
      await clock.advance("25s");
      expect(await drained).toMatchObject({ completed: 40, stoppedBy: "empty" });
    });
  });
});
