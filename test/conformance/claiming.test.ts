import { describe, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { onEveryStore } from "../support/stores.ts";

const start = Date.parse("2026-03-01T12:00:00Z");

onEveryStore((kind) => {
  /** A store of its own, jobs that take their payload in ms, and a clock to move. */
  function setUp() {
    const clock = testClock(start);
    const store = clock.watch(kind.create());
    const takes = defineJob({ name: "takes", timeout: "30s", perform: (ms: number) => clock.sleep(ms) });
    const open = () => new Queue({ store, clock, jobs: [takes], random: () => 0.5 });
    return { clock, takes, open };
  }

  describe("a drain that is kept by one job", () => {
    test("notices what other processes enqueue as often as it checks, in whatever partition", async () => {
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

    test("does so although other jobs that end are settled all the while", async () => {
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
