import { describe, expect, test } from "vitest";
import { Producer, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { greet, note } from "./open-queue.ts";

onEachKindOfStore((kind) => {
  describe("a producer", () => {
    const setUp = () => {
      const [open, clock, jobs] = [kind.shared(), testClock(start), [greet, note]];
      return {
        queue: new Queue({ store: open(), clock, jobs }),
        producer: new Producer({ store: open(), clock, jobs }),
      };
    };

    test("stores jobs that a queue of the same name drains", async () => {
      const { queue, producer } = setUp();
      expect(producer.name).toBe("default");
      const { id } = await producer.enqueue(greet, { to: "Ada" });
      const many = await producer.enqueueMany([
        { job: note, payload: 1 },
        { job: "note", payload: 2, delay: "1m" },
      ]);
      expect(many.map(({ runAt }) => runAt)).toEqual([new Date(start), new Date(start + 60_000)]);
      expect(await queue.drain()).toMatchObject({ completed: 2 });
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: { greeted: "Ada" } });
    });

    test("returns the job that exists", async () => {
      const { producer } = setUp();
      const dedupe = { key: "note", ttl: "1h" } as const;
      const [first, second] = await Promise.all([1, 2].map((payload) => producer.enqueue(note, payload, { dedupe })));
      expect(second).toEqual({ ...first, status: "duplicate" });
    });

    test("checks what it is given, as a queue does", async () => {
      const { producer } = setUp();
      await expect(producer.enqueue(greet, { to: 1 as never })).rejects.toThrow('does not fit the schema of "greet"');
      await expect(producer.enqueue("gone")).rejects.toThrow("This queue knows: greet, note.");
      await expect(producer.enqueue(note, 1, { cron: "* * * * *" } as never)).rejects.toThrow(
        'Unknown option "cron" in enqueue',
      );
      expect(() => new Producer({ store: kind.create(), retention: "1h" } as never)).toThrow(
        'Unknown option "retention" in new Producer',
      );
      expect(() => new Producer({} as never)).toThrow("new Producer needs a store");
    });
  });
});
