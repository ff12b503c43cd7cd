import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { Queue } from "../../src/index.ts";
import { clockByHand } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";
import { patience, useDashboard } from "./browser-page.ts";
import { fill, openedAt, type ServedQueue, serveQueue } from "./served-queue.ts";

// What an hour of looking costs, as Redis counts it.

const HOUR_MS = 3_600_000;
const { open } = useDashboard();
const redis = useRedis();

/** Moves the clocks of the page and the queue to the next poll. Returns how far that was, and what the poll cost. */
async function nextPoll(page: Page, on: ServedQueue): Promise<{ waited: number; commands: number }> {
  const { polls } = on;
  const waited = await page.evaluate(() => {
    const text = document.querySelector("footer")?.getAttribute("data-next") ?? "";
    return Math.max(0, Number(text) - Date.now());
  });
  on.clock.now += waited;
  const { commands } = await countCommands(redis.server.port, async () => {
    await page.clock.fastForward(waited + 1);
    await expect.poll(() => on.polls, patience).toBe(polls + 1);
    await page.waitForFunction(() => Number(document.querySelector("footer")?.getAttribute("data-next")) > Date.now());
  });
  return { waited, commands };
}

/** What an hour costs, from its first 20 minutes: the page has found its pace after ten. */
async function anHour(page: Page, on: ServedQueue, work: () => Promise<unknown> = async () => {}) {
  let [polls, first, then] = [0, 0, 0];
  for (let passed = 0; passed < HOUR_MS / 3; polls++) {
    await work();
    const { waited, commands } = await nextPoll(page, on);
    passed += waited;
    if (passed <= HOUR_MS / 6) first += commands;
    else if (passed <= HOUR_MS / 3) then += commands;
  }
  return { polls, spent: first + 5 * then };
}

/** What each view costs beside the statistics, at most. */
const refreshCosts: readonly (readonly [string, number])[] = [
  ["view=schedules", 9],
  ["view=flow", 2],
  ["view=overview", 8],
  ["view=jobs&state=ready", 10],
  ["view=upcoming", 12],
  ["view=type&id=fails", 15],
  ["view=failures&scope=all", 5],
];

test.each([
  ["#view=overview", 100],
  ["#view=jobs&state=dead", 100],
])("an hour of %s costs at most %i commands if the queue is idle", async (hash, most) => {
  const on = await serveQueue({}, redis.store());
  await fill(on.queue);
  await on.queue.clear({ state: "pending" });
  let page: Page | undefined;
  const first = await countCommands(redis.server.port, async () => {
    page = await open(on, hash);
    await page.waitForSelector("footer");
  });
  const { spent, polls } = await anHour(page as Page, on);
  expect(polls).toBeGreaterThan(10);
  expect(first.commands + spent).toBeLessThanOrEqual(most);
});

test("an hour of the overview costs at most 1,500 commands on a busy queue", async () => {
  const on = await serveQueue({}, redis.store());
  await fill(on.queue);
  let page: Page | undefined;
  const first = await countCommands(redis.server.port, async () => {
    page = await open(on, "#view=overview");
    await page.waitForSelector("footer");
  });
  const { spent, polls } = await anHour(page as Page, on, async () => {
    await on.queue.enqueue("send_email", { to: "ada" });
    await on.queue.drain();
  });
  expect(polls).toBeGreaterThan(30);
  expect(first.commands + spent).toBeLessThanOrEqual(1_500);
});

test("twenty queues on one page are one request, and an hour of it costs at most 1,500 commands while they work", async () => {
  const store = redis.store();
  const clock = clockByHand(openedAt);
  const queues = Array.from({ length: 20 }, (_, index) => new Queue({ name: `queue-${index}`, store, clock }));
  await Promise.all(queues.map((queue, index) => queue.enqueueMany(Array(index).fill({ job: "any", payload: null }))));
  const on = await serveQueue({ queues });
  let page: Page | undefined;
  const first = await countCommands(redis.server.port, async () => {
    page = await open(on, "#view=queues");
    await page.locator("tbody tr").nth(19).waitFor();
  });
  expect(on.polls).toBe(1);
  const ready = await (page as Page).locator("tbody td:nth-child(2)").allTextContents();
  expect(ready).toEqual(queues.map((_, index) => String(index)));
  const { spent, polls } = await anHour(page as Page, on, async () => {
    clock.now = on.clock.now;
    await queues[0]?.enqueue("any", null);
  });
  expect(polls).toBeGreaterThan(4);
  expect(first.commands + spent).toBeLessThanOrEqual(1_500);
  await (page as Page)
    .locator("tbody td:nth-child(2)", { hasText: String(polls) })
    .first()
    .waitFor();
});

