import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SettleRequest } from "../../src/core/store/store.ts";
import { aroundStore } from "../support/around-calls.ts";
import { start } from "../support/clock.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { drainDry, fails, messages, openAlerts, webhookTo, works } from "./open-alerts.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

const iso = (ms: number) => new Date(start + ms).toISOString();

/** A text with a word of its own, so that its failures are a group of their own. */
const word = (number: number) => `no ${[...String(number)].map((digit) => "abcdefghij"[Number(digit)]).join("")}`;

onMemoryAtLeast((kind) => {
  const setUp = (
    ...[alerts = [webhookTo(receiver)], options]: [alerts?: Parameters<typeof openAlerts>[1], options?: object]
  ) => openAlerts(kind.create(), alerts, options);

  describe("an alert", () => {
    test("reports a group of failures once, ten seconds after the first death, with all deaths until then", async () => {
      const { queue, passes, clock } = setUp([webhookTo(receiver, { dashboard: "https://app.test/dashboard" })]);
      await queue.enqueue(fails, { error: "no luck with 7" });
      await drainDry(queue);
      await clock.advance("9s");
      await queue.enqueue(fails, { error: "no luck with 8" });
      await drainDry(queue);
      expect(messages(receiver)).toEqual([]);
      await passes("1s");
      const [group] = (await queue.getFailures()).failures;
      expect(messages(receiver)).toEqual([
        {
          ...{ type: "failures", queue: "default", group: group?.group, name: "fails" },
          error: { name: "Error", message: "no luck with #" },
          ...{ count: 2, firstAt: iso(0), lastAt: iso(9_000) },
          url: `https://app.test/dashboard#view=jobs&queue=default&state=dead&group=${group?.group}`,
        },
      ]);
    });

    test("is one for 400 deaths in a minute that many drains settle, and its end says how many there were", async () => {
      const { queue, open, passes, clock } = setUp();
      const jobs = Array.from({ length: 400 }, (_, at) => ({
        job: fails,
        payload: { error: `row r${at}` },
        delay: at * 150,
      }));
      await queue.enqueueMany(jobs);
      for (let second = 0; second < 60; second += 4) {
        await clock.advance("4s");
        // Each is another isolate, which remembers nothing.
        await Promise.all([drainDry(open()), drainDry(open())]);
      }
      const last = (await queue.getFailures()).failures[0]?.lastAt.getTime() ?? 0;
      await passes("1m");
      expect(messages(receiver)).toMatchObject([{ type: "failures", firstAt: iso(4_000) }]);
      await passes("58m");
      await clock.set(last + 3_599_000);
      await drainDry(queue);
      expect(receiver.received).toHaveLength(1);
      await passes("1s");
      await passes("24h");
      const over = { type: "over", count: 400, firstAt: iso(4_000), lastAt: new Date(last).toISOString() };
      expect(messages(receiver).slice(1)).toMatchObject([over]);
    });

    test("comes again each hour in which the group still grows, and reports the end after an hour without a death", async () => {
      const { queue, passes } = setUp();
      const dies = async () => {
        await queue.enqueue(fails, { error: "no luck" });
        await drainDry(queue);
      };
      await dies();
      for (const by of ["10s", "10s"] as const) await passes(by);
      await dies();
      await passes("45m");
      await dies();
      await passes("15m");
      expect(messages(receiver)).toMatchObject([{ count: 1 }, { type: "failures", count: 3 }]);
      await passes("45m");
      await dies();
      await passes("15m");
      expect(messages(receiver).slice(2)).toMatchObject([{ type: "failures", count: 4 }]);
      for (let minute = 0; minute < 90; minute += 10) await passes("10m");
      expect(messages(receiver).slice(3)).toMatchObject([{ type: "over", count: 4, error: { message: "no luck" } }]);
      await dies();
      for (const by of ["10s", "10s"] as const) await passes(by);
      expect(messages(receiver).slice(4)).toMatchObject([{ type: "failures", count: 5 }]);
    });

    test("is one for each group and queue", async () => {
      const { queue, open, passes } = setUp();
      const other = open({ name: "other" });
      for (const each of [queue, other]) {
        for (const error of ["no luck", "no time"]) await each.enqueue(fails, { error });
        await drainDry(each);
      }
      await passes("10s");
      await drainDry(other);
      const sent = messages(receiver).map(({ queue: name, error }) => `${name}: ${error?.message}`);
      expect(sent.sort()).toEqual(["default: no luck", "default: no time", "other: no luck", "other: no time"]);
    });

    test("is one for many groups that fail within an hour, beside those of the first", async () => {
      const { queue, open, clock, passes } = setUp();
      /** So many jobs die, each with an error of its own. An isolate performs what alerts. */
      const die = async (count: number, from: number, isolate = queue) => {
        const errors = Array.from({ length: count }, (_, index) => word(from + index));
        await queue.enqueueMany(errors.map((error) => ({ job: fails, payload: { error } })));
        await drainDry(queue);
        for (let look = 0; look < 3; look++) {
          await clock.advance("10s");
          await drainDry(isolate);
        }
      };
      const ofGroups = (type: string) =>
        messages(receiver).filter((message) => message.group !== null && message.type === type).length;
      const floods = () => messages(receiver).filter(({ group }) => group === null);
      await die(100, 0);
      // Watches run at the same time: some find the flood that others have reported.
      const first = ofGroups("failures");
      expect(first).toBeGreaterThanOrEqual(5);
      expect(first).toBeLessThanOrEqual(20);
      const flood = { type: "failures", queue: "default", name: null, error: null, count: 100, firstAt: null };
      expect(floods()).toMatchObject([flood]);
      // Another isolate, which has sent nothing yet, asks whether there is a flood.
      await die(50, 500, open());
      expect(ofGroups("failures")).toBe(first + 5);
      expect(floods()).toHaveLength(1);
      await passes("1h");
      await passes("1h");
      expect(ofGroups("over")).toBe(first + 5);
      await die(30, 1_000);
      expect(ofGroups("failures")).toBeGreaterThanOrEqual(first + 10);
      expect(floods()).toHaveLength(2);
    });

    test("reports the end at the next look if all jobs were retried or removed", async () => {
      const { queue, passes } = setUp();
      await queue.enqueue(fails, { error: "no luck" });
      await passes("0s");
      await passes("10s");
      await queue.removeFromDeadLetter({ all: true });
      await passes("1h");
      expect(messages(receiver)).toMatchObject([{ type: "failures" }, { type: "over", count: 0, name: "fails" }]);
    });

    test("reports nothing of jobs that were removed before its first look", async () => {
      const { queue, passes } = setUp();
      await queue.enqueue(fails, { error: "no luck" });
      await passes("0s");
      await queue.removeFromDeadLetter({ all: true });
      await passes("10s");
      await passes("2h");
      expect(receiver.requests).toEqual([]);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0, deadLetterCount: 0 });
    });

    test("reports a death that is stored while the watch of its group ends", async () => {
      const store = kind.create();
      const alerts = [webhookTo(receiver)];
      let meanwhile = async () => {};
      const watched = aroundStore(store, async ({ method, parameters }, run) => {
        const { settle = [] } = (
          method === "exchange" || method === "settle" ? parameters[0] : {}
        ) as Partial<SettleRequest>;
        if (settle.some(({ to, lease }) => to === "completed" && lease.id.startsWith("tidegate:watch:"))) {
          const happens = meanwhile;
          meanwhile = async () => {};
          await happens();
        }
        return run();
      });
      const { queue, open, passes } = openAlerts(watched, alerts);
      await queue.enqueue(fails, { error: "no luck" });
      for (const by of ["0s", "10s", "10s"] as const) await passes(by);
      expect(messages(receiver)).toMatchObject([{ type: "failures" }]);
      meanwhile = async () => {
        const other = open({ store });
        await other.enqueue(fails, { error: "no luck" });
        for (let dead = 1; dead < 2; dead = (await other.getStats()).deadLetterCount) await other.drain({ maxJobs: 1 });
      };
      for (const by of ["1h", "10s", "10s"] as const) await passes(by);
      expect(messages(receiver)).toMatchObject([
        { type: "failures", count: 1 },
        { type: "over", count: 1 },
        { type: "failures", count: 2 },
      ]);
    });

    test("does not come for jobs that are retried, or complete", async () => {
      const { queue, passes } = setUp();
      await queue.enqueue(fails, { error: "no luck" }, { maxRetries: 5 });
      await queue.enqueue(works);
      await passes("0s");
      await passes("1h");
      expect(await queue.listJobs({ name: "tidegate_watch", state: "scheduled" })).toMatchObject({ jobs: [] });
      expect(receiver.requests).toEqual([]);
    });
  });
});
