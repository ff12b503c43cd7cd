import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import * as cron from "../../examples/guide/cron.ts";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { drainAll, testClock } from "../../src/testing/index.ts";
import { root } from "../package/built.ts";
import { start } from "../support/clock.ts";
import { serveFetch } from "../support/http-server.ts";
import { documentsIn, runScript } from "./guide.ts";

function setUp(from: number | string = start) {
  const clock = testClock(from);
  const jobs = [cron.dailyReport, cron.nightlySync, cron.remind];
  return { clock, queue: new Queue({ store: memoryStore(), jobs, clock }) };
}

beforeEach(() => {
  cron.reports.length = 0;
});

const iso = (dates: readonly Date[]) => dates.map((date) => date.toISOString());

describe("recurring jobs", () => {
  test("that code declares are armed by the first drain, and make one job per occurrence", async () => {
    const { clock, queue } = setUp();
    expect(await queue.schedules.list()).toEqual([]);
    await queue.drain();
    await clock.set("2026-03-02T08:00:00Z");
    await Promise.all([queue.drain(), queue.drain(), queue.drain()]);
    expect(cron.reports).toContain("daily_report@2026-03-02T08:00:00.000Z");
    expect(cron.reports.filter((id) => id.startsWith("daily_report"))).toHaveLength(1);
  });

  test("that were missed make one job, or none with missed: skip", async () => {
    const { clock, queue } = setUp();
    await queue.drain();
    await clock.set("2026-03-05T12:00:00Z");
    await drainAll(queue);
    expect(cron.reports).toEqual(["daily_report@2026-03-05T08:00:00.000Z"]);
  });

  test("fire at an interval, and drop the occurrences that nothing found in time", async () => {
    const clock = testClock(start);
    const queue = new Queue({ store: memoryStore(), jobs: [cron.syncFeed], clock });
    await queue.drain();
    await drainAll(queue, { clock, until: "3m" });
    expect(cron.reports).toEqual(["feed", "feed"]);
    await clock.advance("1h");
    expect(await queue.drain()).toMatchObject({ completed: 1, expired: 0 });
  });

  test("take a payload, and at run time a zone of their own", async () => {
    const { clock, queue } = setUp();
    await cron.perUser(queue, 7, "Asia/Tokyo");
    await drainAll(queue, { clock, until: "2026-03-02T09:30:00Z" });
    expect(cron.reports).toEqual(["shop 7", "daily_report@2026-03-02T08:00:00.000Z", "user 7"]);
  });

  test("can be listed and removed", async () => {
    const { queue } = setUp();
    await queue.drain();
    await cron.asEnqueue(queue);
    expect(await queue.schedules.get("friday")).toMatchObject({ name: "remind", cron: "0 18 * * FRI" });
    const { next, first } = await cron.lookAt(queue);
    expect(iso(next)).toEqual(["2026-03-02T08:00:00.000Z", "2026-03-03T08:00:00.000Z", "2026-03-04T08:00:00.000Z"]);
    expect(first).toMatchObject({ key: "daily_report", timeZone: "Europe/Paris", declared: true });
    expect(await queue.schedules.get("friday")).toBeNull();
  });

  test("can be set and previewed over HTTP", async () => {
    const { queue } = setUp();
    const handler = createHandler({ queue, auth: { admin: ["the-admin-token"] } });
    const server = await serveFetch((request) => handler.fetch(request));
    const output = await runScript("cron.sh", { TIDEGATE_URL: server.url, TIDEGATE_ADMIN_TOKEN: "the-admin-token" });
    expect(documentsIn(output)).toMatchObject([
      { key: "remind-7", nextRunAt: "2026-03-02T09:00:00.000Z" },
      { occurrences: ["2026-03-02T09:00:00.000Z", "2026-03-03T09:00:00.000Z", "2026-03-04T09:00:00.000Z"] },
    ]);
    await server.stop();
  });

  test("follow the guide's rule for clock changes", async () => {
    const { queue } = setUp("2026-03-07T12:00:00Z");
    await queue.schedules.upsert("sync", { job: cron.remind, payload: { user: 1 }, ...at("0 30 2 * * *") });
    // On 8 March 2026 New York's clocks go from 02:00 to 03:00.
    expect(iso(await queue.schedules.preview("sync", 2))).toEqual([
      "2026-03-08T07:30:00.000Z",
      "2026-03-09T06:30:00.000Z",
    ]);
    await queue.schedules.upsert("hourly", { job: cron.remind, payload: { user: 1 }, ...at("0 30 * * * *") });
    const { clock } = setUp();
    await clock.set("2026-11-01T00:00:00Z");
    const autumn = new Queue({ store: memoryStore(), jobs: [cron.remind], clock });
    await autumn.schedules.upsert("once", { job: cron.remind, payload: { user: 1 }, ...at("0 30 1 * * *") });
    // On 1 November 01:30 exists twice there, and it fires at the first.
    expect(iso(await autumn.schedules.preview("once", 2))).toEqual([
      "2026-11-01T05:30:00.000Z",
      "2026-11-02T06:30:00.000Z",
    ]);
  });
});

const at = (cron: string) => ({ cron, timeZone: "America/New_York" });

describe("each expression in the guide", () => {
  test("means what the guide says", async () => {
    const page = await readFile(join(root, "docs/guide/schedules.md"), "utf8");
    const rows = [...page.matchAll(/^\| `([^`]+)` \| [^|]+ \| ([^|]+) \|$/gm)];
    expect(rows.length).toBeGreaterThanOrEqual(10);
    const { queue } = setUp();
    for (const [, expression = "", next = ""] of rows) {
      await queue.schedules.upsert("example", { job: cron.remind, payload: { user: 1 }, cron: expression });
      const [slot] = iso(await queue.schedules.preview("example", 1));
      expect({ expression, next: slot?.slice(0, 19).replace("T", " ") }).toEqual({ expression, next: next.trim() });
    }
  });
});
