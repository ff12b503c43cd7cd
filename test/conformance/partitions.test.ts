import { describe, expect, test } from "vitest";
import type { QueueStore } from "../../src/core/store/store.ts";
import { defineJob, partitioned, Queue, type Store } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { job, storeTrials } from "../support/store-trials.ts";
import { onEveryWholeStore } from "../support/stores.ts";

const noop = defineJob({ name: "noop", perform() {} });
const dies = defineJob({ name: "dies", maxRetries: 0, perform: () => Promise.reject(new Error("no luck")) });
const clock = clockByHand(start);
const open = (store: Store) => new Queue({ store, jobs: [noop, dies], clock });

onEveryWholeStore((kind) => {
  describe("a partitioned queue", () => {
    test.each([
      ["without partitioned", (store: Store) => store],
      ["in one", (store: Store) => partitioned(store, 1)],
      ["in fewer", (store: Store) => partitioned(store, 2)],
      ["in more", (store: Store) => partitioned(store, 4)],
    ])("refuses every call of one that opens it %s, and keeps its jobs", async (_, wrongly) => {
      const store = kind.create();
      const queue = open(partitioned(store, 3));
      await queue.enqueueMany(Array.from({ length: 20 }, (_, index) => ({ job: noop, id: `job-${index}` })));
      const lease = { id: "job-1", claims: 1, endsAt: start + 60_000 };
      const firstManifest = { from: undefined, manifest: "m", put: [], remove: ["daily"] };
      const trials = {
        ...storeTrials,
        declare: (opened: QueueStore) => opened.declare(firstManifest),
        enqueue: (opened: QueueStore) => opened.enqueue([job("new")], start),
      };
      for (const [method, trial] of Object.entries(trials)) {
        if (method === "partitions") continue;
        // Partitions take no signals, however many there are.
        const isRefused = method === "signal" && wrongly(store) !== store;
        await expect(trial(wrongly(store).open("default"), lease), method).rejects.toMatchObject({
          code: "invalid_request",
          message: expect.stringMatching(
            isRefused
              ? /^A queue in partitions takes no signals/
              : /^The queue "default" is stored in 3 partitions, .* partitioned\(store, 3\)/,
          ),
        });
      }
      await expect(open(wrongly(store)).drain()).rejects.toMatchObject({ code: "invalid_request" });
      expect(await queue.getStats()).toMatchObject({ readyCount: 20, totalEnqueued: 20, paused: false });
      expect(await open(partitioned(store, 3)).drain({ budget: { roundTrips: 60 } })).toMatchObject({ completed: 20 });
    });

    test("is partitioned from its first call on, even if that finds nothing, and stays so when it is empty", async () => {
      const store = kind.create();
      expect(await store.open("default").partitions()).toBe("nothing");
      expect(await open(partitioned(store, 3)).drain()).toMatchObject({ stoppedBy: "empty" });
      expect(await store.open("default").partitions()).toEqual({ partitions: 3, stores: 1, store: 0 });
      await expect(open(store).enqueue(noop)).rejects.toMatchObject({ code: "invalid_request" });
      await expect(open(partitioned(store, 2)).pause()).rejects.toMatchObject({ code: "invalid_request" });
    });

    test("leaves queues of other names alone", async () => {
      const store = kind.create();
      await open(partitioned(store, 3)).enqueue(noop);
      const other = new Queue({ name: "other", store, jobs: [noop], clock });
      await other.enqueue(noop);
      expect(await other.drain()).toMatchObject({ completed: 1 });
    });

    test.each<[string, (queue: Queue) => Promise<unknown>]>([
      ["a job that waits", (queue) => queue.enqueue(noop)],
      ["a completed job", (queue) => queue.enqueue(noop).then(() => queue.drain())],
      ["a dead job", (queue) => queue.enqueue(dies).then(() => queue.drain())],
      ["a schedule", (queue) => queue.schedules.upsert("daily", { job: noop, cron: "@daily" })],
      ["a pause", (queue) => queue.pause()],
    ])("cannot be created from a plain queue that has %s", async (_, keep) => {
      const store = kind.create();
      const queue = open(store);
      await keep(queue);
      const before = await queue.getStats();
      await expect(open(partitioned(store, 3)).enqueue(noop)).rejects.toMatchObject({
        code: "invalid_request",
        message: expect.stringMatching(/^The queue "default" keeps jobs or schedules that are not in partitions\./),
      });
      expect(await queue.getStats()).toEqual(before);
      expect(await store.open("default").partitions()).toBe("whole");
    });

    test("is partitioned or not by the first of the racing enqueues", async () => {
      const store = kind.create();
      const openers = [store, partitioned(store, 2), partitioned(store, 3)].map(open);
      const results = await Promise.allSettled([...openers, ...openers].map((queue) => queue.enqueue(noop)));
      const accepted = results.map(({ status }) => status === "fulfilled");
      expect(accepted.filter(Boolean)).toHaveLength(2);
      expect(accepted.slice(0, 3)).toEqual(accepted.slice(3));
      const queue = openers[accepted.indexOf(true)];
      expect(await queue?.getStats()).toMatchObject({ totalEnqueued: 2 });
    });
  });
});
