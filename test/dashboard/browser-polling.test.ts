import axe from "axe-core";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { memoryStore } from "../../src/index.ts";
import { storeOldId } from "../support/dots.ts";
import { useRedis } from "../support/stores.ts";
import { auth, heading, patience, press, search, told, useDashboard } from "./browser-page.ts";
import { enqueueUnknown, fill, serveQueue } from "./served-queue.ts";

// How the page behaves whatever it shows: when it looks, what becomes of it when the store is away, and for whom it works.

const HOUR_MS = 3_600_000;
const { open, openFilled } = useDashboard();

describe("looking again", () => {
  test("takes one request, waits longer while nothing moves, and stops while nobody can see it", async () => {
    const on = await serveQueue();
    const page = await open(on);
    const looks = (count: number) => expect.poll(() => on.looks, patience).toBe(count);
    const next = async (ms: number, count: number) => {
      await page.clock.runFor(ms - 100);
      expect(on.looks).toBe(count - 1);
      await page.clock.runFor(200);
      await looks(count);
      await page.getByText("Updated now").waitFor();
    };
    await page.waitForSelector("footer");
    await next(3_000, 2);
    await next(6_000, 3);
    await next(12_000, 4);
    await on.queue.enqueue("send_email", { to: "ada" });
    await next(24_000, 5);
    await next(3_000, 6);
    await setHidden(page, true);
    await page.clock.runFor(10 * 60_000);
    expect(on.looks).toBe(6);
    await setHidden(page, false);
    await page.clock.runFor(10);
    await looks(7);
  });

  test("leaves alone what has not changed: the same elements, the focus, the text that is being typed", async () => {
    const { page, on } = await openFilled("#view=jobs");
    await page.locator("td.job code", { hasText: "mail-2" }).waitFor();
    await search(page).fill("half ty");
    await page.evaluate(() => {
      for (const row of document.querySelectorAll("tbody tr")) row.setAttribute("id", row.textContent ?? "");
      Object.assign(window, { rows: [...document.querySelectorAll("tbody tr")] });
    });
    await on.queue.enqueue("send_email", { to: "new" }, { id: "mail-0" });
    await press(page, "Update now");
    await search(page).focus();
    await page.locator("td.job code", { hasText: "mail-0" }).waitFor();
    expect(await page.evaluate(() => (Reflect.get(window, "rows") as Element[]).every((row) => row.isConnected))).toBe(
      true,
    );
    expect(await search(page).inputValue()).toBe("half ty");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("type"))).toBe("search");
  });
});

describe("what stands there", () => {
  test("does not move when something is selected", async () => {
    const { page } = await openFilled("#view=jobs&state=dead");
    const box = page.getByLabel("Select order-7");
    const before = await box.boundingBox();
    await box.check();
    await page.getByRole("button", { name: "Retry..." }).waitFor();
    expect(await box.boundingBox()).toEqual(before);
  });

  test("stays with its attempt when another one fails", async () => {
    const { page, on } = await openFilled();
    await on.queue.enqueue("fails", null, { id: "twice", maxRetries: 1 });
    await on.queue.drain();
    await page.goto(`${on.url}/dashboard#view=job&id=twice`);
    await page.getByText("Stack").click();
    on.clock.now += HOUR_MS;
    await on.queue.drain();
    await press(page, "Update now");
    await page.getByRole("heading", { name: "Attempt 2: Error" }).waitFor();
    expect(await page.locator("section:has(details[open]) h2").allTextContents()).toEqual(["Attempt 1: Error"]);
  });

  test("tells what was done also to who has scrolled down, and again when it is done again", async () => {
    const { page } = await openFilled("#view=schedules", { viewport: { width: 380, height: 300 } });
    const run = page.getByRole("button", { name: "Run report" });
    await run.scrollIntoViewIfNeeded();
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await run.focus();
    await page.keyboard.press("Enter");
    const notice = page.locator('[role="status"] .banner');
    await notice.filter({ hasText: "12:00:30" }).waitFor();
    expect((await notice.boundingBox())?.y).toBeGreaterThanOrEqual(0);
    await page.clock.runFor(1_000);
    await page.keyboard.press("Enter");
    await notice.filter({ hasText: "12:00:31" }).waitFor();
  });
});

