import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { start } from "../support/clock.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { drainDry, messages, openAlerts, webhookTo, works } from "./open-alerts.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

onMemoryAtLeast((kind) => {
  const setUp = () => openAlerts(kind.create(), [webhookTo(receiver, { silentFor: "15m" })]);

  describe("a message of silence", () => {
    test("comes when something has been due for so long, from whoever calls, and one says that it is over", async () => {
      const { queue, clock } = setUp();
      await queue.enqueue(works);
      await clock.advance("14m");
      await queue.ping();
      expect(messages(receiver)).toEqual([]);
      await clock.advance("2m");
      await queue.enqueue(works);
      const told = { ...{ group: null, name: null, error: null, url: null }, firstAt: new Date(start).toISOString() };
      expect(messages(receiver)).toEqual([{ type: "silent", queue: "default", count: 2, lastAt: null, ...told }]);
      await drainDry(queue);
      expect(messages(receiver).slice(1)).toMatchObject([{ type: "over", group: null, count: 0 }]);
      await clock.advance("1h");
      await queue.ping();
      expect(receiver.requests).toHaveLength(2);
    });

    test("is one, however many call, and comes again each hour", async () => {
      const { queue, open, clock } = setUp();
      await queue.enqueue(works);
      await clock.advance("15m");
      await Promise.all([queue, open(), open(), open()].map((each) => each.getStats()));
      expect(receiver.requests).toHaveLength(1);
      for (let minute = 0; minute < 59; minute++) {
        await clock.advance("1m");
        await open().ping();
        await queue.ping();
      }
      expect(receiver.requests).toHaveLength(1);
      await clock.advance("1m");
      await open().ping();
      expect(messages(receiver)).toMatchObject([{ type: "silent" }, { type: "silent" }]);
      await drainDry(queue);
      expect(messages(receiver).slice(2)).toMatchObject([{ type: "over" }]);
    });

    test("does not come while the queue is paused, nor if nothing is due, nor while drains work off a backlog", async () => {
      const { queue, open, clock } = setUp();
      await queue.enqueue(works, undefined, { delay: "1d" });
      await clock.advance("20m");
      await queue.ping();
      await queue.enqueueMany([{ job: works }, { job: works }, { job: works }]);
      await queue.pause();
      await clock.advance("20m");
      await queue.ping();
      await queue.resume();
      for (let minute = 0; minute < 2; minute++) {
        await queue.drain({ maxJobs: 1, batchSize: 1 });
        await clock.advance("2m");
        await queue.ping();
        await open().ping();
      }
      expect(receiver.requests).toEqual([]);
    });

    test("is sent by the next caller if the receiver was down, and the line of the first has no URL", async () => {
      const { queue, clock, lines, open } = setUp();
      await queue.enqueue(works);
      await clock.advance("15m");
      receiver.answer = { status: 500 };
      await queue.ping();
      expect(lines).toEqual(['tidegate: The receiver of the alert "webhook" responded with status 500.']);
      receiver.answer = { status: 200 };
      await open().ping();
      expect(messages(receiver)).toMatchObject([{ type: "silent" }]);
    });
  });
});
