import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { holdCalls, notice, patience, press, search, useDashboard, visit } from "./browser-page.ts";
import { meteredStore, serveQueue } from "./served-queue.ts";

// What spares the user work, waiting and commands.

const { open, openFilled } = useDashboard();

const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

test("the id, the payload and a command that enqueues the job again can be copied", async () => {
  const on = await serveQueue();
  await on.queue.enqueue("send_email", { to: "o'hara@example.com" }, { id: "mail-7", delay: "1h" });
  const page = await open(on, "#view=job&id=mail-7", { permissions: ["clipboard-read", "clipboard-write"] });
  await press(page, "Copy the id");
  await page.getByRole("button", { name: "Copied" }).waitFor();
  expect(await copied(page)).toBe("mail-7");
  await press(page, "Copy the payload");
  await expect.poll(() => copied(page), patience).toBe('{\n  "to": "o\'hara@example.com"\n}');
  await press(page, "Copy as curl");
  await expect
    .poll(() => copied(page), patience)
    .toBe(
      `curl -X POST '${on.url}/queues/default/jobs' -H "Authorization: Bearer $TIDEGATE_TOKEN" -H "Content-Type: application/json" -d '{"name":"send_email","payload":{"to":"o'\\''hara@example.com"}}'`,
    );
});

test("a page that is not live does not poll", async () => {
  const { page, on } = await openFilled();
  await press(page, "Live: on");
  const { polls } = on;
  await page.clock.fastForward(600_000);
  expect(on.polls).toBe(polls);
  expect(await page.locator("footer").innerText()).not.toContain("Next refresh");
  await press(page, "Refresh now");
  await expect.poll(() => on.polls, patience).toBe(polls + 1);
  await press(page, "Live: off");
  await page.clock.fastForward(600_000);
  await expect.poll(() => on.polls, patience).toBeGreaterThan(polls + 1);
});

test("what a search has found says as of when, until the user searches again", async () => {
  const { page, on } = await openFilled("#view=jobs&search=mail");
  const foot = () => page.locator("footer").innerText();
  await expect.poll(foot, patience).toMatch(/^Searched at 12:00:30\./);
  await on.queue.enqueue("send_email", { to: "ada@example.com" });
  await page.clock.fastForward(5_000);
  await expect.poll(() => page.getByTitle("waiting or running").innerText(), patience).toBe("3");
  expect(await foot()).toMatch(/^Searched at 12:00:30\./);
  await press(page, "Refresh now");
  await expect.poll(foot, patience).toMatch(/^Searched at 12:00:35\./);
});

test("a search of many jobs goes to its end by itself where its commands cost nothing", async () => {
  const on = await serveQueue();
  await on.queue.enqueueMany(Array(10_500).fill({ job: "send_email", payload: { to: "hay" }, delay: "1h" }));
  const page = await open(on, "#view=jobs&by=payload&search=the-needle");
  await page.getByText("Searched all 10,500 jobs.").waitFor();
});

test("a search of many jobs says that it is partial, and goes to its end when asked, or until it is stopped", async () => {
  const on = await serveQueue({}, meteredStore());
  const needle = { job: "send_email", payload: { to: "the-needle" }, delay: "2h" as const };
  const hay = Array.from({ length: 10_500 }, () => ({
    job: "send_email",
    payload: { to: "hay" },
    delay: "1h" as const,
  }));
  await on.queue.enqueueMany([...hay, needle]);
  const page = await open(on, "#view=jobs&state=scheduled&by=payload&search=the-needle");
  await page.getByText("0 so far: 9,501 jobs not searched yet.").waitFor();
  // Nobody takes what is not searched yet for none.
  await page.getByRole("link", { name: "scheduled0+" }).waitFor();
  const goOn = page.getByRole("button", { name: /^Search them, for about \d+ s$/ });
  let release: (() => void) | undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route("**/dashboard/data*", async (route) => {
    await held;
    await route.continue();
  });
  await goOn.click();
  await page.locator("progress").waitFor();
  await press(page, "Stop");
  release?.();
  const { polls } = on;
  await goOn.click();
  await page.locator("tbody tr", { hasText: "the-needle" }).waitFor();
  await page.getByText("Searched all 10,501 jobs.").waitFor();
  expect(on.polls - polls).toBeLessThanOrEqual(11);
  expect(await search(page).inputValue()).toBe("the-needle");
});