describe("a store that goes away", () => {
  const redis = useRedis();

  test("leaves the last figures, greyed, and is found again when it comes back", async () => {
    const on = await serveQueue({}, redis.store());
    await fill(on.queue);
    const page = await open(on);
    await page.locator(".states a", { hasText: "dead2" }).waitFor();
    expect(await page.locator("footer").textContent()).toMatch(
      /^Updated now for \d+ commands\. Next update in \d+ s\./,
    );
    await redis.server.kill();
    await press(page, "Update now");
    await page.getByText("These figures are from 12:00.").waitFor();
    expect(await page.locator(".stale .card.states").isVisible()).toBe(true);
    await redis.server.restart();
    await page.clock.runFor(2_100);
    await page.locator(".stale").waitFor({ state: "detached" });
    expect(await page.getByText("These figures are from").count()).toBe(0);
    // This Redis has come back empty.
    await page.getByText("No jobs yet").waitFor();
  });
});

describe("without a mouse", () => {
  test("everything can be reached, and a dialog gives the focus back", async () => {
    const { page } = await openFilled("#view=jobs&state=dead");
    await page.getByLabel("Select order-7").waitFor();
    const focused = () =>
      page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent);
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await focused()).toBe("Dead letter");
    const tabTo = async (name: string, key = "Tab") => {
      for (let steps = 0; (await focused()) !== name; steps++) {
        if (steps > 40) throw new Error(`Nothing called ${name} can be reached.`);
        await page.keyboard.press(key);
      }
    };
    await tabTo("Select order-7");
    await page.keyboard.press("Space");
    await tabTo("Retry...", "Shift+Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await focused()).toBe("Retry...");
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
    expect(outline).toBe("solid");
  });
});

const places = [
  "#view=overview",
  "#view=jobs",
  "#view=jobs&state=dead",
  "#view=job&id=order-7",
  "#view=schedules",
  "#view=job&id=gone",
];

describe("every view", () => {
  test("fits a screen of 320 px without scrolling sideways", async () => {
    const { page, on } = await openFilled("", { viewport: { width: 320, height: 640 } });
    await enqueueUnknown(on, "x".repeat(100), "y".repeat(300), "z".repeat(200));
    for (const hash of [...places, `#view=job&id=${"z".repeat(200)}`]) {
      await visit(page, hash);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBeLessThanOrEqual(320);
      const lines = await page
        .locator("td .badge")
        .evaluateAll((all) => all.map((each) => each.getClientRects().length));
      expect(
        lines.filter((count) => count > 1),
        hash,
      ).toEqual([]);
    }
  });

  test.each(["light", "dark"] as const)("has nothing that axe objects to, in %s", async (colorScheme) => {
    const { page } = await openFilled("", { colorScheme });
    await page.clock.resume();
    await page.evaluate(axe.source);
    for (const hash of places) {
      await visit(page, hash);
      expect(await violations(page), hash).toEqual([]);
    }
    await visit(page, "#view=jobs&state=dead");
    await page.getByLabel("Select all on this page").check();
    await press(page, "Remove...");
    await page.getByRole("dialog").waitFor();
    expect(await violations(page), "a dialog").toEqual([]);
  });

  test.each(["light", "dark"] as const)("and nothing in the sign-in, in %s", async (colorScheme) => {
    const page = await open(await serveQueue({ auth }), "", { colorScheme });
    await heading(page, "Sign in");
    await page.clock.resume();
    await page.evaluate(axe.source);
    expect(await violations(page)).toEqual([]);
  });
});

async function visit(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  await page.waitForFunction((to) => location.hash === to && document.querySelector("main .card"), hash);
}

async function violations(page: Page): Promise<readonly string[]> {
  const found = await page.evaluate(async () => {
    const run = Reflect.get(window, "axe").run as () => Promise<{
      violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
    }>;
    return (await run()).violations;
  });
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}

async function setHidden(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}

describe("an address that makes no sense", () => {
  test.each(["__proto__", "constructor", "toString", "nowhere"])(
    "#view=%s is refused, and breaks nothing",
    async (view) => {
      const { page } = await openFilled();
      await page.locator(".states").waitFor();
      await page.evaluate((hash) => location.replace(hash), `#view=${view}`);
      await page.getByText('view must be one of "overview"').waitFor();
      expect(await page.locator(".stale").textContent()).toBe("");
      await page.getByRole("link", { name: "Schedules" }).click();
      await heading(page, "Schedules");
    },
  );
});

test("what is stored under an id that a URL drops is shown, and no button changes anything else in its place", async () => {
  const store = memoryStore();
  const on = await serveQueue({}, store);
  await storeOldId(store, "..", on.clock);
  const page = await open(on, "#view=schedules");
  await press(page, "Pause ..");
  await told(page, 'A URL cannot contain "." or "..".');
  await page.goto(`${on.url}/dashboard#view=job&id=..`);
  await press(page, "Cancel...");
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await page.getByText('A URL cannot contain "." or "..".').waitFor();
  expect((await on.queue.getStats()).paused).toBe(false);
  expect(await on.queue.getJob("..")).toMatchObject({ state: "scheduled" });
});
