import { afterEach, describe, expect, test, vi } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";

describe("testClock", () => {
  test("stands still until it is moved", async () => {
    const clock = testClock("2026-03-01T12:00:00Z");
    expect([clock(), clock.now]).toEqual([start, start]);
    await clock.advance("90s");
    expect([clock(), clock.now]).toEqual([start + 90_000, start + 90_000]);
    await clock.set(new Date(start));
    expect(clock.now).toBe(start);
    expect(new Date(testClock()()).toISOString()).toBe("2026-01-01T00:00:00.000Z");
  });

  test("wakes sleepers in order, each at its time", async () => {
    const clock = testClock(start);
    const woken: string[] = [];
    const nap = async (name: string, ms: number) => {
      await clock.sleep(ms);
      woken.push(`${name} at ${clock.now - start}`);
    };
    void nap("second", 20);
    void nap("first", 10);
    void nap("third", 20).then(() => nap("fourth", 5));
    void nap("late", 31);
    expect(clock.nextWakeAt).toBe(start + 10);
    await clock.advance(30);
    expect(woken).toEqual(["first at 10", "second at 20", "third at 20", "fourth at 25"]);
    expect(clock.now).toBe(start + 30);
    expect(clock.nextWakeAt).toBe(start + 31);
  });

  test("sleep takes what advance takes, and refuses a text that is not a duration", async () => {
    const clock = testClock();
    const sleeping = clock.sleep("30s").then(() => clock.now);
    const start = clock.now;
    await clock.advance("1m");
    expect((await sleeping) - start).toBe(30_000);
    expect(() => clock.sleep("soon" as "1s")).toThrow("sleep must be a duration");
  });

  test("a sleep of 0 ends without the clock", async () => {
    const clock = testClock();
    await clock.sleep(0);
    await clock.sleep(-1);
  });

  test("the clock waits for a sleep of 0, however long it takes", async () => {
    const clock = testClock(start);
    const { digest } = crypto.subtle;
    const slow = vi.spyOn(crypto.subtle, "digest").mockImplementationOnce(async (...args) => {
      for (let hash = 0; hash < 100; hash++) await digest.apply(crypto.subtle, args);
      return digest.apply(crypto.subtle, args);
    });
    const slept = clock.sleep(0).then(() => clock() - start);
    await clock.advance("1s");
    slow.mockRestore();
    expect(await slept).toBe(0);
  });

  test("an aborted sleep ends at once", async () => {
    const clock = testClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(1_000, controller.signal);
    controller.abort();
    await sleeping;
    await clock.sleep(1_000, controller.signal);
    expect(clock.nextWakeAt).toBeUndefined();
  });

  test("moving it back wakes nobody", async () => {
    const clock = testClock(start);
    let isAwake = false;
    void clock.sleep(10).then(() => {
      isAwake = true;
    });
    await clock.set(start - 60_000);
    expect(isAwake).toBe(false);
    await clock.set(start + 10);
    expect(isAwake).toBe(true);
  });

  test("refuses a second move at the same time", async () => {
    const clock = testClock();
    const first = clock.advance("1s");
    await expect(clock.advance("1s")).rejects.toMatchObject({ code: "invalid_request" });
    await first;
    await clock.advance("1s");
    await expect(clock.advance(-1)).rejects.toThrow("advance must be a duration");
    expect(() => testClock("noon")).toThrow("start must be a Date");
  });

  test("stands still while something is held", async () => {
    const clock = testClock(start);
    const seen: number[] = [];
    const work = async () => {
      await clock.sleep(10);
      // It takes longer than a clock waits that sees nothing happen.
      await clock.hold(testClock().advance(0));
      seen.push(clock.now - start);
      await clock.sleep(10);
      seen.push(clock.now - start);
    };
    void work();
    await clock.advance(100);
    expect(seen).toEqual([10, 20]);
    await expect(clock.hold(Promise.reject(new Error("no")))).rejects.toThrow("no");
  });

  describe("with faked timers", () => {
    afterEach(() => void vi.useRealTimers());

    test("still moves", async () => {
      vi.useFakeTimers();
      const clock = testClock(start);
      const sleeping = clock.sleep(10);
      await clock.advance(10);
      await sleeping;
    });
  });
});

onEachKindOfStore((kind) => {
  function setUp(jobs: ConstructorParameters<typeof Queue>[0]["jobs"]) {
    const clock = testClock(start);
    return { clock, queue: new Queue({ store: clock.watch(kind.create()), clock, random: () => 0, jobs: jobs ?? [] }) };
  }

  test("a lingering drain performs each occurrence of a schedule with seconds on time", async () => {
    const seen: number[] = [];
    const beat = defineJob({
      name: "beat",
      schedule: { cron: "*/15 * * * * *" },
      perform: () => void seen.push(queue.clock() - start),
    });
    const { clock, queue } = setUp([beat]);
    await queue.drain();
    const draining = queue.drain({ linger: "65s", budget: { roundTrips: 1_000, commands: 100_000 } });
    await clock.advance("65s");
    expect(await draining).toMatchObject({ completed: 4, rearmed: 4, stoppedBy: "empty" });
    expect(seen).toEqual([15_000, 30_000, 45_000, 60_000]);
  });

  test("a job that hangs times out when the clock gets there", async () => {
    const hang = defineJob({ name: "hang", timeout: "10s", perform: () => new Promise(() => {}) });
    const { clock, queue } = setUp([hang]);
    const { id } = await queue.enqueue(hang);
    const draining = queue.drain();
    await clock.advance("9s");
    expect(await queue.getJob(id)).toMatchObject({ state: "running" });
    await clock.advance("1s");
    expect(await draining).toMatchObject({ retried: 1 });
    expect(await queue.getJob(id)).toMatchObject({ errors: [{ name: "TimeoutError" }] });
  });
});