test("dead jobs can be retried ten first, or over some time", async () => {
  const on = await serveQueue();
  await on.queue.enqueueMany(Array.from({ length: 30 }, (_, order) => ({ job: "fails", payload: { order } })));
  await on.queue.drain({ maxJobs: 100 });
  const page = await open(on, "#view=failures");
  const retry = async (pace: string, what: string, label: string) => {
    await page.getByRole("button", { name: /^Retry/ }).click();
    await page.getByRole("dialog").locator("select").selectOption(pace);
    await page.getByText(what).waitFor();
    await press(page, label);
  };
  await retry("ten", "The other 20 stay dead.", "Retry 10 jobs");
  await notice(page, "10 jobs retried. The others stay dead.");
  expect(await on.queue.getStats()).toMatchObject({ deadLetterCount: 20, readyCount: 10 });
  await on.queue.drain({ maxJobs: 100 });
  await page.clock.runFor(60_000);
  await page.getByRole("link", { name: "See what became of them" }).click();
  await page.locator("tbody tr", { hasText: "died again" }).nth(9).waitFor();
  expect(await page.locator("tbody tr").count()).toBe(10);
  expect(await page.getByRole("navigation", { name: "States" }).innerText()).toMatch(/dead\s*10$/);
  await page.getByText("10 died of Error: no luck").waitFor();
  expect(await page.getByText("10 jobs retried.").count()).toBe(0);
  // What is retried later is not among them.
  on.clock.now += 60_000;
  const others = (await on.queue.listDeadLetter()).jobs.filter(({ retriedAt }) => !retriedAt);
  await on.queue.retryFromDeadLetter(others[0]?.id ?? "");
  await on.queue.drain();
  const refreshed = page.waitForResponse(/dashboard\/data/);
  await press(page, "Refresh now");
  await (await refreshed).finished();
  expect(await page.locator("tbody tr").count()).toBe(10);
  // Since that time is all that it asks for: elsewhere there is nothing to find.
  expect(await page.getByText("Search everywhere").count()).toBe(0);
  await search(page).fill("soon");
  await page.keyboard.press("Enter");
  await page.getByText("Reads fail: search must be a duration").waitFor();
  expect(await search(page).inputValue()).toBe("soon");
  await page.goBack();
  await page.getByText("Reads fail").waitFor({ state: "detached" });
  await page.goBack();
  await retry("10m", "Those that die meanwhile stay dead.", "Retry 30 jobs");
  await notice(page, "30 jobs retried, spread over 10 minutes.");
  expect(await on.queue.getStats()).toMatchObject({ deadLetterCount: 0, readyCount: 1, scheduledCount: 29 });
  // The notice stays, and is not what a job that is not there says of itself.
  await page.goto(page.url().replace(/#.*/, "#view=job&id=nosuch"));
  await page.getByRole("heading", { name: "nosuch" }).waitFor();
  await page.locator(".empty", { hasText: "No such job" }).waitFor();
});

test("what a dialog counted is what is done, though the group goes on failing, with a bar for many", async () => {
  const on = await serveQueue();
  const fail = async (count: number) => {
    on.clock.now += 1_000;
    await on.queue.enqueueMany(Array.from({ length: count }, (_, order) => ({ job: "fails", payload: { order } })));
    await on.queue.drain({ maxJobs: 1_000, batchSize: 1_000 });
  };
  await fail(600);
  const page = await open(on, "#view=failures");
  await page.getByRole("button", { name: /^Remove/ }).click();
  await page.getByText("This removes 600 jobs for good").waitFor();
  await fail(3);
  const nextCall = await holdCalls(page, "**/dead-letter/remove");
  await press(page, "Remove 600 jobs");
  for (const share of ["0.416", "0.833"]) {
    (await nextCall())();
    await page.locator(`dialog progress[value^="${share}"]`).waitFor();
  }
  (await nextCall())();
  await notice(page, "600 jobs removed.");
  expect((await on.queue.getStats()).deadLetterCount).toBe(3);
});

test("a view never goes blank: what the user saw before is there at once, and a first look says that it loads", async () => {
  const { page } = await openFilled("#view=failures");
  await page.locator("tbody tr").first().waitFor();
  const nextCall = await holdCalls(page, "**/dashboard/data**");
  await page.getByRole("link", { name: "Schedules" }).click();
  await page.getByText("Loading...").waitFor();
  (await nextCall())();
  await page.getByText("Next five occurrences").first().waitFor();
  expect(await page.getByText("Loading...").count()).toBe(0);
  await page.goBack();
  await expect.poll(() => page.locator(".stale tbody tr").count(), patience).toBe(1);
  expect(await page.locator("h1").innerText()).toContain("Failures");
  (await nextCall())();
  await page.locator(".stale").waitFor({ state: "detached" });
  await page.reload();
  await page.locator('main:has([aria-busy="true"])', { hasText: "Loading..." }).waitFor();
  (await nextCall())();
  await page.locator("tbody tr").first().waitFor();
  await page.unroute("**/dashboard/data**");
});

test("on a phone, the tab that says where the user is is in sight", async () => {
  const { page } = await openFilled("#view=flow", { viewport: { width: 390, height: 780 } });
  const isInSight = async () => {
    const box = await page.locator('header nav [aria-current="page"]').boundingBox();
    return box !== null && box.x >= 0 && box.x + box.width <= 390;
  };
  await expect.poll(isInSight, patience).toBe(true);
  await visit(page, "#view=jobs&state=dead");
  await page.locator("tbody tr").first().waitFor();
  await expect.poll(isInSight, patience).toBe(true);
  const tab = await page.locator('.tabs [aria-current="page"]').boundingBox();
  expect(tab && tab.x + tab.width).toBeLessThanOrEqual(390);
});
