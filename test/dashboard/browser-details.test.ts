import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { heading, notice, patience, press, search, useDashboard } from "./browser-page.ts";
import { openedAt, serveQueue } from "./served-queue.ts";

// What a reader should not have to guess.

const { open, openFilled } = useDashboard();

describe("the overview", () => {
  test("says how many jobs come in and go out, colours the ready ones while they grow, and says when there are none", async () => {
    const on = await serveQueue();
    const minute = async (enqueued: number, drained: number) => {
      const mail = { job: "send_email", payload: { to: "ada@example.com" } };
      if (enqueued > 0) await on.queue.enqueueMany(Array.from({ length: enqueued }, () => mail));
      await on.queue.drain({ maxJobs: drained });
      on.clock.now += 60_000;
    };
    await minute(240, 80);
    const page = await open(on);
    const ready = page.locator(".states a", { hasText: "ready" });
    await expect
      .poll(() => ready.innerText(), patience)
      .toMatch(/grows by 160 a minute \(in 240, out 80 on average\); oldest 60 s/);
    expect(await ready.locator("b").getAttribute("class")).toBe("retried error");
    expect(await page.locator(".attention li").innerText()).toBe("grows by 160 a minute");
    for (let i = 0; i < 5; i++) await minute(0, 1);
    await page.getByText("No figures of yesterday").waitFor();
    await page.keyboard.press("r");
    await expect.poll(() => ready.innerText(), patience).toMatch(/empty in 2.6 h \(shrinks by 1 a minute\)/);
    expect(await ready.locator("b").getAttribute("class")).toBe(null);
  });

  test("says that flow control holds ready jobs back, all of them or some", async () => {
    const on = await serveQueue();
    await on.queue.flowControl.pause("tenant-7");
    await on.queue.enqueue("fails", null, { flowControl: { key: "tenant-7" } });
    const page = await open(on);
    await page.locator(".states a", { hasText: "ready1in 0, out 0 a minute on average; held back" }).waitFor();
    await on.queue.enqueue("fails", null);
    await page.keyboard.press("r");
    await page
      .locator(".states a", { hasText: "ready2in 0, out 0 a minute on average; oldest not held back 0 ms" })
      .waitFor();
  });

  test("says whether a job or only a schedule can be next", async () => {
    const on = await serveQueue();
    await on.queue.drain();
    const page = await open(on);
    await page.locator(".states a", { hasText: "scheduled0next schedule in" }).waitFor();
    await on.queue.enqueue("fails", null, { delay: "1h" });
    await page.keyboard.press("r");
    await page.locator(".states a", { hasText: "scheduled1next job or schedule in" }).waitFor();
  });
});

describe("the page of a job", () => {
  test("names its id, and leads to its job type and to the failures like it", async () => {
    const { page } = await openFilled("#view=job&id=order-7");
    await heading(page, "fails order-7 dead");
    expect(await page.locator("header [aria-current]").innerText()).toContain("Failures");
    await page.locator("dd").getByRole("link", { name: "fails", exact: true }).click();
    await page.getByRole("heading", { name: "Throughput" }).waitFor();
    await page.goBack();
    await page.getByRole("link", { name: "see them" }).click();
    await heading(page, "fails: Error");
    await page.getByText("2 dead jobs since").waitFor();
    expect(await page.locator("td.job code").count()).toBe(2);
  });

  test("says why a job waits: because of a snooze, or for another attempt", async () => {
    const on = await serveQueue();
    const imports = defineJob({
      name: "import",
      async perform(_: undefined, job) {
        await job.progress(0.4);
        return job.snooze("2h");
      },
    });
    const flaky = defineJob({ name: "flaky", perform: () => Promise.reject(new Error("no luck")) });
    const queue = new Queue({ store: on.store, jobs: [imports, flaky], clock: on.clock, logger: null });
    await queue.enqueue(imports, undefined, { id: "snoozed" });
    await queue.enqueue(flaky, undefined, { id: "failed-once" });
    await queue.drain();
    await queue.enqueue(flaky, undefined, { id: "later", delay: "1h" });
    const page = await open(on, "#view=job&id=snoozed");
    const first = page.locator(".timeline li").first();
    await first.filter({ hasText: "Snoozed by its handler until" }).waitFor();
    await page.goto(`${on.url}/dashboard#view=job&id=failed-once`);
    await first.filter({ hasText: "Next attempt" }).waitFor();
    await page.goto(`${on.url}/dashboard#view=job&id=later`);
    await first.filter({ hasText: /^Runs/ }).waitFor();
  });

  test("says on the button that it has copied, and else why it could not", async () => {
    const on = await serveQueue();
    await on.queue.enqueue("fails", null, { id: "here" });
    const page = await open(on, "#view=job&id=here");
    await page.evaluate(() =>
      Object.defineProperty(navigator, "clipboard", {
        value: { writeText: () => Promise.reject(new DOMException("denied", "NotAllowedError")) },
        configurable: true,
      }),
    );
    await press(page, "Copy the id");
    await notice(page, "The browser has refused to copy");
    await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true }));
    await press(page, "Copy the id");
    await notice(page, "Copying needs https, or localhost.");
    await page.evaluate(() =>
      Object.defineProperty(navigator, "clipboard", { value: { writeText: async () => {} }, configurable: true }),
    );
    await press(page, "Copy the id");
    await page.getByRole("button", { name: "Copied" }).waitFor();
    await page.clock.runFor(2_000);
    await page.getByRole("button", { name: "Copy the id" }).waitFor();
  });
});

