import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { heading, holdCalls, notice, patience, press, search, useDashboard, visit } from "./browser-page.ts";
import { openedAt, serveQueue } from "./served-queue.ts";

// What an operator does to jobs and schedules from the page.

const { open, openFilled } = useDashboard();

describe("a job", () => {
  test("is enqueued from the page, and a wrong payload is refused with the reason", async () => {
    const { page, on } = await openFilled();
    await press(page, "Enqueue...");
    const dialog = page.getByRole("dialog");
    expect(await dialog.getByLabel("Job type").inputValue()).toBe("send_email");
    await dialog.getByLabel("Payload, as JSON").fill('{"to": 7}');
    await dialog.getByLabel("When (empty: at once)").fill("15m");
    await press(page, "Enqueue");
    await page.getByRole("alert").filter({ hasText: "send_email" }).waitFor();
    await dialog.getByLabel("Payload, as JSON").fill('{"to": "barbara@example.com"}');
    await dialog.getByLabel("Id (empty: a new one)").fill("mail-9");
    await press(page, "Enqueue");
    await heading(page, "send_email");
    await notice(page, "1 job enqueued.");
    const { clock, queue } = on;
    expect(await queue.getJob("mail-9")).toMatchObject({
      payload: { to: "barbara@example.com" },
      runAt: new Date(clock.now + 15 * 60_000),
    });
  });

  test("that has ended is run again, as another job", async () => {
    const { page, on } = await openFilled("#view=job&id=mail-1");
    await press(page, "Run again...");
    await press(page, "Enqueue");
    await notice(page, "1 job enqueued.");
    const { jobs } = await on.queue.listJobs({ state: "ready" });
    expect(jobs.map(({ id, payload }) => [id === "mail-1", payload])).toContainEqual([
      false,
      { to: "ada@example.com" },
    ]);
  });

  test("with a payload too large for the page is run again with all of it", async () => {
    const { page, on } = await openFilled();
    const payload = { to: "ada@example.com", text: "x".repeat(100_000) };
    await on.queue.enqueue("send_email", payload, { id: "large" });
    await on.queue.drain();
    await page.goto(`${on.url}/dashboard#view=job&id=large`);
    await press(page, "Run again...");
    await press(page, "Enqueue");
    await notice(page, "1 job enqueued.");
    const { jobs } = await on.queue.listJobs({ state: "ready" });
    expect(jobs.map((job) => job.payload)).toContainEqual(payload);
  });

  test("that waits is rescheduled", async () => {
    const { page, on } = await openFilled("#view=job&id=mail-3");
    await press(page, "Reschedule...");
    await page.getByRole("dialog").getByLabel("When").fill("2026-05-01T09:00:00Z");
    await press(page, "Reschedule 1 job");
    await notice(page, "1 job rescheduled.");
    expect((await on.queue.getJob("mail-3"))?.runAt).toEqual(new Date("2026-05-01T09:00:00Z"));
  });
});

