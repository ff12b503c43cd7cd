import { beforeAll, expect, test } from "vitest";
import { defineJob, memoryStore, PermanentError, Queue } from "../../src/index.ts";
import { clockByHand } from "../support/clock.ts";
import { heading, notice, patience, press, useDashboard } from "./browser-page.ts";
import { type LargeWorld, largeWorld } from "./large-world.ts";
import { openedAt, serveQueue } from "./served-queue.ts";

// What somebody asks who opens the dashboard of a large world for the first time.

const { open } = useDashboard();
let world: LargeWorld;
beforeAll(async () => {
  world = await largeWorld();
});
const openWorld = async (hash = "") => open(await serveQueue({ queues: world.queues }), hash);

test("which schedule fails: it comes first, with the outcome of its last occurrences", async () => {
  const page = await openWorld();
  await page.getByRole("link", { name: "Schedules" }).click();
  const first = page.locator("tbody tr").first();
  expect(await first.locator("b").textContent()).toBe("invoices");
  expect(
    await first.locator("td.wide .marks a").evaluateAll((marks) => marks.map(({ className }) => className)),
  ).toEqual(Array(5).fill("dead"));
  await first.locator("td.wide", { hasText: "dead after 0 ms: Error: No rate for CHF." }).waitFor();
  expect(await first.locator("td.wide p").innerText()).toMatch(
    /^Failed at its last 5 occurrences, since 2\d Feb, \d\d:\d\d or before: see its failures$/,
  );
  expect(await page.locator("tbody tr .marks .completed").count()).toBeGreaterThan(0);
  await first.locator("td.wide .marks a").last().click();
  await expect.poll(() => page.locator("h1").textContent(), patience).toContain("nightly_invoices");
});

test("what fails now, and which key holds jobs back: the overview names both, and leads to the jobs, which say so, past any others", async () => {
  await world.queues[0]?.enqueueMany(Array(1_000).fill({ job: "default_0", payload: {} }));
  const page = await openWorld("#view=overview");
  await expect
    .poll(() => page.locator(".attention li").first().innerText(), patience)
    .toBe("onboard failing since 11:55, 4.9 min ago: 1 dead");
  const line = page.locator(".attention li", { hasText: "held back" });
  expect(await line.innerText()).toBe("held back up to 40 jobs by tenant-12: it is paused Resume");
  await line.getByRole("link", { name: "held back" }).click();
  await page.getByRole("link", { name: "tenant-12" }).click();
  await page.getByText("Searched all 40 jobs.").waitFor();
  expect(await page.locator("tbody tr").first().innerText()).toContain("held back by tenant-12 (paused)");
  expect(await page.locator("tbody tr").count()).toBe(40);
  await page.getByRole("link", { name: "tenant-12" }).first().click();
  await page.getByText("Limits: 1 at once").waitFor();
});

test("what fails now: one error leads to its jobs, several to all failures, and a few deaths among many jobs are no news", async () => {
  const clock = clockByHand(openedAt);
  const perform = ({ error }: { error?: string }) => {
    if (error) throw new PermanentError(error);
  };
  const jobs = ["push", "sync"].map((name) => defineJob({ name, perform }));
  const queue = new Queue({ store: memoryStore(), clock, jobs, logger: null });
  const end = async (count: number, job: string, error?: string) => {
    await queue.enqueueMany(
      Array.from({ length: count }, (_, index) => ({ job, payload: { error, customer: index < 4 ? 5 : 7 } })),
    );
    await queue.drain({ maxJobs: 1_000 });
    clock.now += 60_000;
  };
  await end(6, "push", "bad gateway");
  await end(2, "sync", "no VAT number");
  const page = await open(await serveQueue({ queues: [queue] }));
  const line = page.locator(".attention li");
  const says = async (text: string) => {
    await page.keyboard.press("r");
    await expect.poll(() => line.allInnerTexts(), patience).toEqual(text ? [text] : []);
  };
  await says("push failing since 12:00, 2 min ago: 6 dead");
  await line.getByRole("link").click();
  await page.getByText("6 dead jobs since 12:00, 2 min ago; the newest died 2 min ago.").waitFor();
  await page.locator('[data-key="Who is affected"]', { hasText: "5 (4 of 6), 7 (2 of 6)" }).waitFor();
  await page.getByRole("link", { name: "7", exact: true }).click();
  await page.getByText("2 of them with customer=7.").waitFor();
  await heading(page, "push: PermanentError");
  // It would retry all of the failure.
  expect(await page.getByRole("button", { name: "Retry all..." }).count()).toBe(0);
  await page.getByText("Searched all 6 jobs.").waitFor();
  expect(await page.locator("tbody tr").count()).toBe(2);
  await page.getByRole("link", { name: "See all" }).click();
  await page.locator("tbody tr").nth(5).waitFor();
  for (let i = 0; i < 3; i++) await page.goBack();
  await end(4, "sync", "no such customer");
  await says("push and 1 more failing: 12 died in the last ten minutes");
  await line.getByRole("link").click();
  await page.getByRole("button", { name: "Retry all sync...", exact: true }).first().click();
  await press(page, "Retry 6 jobs");
  await notice(page, "6 jobs retried.");
  await expect.poll(() => page.getByRole("button", { name: /^Retry all/ }).count(), patience).toBe(0);
  await page.goBack();
  clock.now += 11 * 60_000;
  await end(2, "push", "bad gateway");
  await says("push failing since 12:00, 15 min ago: 8 dead");
  await end(500, "push");
  await says("");
});