test("the page of a group of failures says what failed and how often, and retries or removes all of it", async () => {
  const { page, on } = await openFilled("#view=failures");
  await page.locator("tbody tr a").first().click();
  await heading(page, "fails: Error");
  await page.getByText("no luck", { exact: true }).waitFor();
  await page.getByText("2 dead jobs since 12:00, now; the newest died now.").waitFor();
  await page.locator('[data-key="Who is affected"]', { hasText: /[78] \(1 of 2\), [78] \(1 of 2\)/ }).waitFor();
  await expect.poll(() => page.title(), patience).toBe("(2) fails: Error – Tidegate");
  expect(await page.locator("header [aria-current]").innerText()).toContain("Failures");
  await page.locator("td.job a").first().click();
  await heading(page, "fails order-");
  expect(await page.locator("header [aria-current]").innerText()).toContain("Failures");
  await page.goBack();
  await press(page, "Remove all...");
  expect(await page.locator(".subject").innerText()).toBe("fails Error: no luck");
  await page.getByText("This removes 2 jobs for good").waitFor();
  await press(page, "Go back");
  await press(page, "Retry all...");
  await press(page, "Retry 2 jobs");
  await notice(page, "2 jobs retried.");
  expect(await on.queue.getStats()).toMatchObject({ deadLetterCount: 0 });
  await heading(page, "One group of failures");
});

describe("a list", () => {
  test("offers boxes only for jobs with which there is something to do", async () => {
    const { page } = await openFilled("#view=jobs");
    await page.getByLabel("Select mail-2").waitFor();
    expect(await page.getByLabel("Select mail-1").count()).toBe(0);
    await page.getByLabel("Select all on this page").check();
    await page.getByText("4 selected.").waitFor();
  });

  test("says for how long jobs run, the longest first, and turns round at the first click", async () => {
    const store = memoryStore();
    const clock = { now: 0 };
    const slow = defineJob({ name: "slow", timeout: "1h", perform() {} });
    const quick = defineJob({ name: "quick", timeout: "10m", perform() {} });
    const queue = new Queue({ store, jobs: [slow, quick], clock: () => clock.now, logger: null });
    for (const [job, since] of [
      [slow, 5],
      [quick, 4],
      [slow, 3],
    ] as const) {
      clock.now = openedAt - since * 60_000;
      await internalsOf(queue).enqueueHeld([{ job }]);
    }
    clock.now = openedAt;
    const page = await open(await serveQueue({ queues: [queue] }), "#view=jobs&state=running");
    const durations = () => page.locator("tbody td:last-child").allInnerTexts();
    const longestFirst = ["5 min so far", "4 min so far", "3 min so far"];
    await expect.poll(durations, patience).toEqual(longestFirst);
    await press(page, "Sort by Duration");
    await expect.poll(durations, patience).toEqual([...longestFirst].reverse());
  });

  test("says of a job whose type is paused since when it is due, not when a drain looks at it again", async () => {
    const { page, on } = await openFilled("#view=jobs&state=scheduled");
    const row = (id: string) => page.locator("tbody tr", { hasText: id });
    await row("mail-3").getByText("in 60 min").waitFor();
    await on.queue.pauseJobs("send_email");
    await on.queue.enqueue("send_email", { to: "ada" }, { id: "held" });
    await on.queue.drain();
    await press(page, "Refresh now");
    await row("held").getByText("waits until its type is resumed").waitFor();
    expect(await row("held").innerText()).toMatch(/\tnow$/);
    await row("mail-3").getByText("waits until its type is resumed").waitFor();
    expect(await row("mail-3").innerText()).toContain("in 60 min");
    await row("held").getByRole("link").click();
    await page.getByText("Waits for its job type to be resumed.").waitFor();
    await page.locator(".timeline li", { hasText: "Due" }).waitFor();
  });

  test("shows no payload of a job that has none", async () => {
    const on = await serveQueue();
    await on.queue.enqueue("fails", null, { id: "empty" });
    const page = await open(on, "#view=jobs&state=ready");
    await page.getByRole("link", { name: "fails" }).waitFor();
    expect(await page.locator("td.job").innerText()).not.toContain("null");
  });

  test("keeps the focus in its search field, which shows what the URL searches for", async () => {
    const { page } = await openFilled("#view=jobs");
    await search(page).fill("ada");
    await page.keyboard.press("Enter");
    await page.getByText(/^Searched all/).waitFor();
    expect(await search(page).evaluate((field) => field === document.activeElement)).toBe(true);
    await page.goBack();
    await expect.poll(() => search(page).inputValue(), patience).toBe("");
    await page.goForward();
    await expect.poll(() => search(page).inputValue(), patience).toBe("ada");
  });

  test("of job types has wait and duration on a tablet, and in words on a phone", async () => {
    const { page } = await openFilled("#view=names", { viewport: { width: 768, height: 900 } });
    await page.getByRole("button", { name: "Sort by Wait p50 / p95" }).waitFor();
    await page.getByRole("button", { name: "Sort by Duration p50 / p95" }).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(768);
    const inWords = page.getByText(/^Duration \d+ m?s \/ \d+ m?s$/).first();
    expect(await inWords.isVisible()).toBe(false);
    await page.setViewportSize({ width: 390, height: 844 });
    await inWords.waitFor();
  });
});

