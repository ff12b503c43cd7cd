import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { type TimerWakeOptions, timerWake } from "../../src/platforms/node.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: start });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A queue that a timer of the process wakes. `ran` has ms since the start. */
function setUp(options: TimerWakeOptions = {}, store = faultyStore(memoryStore())) {
  const ran: number[] = [];
  const note = defineJob({ name: "note", perform: () => void ran.push(Date.now() - start) });
  const slow = defineJob({ name: "slow", perform: () => new Promise<void>((resolve) => setTimeout(resolve, 20_000)) });
  const wake = timerWake(() => queue.drain(), options);
  const queue: Queue = new Queue({ store, jobs: [note, slow], logger: null, wake });
  return { queue, note, slow, ran, store };
}

describe("timerWake", () => {
  test("drains when something falls due, and goes on without end", async () => {
    const { queue, note, ran } = setUp();
    await queue.enqueueMany([0, 3_000, 86_400_000 * 30].map((delay) => ({ job: note, delay })));
    await vi.advanceTimersByTimeAsync(86_400_000 * 31);
    expect(ran).toEqual([0, 3_000, 86_400_000 * 30]);
  });

  test("drains once at a time, and again for what was enqueued meanwhile", async () => {
    const { queue, note, slow, ran } = setUp();
    let drains = 0;
    const drain = queue.drain.bind(queue);
    let most = 0;
    queue.drain = (options) => {
      most = Math.max(most, ++drains);
      return drain(options).finally(() => drains--);
    };
    await queue.enqueue(slow);
    await vi.advanceTimersByTimeAsync(1_000);
    await queue.enqueue(note);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ran).toHaveLength(1);
    expect(most).toBe(1);
  });

  test("ends with its signal", async () => {
    const stopping = new AbortController();
    const { queue, note, ran } = setUp({ signal: stopping.signal });
    await queue.enqueue(note, undefined, { delay: "3s" });
    stopping.abort();
    await queue.enqueue(note, undefined, { delay: "1s" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ran).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("does not keep the process alive", () => {
    vi.useRealTimers();
    const timers = vi.spyOn(globalThis, "setTimeout");
    const stopping = new AbortController();
    void timerWake(() => {}, { signal: stopping.signal })(Date.now() + 60_000);
    expect(timers.mock.results.map(({ value }) => value.hasRef())).toEqual([false]);
    stopping.abort();
    timers.mockRestore();
  });

  test("reports what a drain throws, even if that throws too, and drains again after a minute", async () => {
    const errors: unknown[] = [];
    const { queue, note, ran, store } = setUp({
      onError(error) {
        errors.push(error);
        throw new Error("onError failed");
      },
    });
    await queue.enqueue(note, undefined, { delay: "1s" });
    store.plan("before");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(errors).toMatchObject([{ code: "store_unavailable" }]);
    store.plan();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ran).toHaveLength(1);
  });

  test("refuses what it cannot call, and unknown options", () => {
    expect(() => timerWake({} as never)).toThrow("drain must be a function.");
    expect(() => timerWake(() => {}, { every: "1s" } as never)).toThrow(/Unknown option "every" in timerWake/);
  });
});