test("what is dead in all queues together: one list says in which queue, and leads into it", async () => {
  const page = await openWorld();
  await page.getByLabel("Queue", { exact: true }).selectOption("All queues");
  await page.locator("tbody tr").nth(3).waitFor();
  await page.getByRole("link", { name: /^Failures/ }).click();
  await page.locator("tbody tr").nth(60).waitFor();
  expect(await page.locator("header .count.dead").innerText()).toBe("3,012");
  const tags = await page.locator("tbody .job > .count").allInnerTexts();
  expect([...new Set(tags)].sort()).toEqual(["billing", "default", "imports", "media"]);
  const rows = page.locator("tbody tr", { hasText: "media_2" });
  const row = rows.first();
  const before = await rows.count();
  await row.getByRole("button", { name: /^Remove/ }).click();
  await page.getByRole("dialog").getByText("Queue media. This removes 50 jobs for good").waitFor();
  await page.getByRole("button", { name: "Go back" }).click();
  await row.getByRole("button", { name: /^Retry PermanentError/ }).click();
  await page.getByRole("button", { name: "Retry 50 jobs" }).click();
  await page.getByText("50 jobs retried.").waitFor();
  await expect.poll(() => rows.count(), patience).toBe(before - 1);
  expect(await world.queues[2]?.getStats()).toMatchObject({ readyCount: 50, deadLetterCount: 700 });
  await page.getByRole("link", { name: "media_2" }).first().click();
  await heading(page, "media_2: PermanentError");
  expect(await page.getByLabel("Queue", { exact: true }).inputValue()).toBe("media");
});

test("all queues together have jobs, job types, schedules and keys", async () => {
  const page = await openWorld("#view=jobs&scope=all&state=dead");
  await page.getByText("These are the first of each queue.").waitFor();
  await page.getByRole("link", { name: /^Job types/ }).click();
  await page.getByRole("link", { name: "imports_6" }).waitFor();
  await page.getByRole("link", { name: "billing_6" }).waitFor();
  await page.getByRole("link", { name: "Schedules" }).click();
  await page.getByText("billing-sync").waitFor();
  await page.getByText("half-hour").waitFor();
  await page.getByRole("link", { name: "Flow control" }).click();
  await page.getByRole("link", { name: "tenant-12" }).waitFor();
  await page.getByLabel("Queue", { exact: true }).selectOption("billing");
  await page.getByText("No keys are in use").waitFor();
});

test("which step failed: the job shows its steps as bars", async () => {
  const page = await openWorld("#view=job&id=onboard-7");
  const steps = page.locator('[data-key="Steps"] li');
  await steps.nth(1).waitFor();
  expect(await steps.first().innerText()).toMatch(/charge card\s+failed after 2\.3 s[\s\S]*The card was declined\./);
  const [last, first] = await steps
    .locator("rect")
    .evaluateAll((all) => all.map((bar) => [bar.getAttribute("class"), Number(bar.getAttribute("x"))] as const));
  expect(first).toEqual(["completed", 0]);
  expect(last).toEqual(["dead", expect.any(Number)]);
  expect(last?.[1]).toBeGreaterThan(100);
});