test("a schedule keeps its key and its empty payload when it is changed", async () => {
  const on = await serveQueue();
  await on.queue.schedules.upsert("sync", { job: "fails", every: "30m" });
  const page = await open(on, "#view=schedules");
  await page.getByText("Every 30 minutes").waitFor();
  await press(page, "Change sync");
  const dialog = page.getByRole("dialog");
  expect(await dialog.getByLabel("Payload, as JSON").inputValue()).toBe("null");
  expect(await dialog.getByLabel("Key").count()).toBe(0);
  await dialog.getByLabel("Cron expression or interval").fill("45m");
  await dialog.getByText("Every 45 minutes").waitFor();
  await press(page, "Change");
  await notice(page, "Schedule sync changed.");
  expect(await on.queue.schedules.get("sync")).toMatchObject({ every: "45m", payload: null });
});

test("g and a letter show another view, and other keys keep their meaning", async () => {
  const { page } = await openFilled();
  for (const [key, name] of [
    ["f", "Failures"],
    ["s", "Schedules"],
    ["j", "Jobs"],
    ["t", "Job types"],
    ["c", "Flow control"],
    ["o", "Overview"],
  ] as const) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await heading(page, name);
  }
  await page.keyboard.press("s");
  expect(await page.locator("h1").innerText()).toBe("Overview");
});

test("the tab names the view, the queue and how many jobs are dead", async () => {
  const shop = new Queue({ name: "shop", store: memoryStore(), clock: () => openedAt });
  const media = new Queue({
    name: "media",
    store: memoryStore(),
    clock: () => openedAt,
    logger: null,
    jobs: [defineJob({ name: "gone", maxRetries: 0, perform: () => Promise.reject(new Error("no luck")) })],
  });
  await media.enqueue("gone", null);
  await media.drain();
  const page = await open(await serveQueue({ queues: [shop, media] }), "#view=failures&queue=media");
  await expect.poll(() => page.title(), patience).toBe("(1) Failures · media – Tidegate");
  await page.getByLabel("Queue", { exact: true }).selectOption("shop");
  await expect.poll(() => page.title(), patience).toBe("Failures · shop – Tidegate");
});

test("who is affected says how many jobs have other values than the most frequent", async () => {
  const { page, on } = await openFilled("#view=failures");
  for (const order of [1, 1, 2, 3, 4, 5]) await on.queue.enqueue("fails", { order });
  await on.queue.drain();
  await page.locator("tbody tr a").first().click();
  await page.locator('[data-key="Who is affected"]', { hasText: /1 \(2 of 8\),.* \(1 of 8\), and 2 more$/ }).waitFor();
  // A value leads to the jobs of this failure that have it, as they were counted.
  await on.queue.enqueue("fails", { order: 1 }, { delay: "1h" });
  await page.getByRole("link", { name: "1", exact: true }).click();
  await page.getByText("2 of them with order=1.").waitFor();
  await heading(page, "fails: Error");
  await expect.poll(() => page.locator("tbody tr").count(), patience).toBe(2);
});

test("a wrong address shows a page of its own, which leads to the overview", async () => {
  const { page } = await openFilled();
  await page.evaluate(() => {
    location.hash = "#view=nothing";
  });
  await heading(page, "This view does not exist");
  expect(await page.locator("main").innerText()).not.toContain("must be");
  await page.evaluate(() => {
    location.hash = "#queue=gone";
  });
  await heading(page, "There is no queue gone");
  await page.getByRole("link", { name: "See the overview" }).click();
  await heading(page, "Overview");
  await page.locator(".states").waitFor();
});