test("a refresh of each view costs no more than its contents take", async () => {
  const on = await serveQueue({}, redis.store());
  await fill(on.queue);
  on.clock.now += 24 * HOUR_MS;
  await on.queue.drain();
  await on.queue.schedules.upsert("hourly", { job: "fails", every: "1h" });
  on.clock.now += 2 * HOUR_MS;
  await on.queue.drain();
  await on.queue.enqueueMany(
    Array.from({ length: 60 }, (_, key) => ({
      job: "fails",
      payload: null,
      flowControl: { key: `${key}`, rate: 1, period: "1h" },
    })),
  );
  const costOf = async (query: string) => {
    const path = `${on.url}/dashboard/data?only=contents&${query}`;
    const { commands, result } = await countCommands(redis.server.port, () => fetch(path));
    expect(result.ok, query).toBe(true);
    return commands;
  };
  const over: string[] = [];
  const [failure] = (await on.queue.getFailures()).failures;
  for (const [query, most] of [...refreshCosts, [`view=jobs&state=dead&group=${failure?.group}`, 11] as const]) {
    await costOf(query); // loads the scripts
    const commands = await costOf(query);
    if (commands > most) over.push(`${query}: ${commands}`);
  }
  expect(over).toEqual([]);
  await on.stop();
});

test("a search of small jobs costs at most 10 commands beside the statistics, and a thousand waiting jobs at most 15", async () => {
  const on = await serveQueue({}, redis.store());
  const { queue, url } = on;
  const jobs = Array.from({ length: 1_300 }, (_, order) => ({ job: "fails", payload: { order } }));
  await queue.enqueueMany(jobs);
  await queue.drain({ maxJobs: 1_300, batchSize: 1_000, concurrency: 1_000 });
  await fill(queue);
  const cost = async (path: string, init?: RequestInit) => {
    const { commands, result } = await countCommands(redis.server.port, async () => fetch(url + path, init));
    expect(result.ok, path).toBe(true);
    return { commands, text: await result.text() };
  };
  const overview = await cost("/dashboard/data?view=schedules");
  const search = await cost("/dashboard/data?view=jobs&search=nowhere&by=error");
  expect(JSON.parse(search.text)).toMatchObject({ jobs: { rows: [], examined: expect.any(Number) } });
  expect(JSON.parse(search.text).jobs.examined).toBeGreaterThanOrEqual(1_000);
  expect(search.commands - overview.commands + 2).toBeLessThanOrEqual(10);
  expect(search.commands).toBeGreaterThan(10);
  const headers = { "Content-Type": "application/json" };
  await queue.enqueueMany(jobs.slice(0, 1_000).map((each) => ({ ...each, delay: "1h" as const })));
  const scheduled = { method: "POST", headers };
  const moved = await cost("/jobs/reschedule", { ...scheduled, body: '{"all":true,"state":"scheduled","delay":"3h"}' });
  const cancelled = await cost("/jobs/cancel", { ...scheduled, body: '{"all":true,"state":"scheduled"}' });
  expect([moved.commands, cancelled.commands].filter((commands) => commands > 15)).toEqual([]);
  expect(JSON.parse(cancelled.text).cancelled).toBeGreaterThan(900);
  await on.stop();
});

test("the page of a job costs at most 10 commands more if it has children", async () => {
  const on = await serveQueue({}, redis.store());
  const children = Array.from({ length: 100 }, () => ({ job: "send_email", payload: { to: "ada@example.com" } }));
  await on.queue.enqueue("report", null, { id: "parent", children });
  const costOf = async (id: string) => {
    const path = `${on.url}/dashboard/data?view=job&id=${encodeURIComponent(id)}`;
    const { commands, result } = await countCommands(redis.server.port, () => fetch(path));
    return { commands, rows: (await result.json()).jobs?.rows.length };
  };
  await costOf("parent"); // loads the scripts
  const child = await costOf("parent/000000");
  const waiting = await costOf("parent");
  while ((await on.queue.drain()).claimed > 0);
  const ended = await costOf("parent");
  expect([child.rows, waiting.rows, ended.rows]).toEqual([undefined, 50, 50]);
  expect(Math.max(waiting.commands, ended.commands) - child.commands).toBeLessThanOrEqual(10);
  await on.stop();
});