test("which job took longest, and how far one is: lists have durations to sort by, and progress", async () => {
  const page = await openWorld("#view=jobs&state=completed&queue=media");
  await page.getByRole("button", { name: "Sort by Duration" }).click();
  await expect.poll(() => page.locator("tbody tr td:nth-child(3)").first().textContent(), patience).toBe("45 s");
  await page.goto(page.url().replace(/#.*/, "#view=jobs&state=scheduled"));
  await page.locator("tbody tr progress").waitFor();
  expect(await page.locator("tbody tr").innerText()).toContain("40%");
});

test("what runs next: the next hour has scheduled jobs and occurrences on one axis, and names them", async () => {
  await world.queues[0]?.enqueue("clean_up", {}, { delay: "30m" });
  const page = await openWorld("#view=overview&queue=billing");
  await page.getByRole("link", { name: "Next hour" }).click();
  await page.getByText("2 scheduled jobs").waitFor();
  await page.locator(".legend", { hasText: "1 occurrence" }).waitFor();
  const rows = page.locator(".card.table tbody tr");
  expect(await rows.locator("code").allTextContents()).toEqual(["billing-sync", "the-next", expect.any(String)]);
  expect(await rows.nth(1).innerText()).toMatch(/^billing_0 the-next 1 job\tin 4 min 12:04$/);
  await page.getByRole("button", { name: "Live: on" }).click();
  await page.clock.fastForward(5 * 60_000);
  await expect.poll(() => rows.nth(1).innerText(), patience).toContain("overdue 60 s");
  await world.queues[0]?.schedules.upsert("ping", { job: "clean_up", cron: "* * * * *" });
  await page.getByLabel("Queue", { exact: true }).selectOption("All queues");
  await page.locator(".legend", { hasText: "65 occurrences" }).waitFor();
  expect(await rows.filter({ hasText: "ping" }).innerText()).toContain("59 occurrences");
  const times = await rows.locator("td.figure small").allTextContents();
  expect(times).toEqual([...times].sort());
  await rows.filter({ hasText: "the-next" }).getByRole("link").click();
  await expect.poll(() => page.locator("h1").textContent(), patience).toContain("billing_0");
  await world.queues[0]?.enqueueMany(Array(20).fill({ job: "clean_up", payload: {}, delay: "40m" }));
  await page.goBack();
  await rows.filter({ hasText: "21 jobs" }).getByRole("link").click();
  await heading(page, "Jobs");
  expect(page.url()).toMatch(/#(?=.*queue=default)(?=.*state=scheduled)(?=.*search=clean_up)(?=.*by=name)/);
});

test("which job type is slowest: the list sorts by duration, and its page has days, failures and slow jobs", async () => {
  const page = await openWorld("#view=names&scope=all");
  await expect.poll(() => page.locator("tbody tr a").first().textContent(), patience).toBe("billing_0");
  const byDuration = page.getByRole("button", { name: "Sort by Duration p50 / p95" });
  await byDuration.click();
  await expect.poll(() => page.locator("tbody tr a").first().textContent(), patience).toBe("media_3");
  await page.locator("tbody tr a").first().click();
  await page.locator('[data-key="Throughput"]').waitFor();
  await page.locator(".ranges a[aria-current]", { hasText: "today" }).waitFor();
  await page.getByLabel("Queue", { exact: true }).selectOption("All queues");
  await heading(page, "Job types");
  await page.locator(".ranges a[aria-current]", { hasText: "today" }).waitFor();
  await page.goBack();
  expect(await page.locator('[data-key="Throughput"]').innerText()).toContain("5 processed");
  await page.locator('[data-key="slowest"] tbody tr').first().filter({ hasText: "45 s" }).waitFor();
  expect(await page.locator('[data-key="failing"] tbody tr').count()).toBe(2);
  await press(page, "Retry all dead...");
  await page
    .getByRole("dialog", { name: /^Retry [\d,]+ jobs\?$/ })
    .getByText("media_3")
    .waitFor();
  await press(page, "Go back");
  await page.getByRole("link", { name: "Its jobs" }).click();
  await expect.poll(() => page.locator("h1").textContent(), patience).toBe("Jobs");
});

test("what is new among the failures, and what is over", async () => {
  const page = await openWorld("#view=failures&scope=all");
  await page.locator("tbody tr").nth(60).waitFor();
  const marked = (text: string) => page.locator("tbody tr", { has: page.locator(".badge", { hasText: text }) });
  expect(await marked("new").locator(".error").allInnerTexts()).toEqual([
    'StepError The step "…" has failed. PermanentError: The card was declined.',
    "PermanentError the o service refused it",
  ]);
  expect(await marked("over").count()).toBeGreaterThan(10);
  const heights = await page
    .locator(".spark rect")
    .evaluateAll((bars) => [...new Set(bars.map((bar) => bar.getAttribute("height")))]);
  expect(heights).toContain("20.0");
  expect(heights).toContain("10.0");
});
