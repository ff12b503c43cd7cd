import { describe, expect, onTestFinished, test, vi } from "vitest";
import { defineJob, type EnqueueEvent, type Hooks, memoryStore, Queue } from "../../../src/index.ts";
import { startWorker } from "../../../src/platforms/node.ts";
import { type TestClock, testClock } from "../../../src/testing/index.ts";
import { start } from "../../support/clock.ts";
import { drainQueues } from "../../support/drain-queues.ts";

const works = defineJob({ name: "works", perform() {} });

function open(hooks: Hooks): Queue {
  return new Queue({ store: memoryStore(), jobs: [works], hooks });
}

describe("hooks", () => {
  test("that throw or reject harm no job, and onError gets the error", async () => {
    const reported: unknown[] = [];
    const oops = new Error("oops");
    const hooks: Hooks = {
      onEnqueue: () => Promise.reject(oops),
      onStart() {
        throw oops;
      },
      onComplete: () => Promise.reject(oops),
      onError(error, hook) {
        reported.push([error, hook]);
        throw error;
      },
    };
    const queue = open(hooks);
    expect(await queue.enqueue(works)).toMatchObject({ status: "enqueued" });
    expect(await queue.drain()).toMatchObject({ completed: 1, retried: 0 });
    expect(reported).toEqual(["onEnqueue", "onStart", "onComplete"].map((name) => [oops, name]));
  });

  test("that fail are logged once each, by name only, if there is no onError", async () => {
    const report = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => report.mockRestore());
    const hooks: Hooks = {
      onStart() {
        throw new RangeError("a secret");
      },
      onComplete: () => Promise.reject("a secret"),
    };
    const queue = open(hooks);
    await queue.enqueueMany([{ job: works }, { job: works }]);
    await queue.drain();
    expect(report.mock.calls).toEqual([
      ["tidegate: the hook onStart failed (RangeError). Set hooks.onError to see the error."],
      ["tidegate: the hook onComplete failed (string). Set hooks.onError to see the error."],
    ]);
  });

  test("that return promises are awaited by drain and enqueue, and hold up no job", async () => {
    const clock = testClock(start);
    const log: string[] = [];
    const hooks: Hooks = {
      onEnqueue: () => clock.sleep(1_000).then(() => log.push(`enqueue ${clock.now - start}`)),
      onStart: () => clock.sleep(1_500).then(() => log.push(`start ${clock.now - start}`)),
    };
    const job = defineJob({ name: "job", perform: () => void log.push(`perform ${clock.now - start}`) });
    const queue = new Queue({ store: memoryStore(), jobs: [job], clock, hooks });
    const enqueued = queue.enqueue(job).then(() => log.push("enqueued"));
    await clock.advance("1s");
    await enqueued;
    const drained = queue.drain().then(() => log.push("drained"));
    await clock.advance("2s");
    await drained;
    expect(log).toEqual(["enqueue 1000", "enqueued", "perform 1000", "start 2500", "drained"]);
  });

  test("that return promises are awaited for two seconds at most", async () => {
    const clock = testClock(start);
    const job = defineJob({ name: "job", perform() {} });
    const hooks: Hooks = { onComplete: () => new Promise(() => {}) };
    const queue = new Queue({ store: memoryStore(), jobs: [job], clock, hooks });
    await queue.enqueue(job);
    let endedAt: number | undefined;
    const drained = queue.drain().then(() => {
      endedAt = clock.now;
    });
    await clock.advance("1999ms");
    expect(endedAt).toBeUndefined();
    await clock.advance("1ms");
    await drained;
    expect(endedAt).toBe(start + 2_000);
  });

  describe("that hang do not hold up the start of jobs", () => {
    /** A queue whose jobs record when they start. */
    function withHungHook(clock: TestClock, begun: number[]) {
      const job = defineJob({ name: "job", perform: () => void begun.push(clock.now - start) });
      const hooks: Hooks = { onStart: () => new Promise(() => {}), onComplete: () => new Promise(() => {}) };
      return new Queue({ store: memoryStore(), jobs: [job], clock, hooks });
    }

    test("in a drain that lingers", async () => {
      const clock = testClock(start);
      const begun: number[] = [];
      const queue = withHungHook(clock, begun);
      await queue.enqueueMany([0, 400, 800].map((delay) => ({ job: "job", delay })));
      const drained = queue.drain({ linger: "1s" });
      for (let step = 0; step < 10; step++) await clock.advance("400ms");
      await drained;
      expect(begun).toEqual([0, 400, 800]);
    });

    test("in the next queue of drainQueues", async () => {
      const clock = testClock(start);
      const begun: number[] = [];
      const queues = [withHungHook(clock, begun), withHungHook(clock, begun)];
      for (const queue of queues) await queue.enqueue("job");
      const drained = drainQueues(queues);
      await clock.advance("2s");
      expect(await drained).toMatchObject({ completed: 2 });
      expect(begun).toEqual([0, 0]);
    });

    test("in a worker, which awaits them when it stops, for two seconds at most", async () => {
      const clock = testClock(start);
      const begun: number[] = [];
      const queue = withHungHook(clock, begun);
      const worker = startWorker(queue);
      for (let enqueued = 0; enqueued < 3; enqueued++) {
        await queue.enqueue("job");
        await clock.advance("400ms");
      }
      expect(begun).toEqual([0, 400, 800]);
      const stopped = worker.stop();
      await clock.advance("2s");
      expect(await stopped).toMatchObject({ completed: 3 });
    });
  });

  test("that return lazy promises, as database clients do, are started", async () => {
    const written: string[] = [];
    const insert = (id: string) => {
      const query = {};
      Reflect.set(query, "then", (resolve: () => void) => {
        written.push(id);
        resolve();
      });
      return query;
    };
    const queue = open({ onComplete: ({ id }) => insert(id) });
    const { id } = await queue.enqueue(works);
    await queue.drain();
    expect(written).toEqual([id]);
  });

  test("may be methods of an object, and are called with it as this", async () => {
    class Logger implements Hooks {
      readonly seen: string[] = [];
      onEnqueue({ name }: EnqueueEvent) {
        this.seen.push(`enqueued ${name}`);
        throw new Error("no luck");
      }
      onError(error: unknown) {
        this.seen.push(String(error));
      }
    }
    const logger = new Logger();
    const queue = open(logger);
    await queue.enqueue(works);
    expect(logger.seen).toEqual(["enqueued works", "Error: no luck"]);
  });

  test("with an unknown name, or that are not functions, are refused", () => {
    const unknown = { onCompleted: () => {} } as Hooks;
    expect(() => open(unknown)).toThrow('Unknown hook "onCompleted". Hooks: onEnqueue, onStart,');
    expect(() => open({ onDead: "log" } as unknown as Hooks)).toThrow("hooks.onDead must be a function.");
    expect(() => open(7 as unknown as Hooks)).toThrow("hooks must be an object of functions.");
  });
});
