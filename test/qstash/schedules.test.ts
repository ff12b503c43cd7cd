import { describe, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { start } from "../support/clock.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { servedQStash, target } from "./served-qstash.ts";

const MINUTE_MS = 60_000;

onMemoryAtLeast(({ create }) => {
  const served = () => servedQStash({ store: create() });

  describe("a schedule", () => {
    test("delivers its message at each occurrence, with its id", async () => {
      const { client, queue, clock, deliveries } = await served();
      const { scheduleId } = await client.schedules.create({
        ...{ destination: `${target}?a=b`, cron: "*/5 * * * *", body: '{"a":1}', headers: { "X-A": "1" } },
      });
      for (let minutes = 0; minutes < 10; minutes++) {
        clock.now += MINUTE_MS;
        await queue.drain();
        await queue.drain();
      }
      expect(deliveries.map(({ url, body }) => [url, body])).toEqual([
        [`${target}?a=b`, '{"a":1}'],
        [`${target}?a=b`, '{"a":1}'],
      ]);
      expect(deliveries[0]?.headers.get("upstash-schedule-id")).toBe(scheduleId);
      expect(deliveries[0]?.headers.get("x-a")).toBe("1");
      expect(await client.schedules.get(scheduleId)).toMatchObject({ lastScheduleTime: start + 10 * MINUTE_MS });
    });

    test("is shown as it was created", async () => {
      const { client } = await served();
      const made = {
        ...{ destination: target, cron: "CRON_TZ=America/New_York 0 9 * * *", scheduleId: "daily", body: "x" },
        ...{ retries: 1, delay: 30, label: "a", retryDelay: "1000", callback: "https://app.test/callback" },
        method: "PUT" as const,
      };
      expect(await client.schedules.create(made)).toEqual({ scheduleId: "daily" });
      const shown = {
        ...{
          scheduleId: "daily",
          cron: made.cron,
          destination: target,
          method: "PUT" as const,
          body: "x",
          retries: 1,
          delay: 30,
        },
        ...{ label: "a", labels: ["a"], retryDelayExpression: "1000", callback: "https://app.test/callback" },
        ...{ createdAt: start, isPaused: false, nextScheduleTime: Date.parse("2026-03-01T14:00:00Z") },
      };
      expect(await client.schedules.get("daily")).toMatchObject(shown);
      expect(await client.schedules.list()).toMatchObject([shown]);
    });

    test("with the same id is replaced, and keeps its creation time", async () => {
      const { client, clock } = await served();
      await client.schedules.create({ destination: target, cron: "0 * * * *", scheduleId: "one" });
      clock.now += 1_000;
      await client.schedules.create({ destination: target, cron: "30 * * * *", scheduleId: "one" });
      expect(await client.schedules.list()).toMatchObject([{ cron: "30 * * * *", createdAt: start }]);
    });

    test("delivers after its occurrence plus its delay, with no attempt used", async () => {
      const { client, queue, clock, deliveries } = await served();
      await client.schedules.create({ destination: target, cron: "* * * * *", scheduleId: "late", delay: 20 });
      clock.now += MINUTE_MS;
      await queue.drain();
      await queue.drain();
      expect(deliveries).toEqual([]);
      await client.schedules.pause({ schedule: "late" });
      clock.now += 20_000;
      await queue.drain();
      expect(deliveries.map(({ headers }) => headers.get("upstash-retried"))).toEqual(["0"]);
    });

    test("does not fire while it is paused", async () => {
      const { client, queue, clock, deliveries } = await served();
      await client.schedules.create({ destination: target, cron: "* * * * *", scheduleId: "p" });
      await client.schedules.pause({ schedule: "p" });
      expect(await client.schedules.get("p")).toMatchObject({ isPaused: true });
      clock.now += 5 * MINUTE_MS;
      await queue.drain();
      expect(deliveries).toEqual([]);
      await client.schedules.resume({ schedule: "p" });
      clock.now += MINUTE_MS;
      await queue.drain();
      await queue.drain();
      expect(deliveries).toHaveLength(1);
    });

    test("that is deleted is gone", async () => {
      const { client } = await served();
      const { scheduleId } = await client.schedules.create({ destination: target, cron: "* * * * *" });
      await client.schedules.delete(scheduleId);
      expect(await client.schedules.list()).toEqual([]);
      await expect(client.schedules.get(scheduleId)).rejects.toMatchObject({ status: 404 });
      await expect(client.schedules.delete(scheduleId)).rejects.toMatchObject({ status: 404 });
      await expect(client.schedules.pause({ schedule: scheduleId })).rejects.toMatchObject({ status: 404 });
    });

    test.each([
      ["no cron", { cron: "" }, "Upstash-Cron"],
      ["a cron that means nothing", { cron: "every day" }, "cron"],
      ["a zone that there is not", { cron: "CRON_TZ=Mars/Base * * * * *" }, "zone"],
      ["a destination outside of the targets", { destination: "http://localhost/" }, "targets"],
      ["a deduplication id", { headers: { "Upstash-Deduplication-Id": "x" } }, "deduplication"],
      ["an id that cannot be read again", { scheduleId: "a/b" }, "Upstash-Schedule-Id"],
      ["an id with an escape", { scheduleId: "%2e%2e" }, "Upstash-Schedule-Id"],
      ["a body above 1 MiB", { body: "x".repeat(1_100_000) }, "1 MiB"],
    ])("is refused with %s", async (_, wrong, reason) => {
      const { client } = await served();
      const refused = client.schedules.create({ destination: target, cron: "* * * * *", ...wrong });
      await expect(refused).rejects.toThrow(reason);
      expect(await client.schedules.list()).toEqual([]);
    });

    test("is not made by a publish, which refuses Upstash-Cron", async () => {
      const { call, queue } = await served();
      const headers = { "Upstash-Cron": "* * * * *" };
      expect((await call("POST", `/v2/publish/${target}`, { headers })).status).toBe(400);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0 });
    });

    test("of the queue's own is neither shown nor changed", async () => {
      const store = create();
      const { client, qstash, clock } = await servedQStash({ store });
      const other = defineJob({ name: "other", perform: () => {} });
      const queue = new Queue({ store, jobs: [...qstash.jobs, other], clock });
      await queue.schedules.upsert("mine", { job: other, cron: "0 * * * *" });
      expect(await client.schedules.list()).toEqual([]);
      await expect(client.schedules.get("mine")).rejects.toMatchObject({ status: 404 });
      await expect(client.schedules.delete("mine")).rejects.toMatchObject({ status: 404 });
      const taken = client.schedules.create({ destination: target, cron: "* * * * *", scheduleId: "mine" });
      await expect(taken).rejects.toMatchObject({ status: 409 });
      expect(await queue.schedules.get("mine")).toMatchObject({ name: "other", cron: "0 * * * *" });
    });
  });
});
