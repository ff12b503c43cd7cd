import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { useRedis } from "../support/stores.ts";
import { patience, press, search, useDashboard } from "./browser-page.ts";
import { fill, meteredStore, serveQueue } from "./served-queue.ts";

const HOUR_MS = 3_600_000;
const { open, openFilled } = useDashboard();

describe("polling", () => {
  test("takes one request, slows down while nothing changes, and stops while the page is hidden", async () => {
    const on = await serveQueue({}, meteredStore());
    const page = await open(on);
    const polls = (count: number) => expect.poll(() => on.polls, patience).toBe(count);
    const next = async (ms: number, count: number) => {
      // The page counts from when the response has come, which may be before the clock stops.
      await page.clock.runFor(ms - 1_000);
      expect(on.polls).toBe(count - 1);
      await page.clock.runFor(1_100);
      await polls(count);
      await page.getByText("Refreshed just now").waitFor();
    };
    await page.waitForSelector("footer");
    // What the pointer is about to click must not move.
    await page.locator(".states a").first().hover();
    await next(5_000, 2);
    await page.mouse.move(0, 0);
    await next(6_000, 3);
    await next(12_000, 4);
    await on.queue.enqueue("send_email", { to: "ada" });
    await next(24_000, 5);
    await next(3_000, 6);
    await setHidden(page, true);
    await page.clock.runFor(10 * 60_000);
    expect(on.polls).toBe(6);
    await setHidden(page, false);
    await page.clock.runFor(10);
    await polls(7);
  });

  test("goes on every 3 s in memory and on a Redis over TCP, where a refresh costs nothing", async () => {
    const on = await serveQueue();
    const page = await open(on);
    for (let poll = 1; poll < 5; poll++) {
      await expect.poll(() => on.polls, patience).toBe(poll);
      await page.getByText("Refreshed just now").waitFor();
      await page.clock.runFor(3_100);
    }
  });

  test("continues after the status 429, as late as the response asks for", async () => {
    const on = await serveQueue();
    const page = await open(on);
    await page.waitForSelector("footer");
    let refused = 0;
    await page.route("**/dashboard/data?*", (route) => {
      refused++;
      return route.fulfill({ status: 429, headers: { "Retry-After": "30" }, json: { detail: "Too busy." } });
    });
    await page.clock.runFor(3_100);
    await page.getByText("Too busy.").waitFor();
    await page.getByText("retrying in 30 s").waitFor();
    await page.clock.runFor(28_000);
    expect(refused).toBe(1);
    await page.unroute("**/dashboard/data?*");
    await page.clock.runFor(3_000);
    await page.getByText("Refreshed just now").waitFor();
    expect(await page.getByText("Too busy.").count()).toBe(0);
  });

  test("keeps what has not changed: the same elements, the focus, the text being typed", async () => {
    const { page, on } = await openFilled("#view=jobs");
    await page.locator("td.job code", { hasText: "mail-2" }).waitFor();
    await search(page).fill("half ty");
    await page.evaluate(() => {
      for (const row of document.querySelectorAll("tbody tr")) row.setAttribute("id", row.textContent ?? "");
      Object.assign(window, { rows: [...document.querySelectorAll("tbody tr")] });
    });
    await on.queue.enqueue("send_email", { to: "new" }, { id: "mail-0" });
    await press(page, "Refresh now");
    await search(page).focus();
    await page.locator("td.job code", { hasText: "mail-0" }).waitFor();
    expect(await page.evaluate(() => (Reflect.get(window, "rows") as Element[]).every((row) => row.isConnected))).toBe(
      true,
    );
    expect(await search(page).inputValue()).toBe("half ty");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("type"))).toBe("search");
  });
});