test.each([
  ["mail-3", "Cancel...", "Cancel the job", "1 job cancelled."],
  ["order-7", "Remove...", "Remove 1 job", "1 job removed."],
  ["running", "Stop...", "Stop the job", "The job is stopped."],
])("a job is removed from its own page with two clicks and one request: %s", async (id, asks, confirms, outcome) => {
  const { page, on } = await openFilled();
  await internalsOf(on.queue).enqueueHeld([{ job: "fails", payload: null, id: "running" }]);
  await page.goto(`${on.url}/dashboard#view=job&id=${id}`);
  await heading(page, id);
  const requests: string[] = [];
  page.on("request", (request) => requests.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await press(page, asks);
  expect(await page.locator(".subject code").innerText()).toBe(id);
  expect(requests).toEqual([]);
  await press(page, confirms);
  await page.getByRole("heading", { name: outcome }).waitFor();
  expect(requests).toHaveLength(1);
  expect(await on.queue.getJob(id)).toBe(null);
  // The counts of the page follow with the next poll.
  await page.clock.runFor(3_100);
  await expect.poll(() => requests.slice(1), patience).toEqual(["GET /dashboard/data"]);
  await page.getByText("No job has this id now.").waitFor();
});

test("a dead job that somebody else has retried meanwhile is not removed, and the dialog says so", async () => {
  const { page, on } = await openFilled("#view=job&id=order-7");
  await press(page, "Remove...");
  await on.queue.retryFromDeadLetter("order-7");
  await press(page, "Remove 1 job");
  await page.getByRole("alert").filter({ hasText: "None of these jobs is dead any more." }).waitFor();
  expect(await on.queue.getJob("order-7")).toMatchObject({ state: "ready" });
});

test("a running job is shown live, with its progress and log lines, and is stopped", async () => {
  let go = () => {};
  let stopped: unknown;
  const clock = { now: openedAt };
  const imports = defineJob({
    name: "import",
    timeout: "5m",
    async perform(_: undefined, job) {
      for (const done of [1, 3, 9, 4]) {
        job.log(`Read ${done} files.`, { done });
        await job.progress({ done, of: 4 }).catch(() => {});
        await new Promise<void>((resolve) => {
          go = resolve;
        });
      }
      stopped = job.signal.reason;
    },
  });
  const queue = new Queue({ store: memoryStore(), jobs: [imports], clock: () => clock.now, logger: null });
  const { id } = await queue.enqueue(imports);
  const drained = queue.drain();
  await expect.poll(async () => (await queue.getJob(id))?.progress, patience).toEqual({ done: 1, of: 4 });
  const page = await open(await serveQueue({ queues: [queue] }), `#view=job&id=${id}`);
  const bar = page.getByRole("progressbar", { name: "Progress" });
  await expect.poll(() => bar.getAttribute("value"), patience).toBe("0.25");
  await page.getByText("Attempt 1 is running").waitFor();
  await page.locator(".log", { hasText: "Read 1 files." }).waitFor();
  expect(await page.locator("dl").innerText()).toMatch(/Timeout\s+5 min\s+If its process dies\s+noticed in 5\.\d min/);
  go();
  await expect.poll(async () => (await queue.getJob(id))?.progress, patience).toEqual({ done: 3, of: 4 });
  await page.clock.runFor(3_100);
  await expect.poll(() => bar.getAttribute("value"), patience).toBe("0.75");
  go();
  await expect.poll(async () => (await queue.getJob(id))?.progress, patience).toEqual({ done: 9, of: 4 });
  await page.clock.runFor(3_100);
  await expect.poll(() => bar.getAttribute("value"), patience).toBe("1");
  await page.getByText("100%").waitFor();
  await press(page, "Stop...");
  expect(await page.locator(".subject").innerText()).toBe(`import ${id}`);
  await press(page, "Stop the job");
  await notice(page, "The job is stopped.");
  await page.getByRole("heading", { name: "The job is stopped." }).waitFor();
  const stoppedBy = () => {
    go();
    return stopped;
  };
  await expect.poll(stoppedBy, patience).toMatchObject({ name: "JobCancelledError" });
  await drained;
});

test("several waiting jobs are moved and cancelled together", async () => {
  const { page, on } = await openFilled("#view=jobs&state=scheduled");
  const ids = Array.from({ length: 12 }, (_, index) => `later-${index}`);
  await on.queue.enqueueMany(ids.map((id) => ({ job: "fails", payload: null, id, delay: "2h" as const })));
  await press(page, "Refresh now");
  await page.getByLabel("Select later-11").waitFor();
  await page.getByLabel("Select all on this page").check();
  await page.getByLabel("Select mail-3").uncheck();
  await press(page, "Run now...");
  expect(await page.locator(".subject").innerText()).toBe("fails (12)");
  await press(page, "Run 12 jobs now");
  await notice(page, "12 jobs due now.");
  expect(await on.queue.getStats()).toMatchObject({ readyCount: 13, scheduledCount: 1 });
  await page.getByRole("link", { name: /^ready/ }).click();
  await page.getByLabel("Select later-0", { exact: true }).check();
  await page.getByLabel("Select later-1", { exact: true }).check();
  // It ends meanwhile: the other one is cancelled all the same.
  await on.queue.cancel("later-1");
  await press(page, "Cancel...");
  await press(page, "Cancel 2 jobs");
  await notice(page, "1 job cancelled. 1 had started or ended meanwhile.");
  expect(await on.queue.getJob("later-0")).toBeNull();
});

test("all waiting jobs of a state or a name are counted, and then moved and cancelled", async () => {
  const on = await serveQueue();
  const { queue } = on;
  const many = (job: string, count: number) =>
    Array.from({ length: count }, (_, order) => ({ job, payload: { to: `${order}` }, delay: "1h" as const }));
  // The page shows all of the first 1,000 jobs that match, and the search must not go on.
  await queue.enqueueMany([...many("send_email", 40), ...many("fails", 960)]);
  await queue.enqueueMany([...many("send_email", 60), ...many("fails", 440)]);
  const page = await open(on, "#view=overview");
  await page.route(/only=contents/, (route) => route.abort());
  await page.goto(`${on.url}/dashboard#view=jobs&state=scheduled&search=send_email&by=name`);
  const subject = page.locator(".subject");
  const selectAll = async (text: string) => {
    await page.getByLabel("Select all on this page").check();
    await press(page, text);
  };
  await selectAll("Select all named send_email");
  await press(page, "Run now...");
  await page.getByText("This includes jobs enqueued meanwhile.").waitFor();
  expect(await subject.textContent()).toBe("All scheduled jobs named send_email in the queue default");
  expect(await queue.getStats()).toMatchObject({ readyCount: 0, scheduledCount: 1_500 });
  await press(page, "Run 100 jobs now");
  await notice(page, "100 jobs due now.");
  expect(await queue.getStats()).toMatchObject({ readyCount: 100, scheduledCount: 1_400 });
  await visit(page, "#view=jobs&state=scheduled");
  await selectAll("Select all 1,400");
  await press(page, "Cancel...");
  await press(page, "Cancel 1,400 jobs");
  await notice(page, "1,400 jobs cancelled.");
  expect(await queue.getStats()).toMatchObject({ readyCount: 100, scheduledCount: 0 });
});

test("a job type is paused, and the jobs that wait of it are cancelled, each alone or both together", async () => {
  const { page, on } = await openFilled("#view=type&id=send_email");
  await press(page, "Cancel waiting...");
  await page.getByRole("dialog").getByText("2 jobs will not run").waitFor();
  await press(page, "Cancel the jobs");
  await notice(page, "2 jobs cancelled.");
  expect(await on.queue.getStats()).toMatchObject({ pausedJobs: [], pendingCount: 0, deadLetterCount: 2 });
  await press(page, "Pause send_email");
  await page.getByLabel("Reason").fill("SMTP is down");
  await press(page, "Pause");
  await notice(page, "send_email is paused.");
  expect(await on.queue.getStats()).toMatchObject({ pausedJobs: [{ name: "send_email", reason: "SMTP is down" }] });
  await on.queue.resumeJobs("send_email");
  await on.queue.enqueue("send_email", { to: "ada@example.com" }, { delay: "1h" });
  await press(page, "Refresh now");
  await press(page, "Pause send_email");
  await page.getByRole("dialog").getByRole("combobox").selectOption("Cancel them");
  await press(page, "Pause");
  await press(page, "Cancel the jobs");
  await notice(page, "1 job cancelled.");
  expect(await on.queue.getStats()).toMatchObject({
    pausedJobs: [{ name: "send_email", reason: null }],
    pendingCount: 0,
  });
});

test("what waits of a job type is cancelled with its pause from a failure's row, where nobody has counted it", async () => {
  const { page, on } = await openFilled("#view=failures");
  await on.queue.enqueue("fails", null, { delay: "1h" });
  await press(page, "Pause type fails");
  await page.getByRole("dialog").getByRole("combobox").selectOption("Cancel them");
  await press(page, "Pause");
  await press(page, "Cancel the jobs");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  const { jobs } = await on.queue.listJobs({ state: "scheduled", name: "fails" });
  expect([jobs, (await on.queue.getStats()).pausedJobs]).toMatchObject([[], [{ name: "fails" }]]);
});

test("closing the dialog of a bulk action stops it after the call under way", async () => {
  const on = await serveQueue();
  const { queue } = on;
  const many = Array.from({ length: 1_000 }, () => ({ job: "fails", payload: null, delay: "1h" as const }));
  for (let thousand = 0; thousand < 5; thousand++) await queue.enqueueMany(many);
  const page = await open(on, "#view=jobs&state=scheduled");
  const nextCall = await holdCalls(page, "**/jobs/cancel", (request) => {
    const { cursor, dryRun } = request.postDataJSON();
    return cursor && !dryRun;
  });
  const closings = [
    { close: () => page.keyboard.press("Escape"), of: "5,000", left: 3_000 },
    { close: () => press(page, "Stop"), of: "3,000", left: 1_000 },
  ];
  for (const { close, of, left } of closings) {
    await page.getByLabel("Select all on this page").check();
    await press(page, `Select all ${of}`);
    await press(page, "Cancel...");
    await press(page, `Cancel ${of} jobs`);
    await page.getByRole("dialog").getByText("1,000 done so far.").waitFor();
    const release = await nextCall();
    await close();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    release();
    await notice(page, "2,000 jobs cancelled, then stopped. The others are unchanged.");
    await page.getByText("Select some to act on them.").waitFor();
    expect(await queue.getStats()).toMatchObject({ scheduledCount: left });
    await page.locator(".tabs .count", { hasText: left.toLocaleString("en") }).waitFor();
  }
});

test("a schedule is created at an interval, changed to a cron expression and removed, each rule with a preview", async () => {
  const on = await serveQueue();
  const page = await open(on, "#view=schedules");
  await page.getByRole("heading", { name: "No schedules" }).waitFor();
  await press(page, "Create...");
  const dialog = page.getByRole("dialog");
  const rule = dialog.getByLabel("Cron expression or interval");
  await dialog.getByLabel("Key").fill("sync");
  await dialog.getByLabel("Job").fill("fails");
  await rule.fill("90s");
  await dialog.locator("li").first().waitFor();
  await press(page, "Create");
  await notice(page, "Schedule sync created.");
  await page.getByText("Every 90 seconds").waitFor();
  expect(await on.queue.schedules.get("sync")).toMatchObject({ name: "fails", every: "90s", cron: null });
  await press(page, "Change sync");
  expect(await dialog.locator(".subject").innerText()).toBe("sync");
  expect(await rule.inputValue()).toBe("90s");
  await rule.fill("0 9 1 1");
  await dialog.getByText("expected 5 fields").waitFor();
  await rule.fill("0 9 1 1 *");
  await dialog.getByText("Every year on 1 January at 09:00").waitFor();
  expect(await dialog.locator("li").first().textContent()).toBe("1 Jan 2027, 09:00:00");
  await dialog.getByLabel("Time zone").fill("Europe/Paris");
  await press(page, "Change");
  await notice(page, "Schedule sync changed.");
  expect(await on.queue.schedules.get("sync")).toMatchObject({
    every: null,
    cron: "0 9 1 1 *",
    timeZone: "Europe/Paris",
  });
  await press(page, "Remove sync");
  await press(page, "Remove the schedule");
  await notice(page, "Schedule sync removed.");
  expect(await on.queue.schedules.list()).toEqual([]);
});

describe("a search", () => {
  test("finds parts of names and ids, errors, and fields of payloads, and says how much it has searched", async () => {
    const { page } = await openFilled("#view=jobs");
    const find = async (text: string, by: string, ids: readonly string[]) => {
      await page.getByLabel("Search in").selectOption(by);
      await search(page).fill(text);
      await press(page, "Search");
      const found = async () => (await page.locator("td.job code").allTextContents()).sort();
      await expect.poll(found, patience).toEqual(ids);
      await page.getByText("Searched all 5 jobs.").waitFor();
    };
    await find("MAIL", "", ["mail-1", "mail-2", "mail-3"]);
    await find("no luck", "error", ["order-7", "order-8"]);
    const tabs = page.getByRole("navigation", { name: "States" });
    expect((await tabs.innerText()).split(/\s+/).join(" ")).toBe("all scheduled0 ready0 running0 completed0 dead2");
    await find("order=8", "payload", ["order-8"]);
    await find("grace", "payload", ["mail-2"]);
    await page.getByLabel("Search in").selectOption("name");
    await press(page, "Search");
    await page.getByRole("heading", { name: "No matches" }).waitFor();
  });

  test("goes to its end by itself, in all queues, while they hold few jobs", async () => {
    const clock = { now: openedAt };
    const [one, two] = ["one", "two"].map(
      (name) => new Queue({ name, store: memoryStore(), clock: () => clock.now, logger: null }),
    ) as [Queue, Queue];
    await one.enqueueMany(Array.from({ length: 2_300 }, (_, order) => ({ job: "fails", payload: { order } })));
    await two.enqueueMany(Array.from({ length: 1_200 }, (_, order) => ({ job: "fails", payload: { order } })));
    await two.enqueue("needle", null, { delay: "1h" });
    const page = await open(await serveQueue({ queues: [one, two] }), "#view=jobs&scope=all&search=needle&by=name");
    await page.getByText("Searched all 3,501 jobs.").waitFor();
    await page.locator("tbody tr", { hasText: "two needle" }).waitFor();
    await page.goto(page.url().replace(/#.*/, "#view=jobs&search=send_email&by=name"));
    await page.getByText("Searched all 2,300 jobs.").waitFor();
  });

  test("that a failed read stops says why, and goes on when asked", async () => {
    const on = await serveQueue();
    await on.queue.enqueueMany(Array.from({ length: 1_200 }, (_, order) => ({ job: "fails", payload: { order } })));
    const page = await open(on, "#view=jobs");
    await page.route(/cursor=/, (route) => route.fulfill({ status: 503, json: { detail: "Redis is away." } }));
    await search(page).fill("nowhere");
    await press(page, "Search");
    await page.getByRole("alert").getByText("Reads fail: Redis is away.").waitFor();
    await page.unrouteAll();
    await page.getByRole("button", { name: /^Search them/ }).click();
    await page.getByText("Searched all 1,200 jobs.").waitFor();
    expect(await page.getByText("Reads fail").count()).toBe(0);
  });
});

describe("the keys", () => {
  test("search, move through rows, select and open them, and are shown", async () => {
    const { page } = await openFilled("#view=jobs&state=dead");
    const focused = () => page.evaluate(() => document.activeElement?.closest("tr")?.dataset["key"]);
    await page.getByLabel("Select order-7").waitFor();
    await page.keyboard.press("j");
    const first = await focused();
    await page.keyboard.press("j");
    expect(await focused()).not.toBe(first);
    await page.keyboard.press("k");
    expect(await focused()).toBe(first);
    await page.keyboard.press("x");
    await page.getByText("1 selected.").waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("/");
    await page.keyboard.type("j?");
    expect(await search(page).inputValue()).toBe("j?");
    await page.keyboard.press("Tab");
    await page.getByLabel("Select order-7").focus();
    await page.keyboard.press("k");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await heading(page, "fails");
  });
});

test("the look is chosen, and remembered", async () => {
  const { page } = await openFilled("#view=jobs&state=dead");
  await press(page, "Theme: system");
  await press(page, "Theme: light");
  await page.reload();
  await page.getByRole("button", { name: "Theme: dark" }).waitFor();
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe("rgb(10, 15, 14)");
});

test("rows are sorted by their headers without another request", async () => {
  const { page, on } = await openFilled("#view=jobs");
  await page.locator("td.job code").first().waitFor();
  const { polls } = on;
  const names = () => page.locator("td.job a").allTextContents();
  await press(page, "Sort by Job");
  await expect.poll(names, patience).toEqual(["fails", "fails", "send_email", "send_email", "send_email"]);
  await press(page, "Sort by Job");
  await expect.poll(names, patience).toEqual(["send_email", "send_email", "send_email", "fails", "fails"]);
  expect(on.polls).toBe(polls);
});