describe("the page", () => {
  test("does not move when something is selected", async () => {
    const { page } = await openFilled("#view=jobs&state=dead");
    const box = page.getByLabel("Select order-7");
    const before = await box.boundingBox();
    await box.check();
    await page.getByRole("button", { name: "Retry..." }).waitFor();
    expect(await box.boundingBox()).toEqual(before);
  });

  test("keeps what the pointer rests on where it is, also when a row comes in above it", async () => {
    const { page, on } = await openFilled("#view=jobs&state=dead");
    const row = page.locator("tbody tr", { hasText: "order-7" });
    await row.hover();
    const top = async () => (await row.boundingBox())?.y ?? 0;
    const before = await top();
    on.clock.now += 60_000;
    await on.queue.enqueue("fails", null, { id: "newest" });
    await on.queue.drain();
    await page.clock.runFor(10_000);
    await page.locator("tbody tr", { hasText: "newest" }).waitFor();
    // A page scrolls by whole pixels.
    expect(Math.abs((await top()) - before)).toBeLessThan(1);
  });

  test("keeps an opened error on its attempt when another one fails", async () => {
    const { page, on } = await openFilled();
    await on.queue.enqueue("fails", null, { id: "twice", maxRetries: 1 });
    await on.queue.drain();
    await page.goto(`${on.url}/dashboard#view=job&id=twice`);
    await page.getByText("Stack").click();
    on.clock.now += HOUR_MS;
    await on.queue.drain();
    await press(page, "Refresh now");
    await page.getByText("Attempt 2 failed: the job is dead").waitFor();
    expect(await page.locator("li:has(details[open]) b").allTextContents()).toEqual(["Attempt 1 failed"]);
  });

  test("shows what was done even to a user who has scrolled down, and again when it is repeated", async () => {
    const { page } = await openFilled("#view=schedules", { viewport: { width: 380, height: 300 } });
    const run = page.getByRole("button", { name: "Run report" });
    await run.scrollIntoViewIfNeeded();
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await run.focus();
    const places = () => Promise.all(["footer", "main tr"].map((of) => page.locator(of).last().boundingBox()));
    const before = await places();
    await page.keyboard.press("Enter");
    const notice = page.locator('[role="status"] .banner');
    await notice.filter({ hasText: "12:00:30" }).waitFor();
    // It is in a bar that is always there: it covers and moves nothing.
    expect(await places()).toEqual(before);
    const [bar, box] = [before[0], await notice.boundingBox()];
    expect(box?.y).toBeGreaterThanOrEqual(bar?.y ?? 300);
    const isInSight = async () => {
      const { y = 300, height = 0 } = (await page.locator("footer").boundingBox()) ?? {};
      return y + height <= 300;
    };
    expect(await isInSight()).toBe(true);
    await page.evaluate(() => scrollTo(0, 0));
    expect(await isInSight()).toBe(true);
    // What gets the focus is not behind it.
    await run.evaluate((button) => {
      button.blur();
      scrollBy(0, button.getBoundingClientRect().top - 260);
      button.focus();
    });
    const { y = 300, height = 0 } = (await run.boundingBox()) ?? {};
    expect(y + height).toBeLessThanOrEqual(bar?.y ?? 0);
    await page.clock.runFor(1_000);
    await page.keyboard.press("Enter");
    await notice.filter({ hasText: "12:00:31" }).waitFor();
  });
});

describe("an unreachable store", () => {
  const redis = useRedis();

  test("leaves the last figures, greyed out, and the page recovers with it", async () => {
    const on = await serveQueue({}, redis.store());
    await fill(on.queue);
    const page = await open(on);
    await page.locator(".states a", { hasText: "dead2" }).waitFor();
    expect(await page.locator("footer").textContent()).toMatch(/^Refreshed just now\. Next refresh in \d+ s\./);
    await page.route("**/dashboard/data?*", () => {});
    await press(page, "Refresh now");
    await page.clock.runFor(3_100);
    await page.getByText("Reads fail: no response within 3 seconds.").waitFor();
    await page.unroute("**/dashboard/data?*");
    await redis.server.kill();
    await press(page, "Refresh now");
    await page.getByText(/^Reads fail: Redis did not reply as it should\. Check [^.]* there\. This data/).waitFor();
    await page.getByText("This data is from 12:00.").waitFor();
    expect(await page.locator(".stale .states").isVisible()).toBe(true);
    await redis.server.restart();
    await page.clock.runFor(5_100);
    await page.locator(".stale").waitFor({ state: "detached" });
    expect(await page.getByText("This data is from").count()).toBe(0);
    // This Redis restarts empty.
    await page.getByText("No jobs yet").waitFor();
  });
});

async function setHidden(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}
