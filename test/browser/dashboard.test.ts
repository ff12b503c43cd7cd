import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { memoryStore, Queue } from "../../src/index.ts";
import { useRedis } from "../support/stores.ts";
import { fill, type ServedQueue, serveQueue, start } from "./dashboard-queue.ts";
import { launchBrowser, openPage, type Watched } from "./served.ts";

const auth = { read: ["read-token"], admin: ["admin-token"] };
const HOUR_MS = 3_600_000;
const patience = { timeout: 10_000, interval: 20 };

let browser: Browser;
let served: ServedQueue | undefined;
let watched: Watched | undefined;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

afterEach(async () => {
  const complaints = watched?.complaints ?? [];
  await watched?.page.context().close();
  await served?.stop();
  watched = undefined;
  served = undefined;
  expect(complaints).toEqual([]);
});

/** Opens the dashboard of a queue at a place. */
async function open(queue: ServedQueue, hash = "", options: BrowserContextOptions = {}): Promise<Page> {
  served = queue;
  watched = await openPage(browser, { now: start, ...options });
  watched.page.setDefaultTimeout(10_000);
  await watched.page.goto(`${queue.url}/dashboard${hash}`);
  return watched.page;
}

async function openFilled(hash = "", options: BrowserContextOptions = {}): Promise<{ page: Page; on: ServedQueue }> {
  const on = await serveQueue();
  await fill(on.queue);
  const page = await open(on, hash, options);
  await page.waitForSelector("footer");
  return { page, on };
}

const heading = (page: Page, text: string) => page.locator("h1", { hasText: text }).waitFor();
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const search = (page: Page) => page.getByLabel("Id or name");
const told = (page: Page, text: string) => page.locator('[role="status"] .banner', { hasText: text }).waitFor();

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Token").fill(token);
  await press(page, "Sign in");
}

describe("signing in", () => {
  test("keeps the place, refuses a wrong token with help, and lasts until signed out", async () => {
    const on = await serveQueue({ auth });
    await fill(on.queue);
    const page = await open(on, "#view=jobs&state=dead");
    await heading(page, "Sign in");
    await signIn(page, "wrong");
    await page.getByRole("alert").filter({ hasText: "read or admin" }).waitFor();
    await signIn(page, "admin-token");
    await heading(page, "Dead letter");
    expect(new URL(page.url()).pathname).toBe("/dashboard");
    await page.reload();
    await heading(page, "Dead letter");
    await press(page, "Sign out");
    await heading(page, "Sign in");
    await page.reload();
    await heading(page, "Sign in");
  });

  test("again, once a session has ended, loses nothing of the page", async () => {
    const on = await serveQueue({ auth });
    await fill(on.queue);
    const page = await open(on, "#view=jobs&state=dead");
    await signIn(page, "admin-token");
    await page.getByLabel("Select order-7").check();
    on.clock.now += 13 * HOUR_MS;
    await press(page, "Look now");
    await page.getByRole("dialog", { name: "Your session has ended" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await press(page, "Try now");
    await signIn(page, "wrong");
    await page.getByRole("alert").filter({ hasText: "read or admin" }).waitFor();
    await signIn(page, "admin-token");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await page.getByLabel("Select order-7").isChecked()).toBe(true);
    await press(page, "Retry...");
    await press(page, "Retry 1 job");
    await told(page, "1 job retried.");
  });

  test("with a token that reads shows no button that changes anything", async () => {
    const on = await serveQueue({ auth });
    await fill(on.queue);
    const page = await open(on);
    await signIn(page, "read-token");
    for (const hash of ["#view=overview", "#view=jobs&state=dead", "#view=job&id=order-7", "#view=schedules"]) {
      await page.goto(`${on.url}/dashboard${hash}`);
      await page.reload();
      await page.waitForSelector("footer");
      const buttons = await page.getByRole("button").allTextContents();
      expect(buttons.filter((text) => !/^(Sign out|Look now|Search)$/.test(text))).toEqual([]);
      expect(await page.locator("main input[type=checkbox]").count()).toBe(0);
    }
  });
});

describe("the overview", () => {
  test("counts by state, draws the hour and tells it as a table", async () => {
    const { page } = await openFilled();
    const states = await page.locator(".states a").allTextContents();
    expect(states.slice(0, 5)).toEqual(["scheduled1", "ready1", "running0", "completed1", "dead2"]);
    await page.getByText("As a table").click();
    expect(await page.locator("table tr").allInnerTexts()).toEqual([
      "Minute\tprocessed\tretried\tdead",
      "12:00\t1\t0\t2",
    ]);
    expect(await page.locator("svg[role=img]").getAttribute("aria-label")).toBe("1 processed, 0 retried, 2 dead");
    await page.locator(".states a", { hasText: "dead" }).click();
    await heading(page, "Dead letter");
    await page.goBack();
    await heading(page, "Overview");
  });

  test("helps where there are no jobs yet", async () => {
    const on = await serveQueue({ auth });
    const page = await open(on);
    await signIn(page, "admin-token");
    await page.getByText("No jobs yet").waitFor();
    expect(await page.locator("pre").textContent()).toBe(
      `curl ${on.url}/queues/default/jobs -H "Authorization: Bearer $TOKEN" --json '{"name":"send_email","payload":{}}'`,
    );
  });

  test("pauses and resumes the queue", async () => {
    const { page, on } = await openFilled();
    await press(page, "Pause queue");
    await told(page, "Pause queue: done.");
    expect((await on.queue.getStats()).paused).toBe(true);
    await page.getByText("Paused: nothing starts.").waitFor();
    await press(page, "Resume queue");
    await told(page, "Resume queue: done.");
    expect((await on.queue.getStats()).paused).toBe(false);
  });
});

describe("jobs", () => {
  test("are found by state, name and id", async () => {
    const { page } = await openFilled("#view=jobs");
    const ids = () => page.locator("td.job code").allTextContents();
    await expect
      .poll(async () => (await ids()).sort(), patience)
      .toEqual(["mail-1", "mail-2", "mail-3", "order-7", "order-8"]);
    await page.getByRole("link", { name: "scheduled", exact: true }).click();
    await expect.poll(ids, patience).toEqual(["mail-3"]);
    await page.getByRole("link", { name: "all", exact: true }).click();
    await expect.poll(async () => (await ids()).length, patience).toBe(5);
    await search(page).fill("send_email");
    await page.keyboard.press("Enter");
    await expect.poll(async () => (await ids()).sort(), patience).toEqual(["mail-1", "mail-2", "mail-3"]);
    await search(page).fill("order-8");
    await press(page, "Search");
    await expect.poll(ids, patience).toEqual(["order-8"]);
    await search(page).fill("nothing");
    await press(page, "Search");
    await page.getByText('has the id or name "nothing"').waitFor();
    await page.goBack();
    await expect.poll(ids, patience).toEqual(["order-8"]);
  });

  test("show what they hold, and are run at once or cancelled", async () => {
    const { page, on } = await openFilled("#view=job&id=mail-3");
    await heading(page, "send_email");
    expect(JSON.parse((await page.locator("pre").first().textContent()) ?? "")).toEqual({ to: "edsger@example.com" });
    await press(page, "Run now");
    await told(page, "The job is due now.");
    expect((await on.queue.getJob("mail-3"))?.state).toBe("ready");
    await press(page, "Cancel...");
    await press(page, "Leave it");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await press(page, "Cancel...");
    await press(page, "Cancel the job");
    await told(page, "The job is cancelled.");
    await heading(page, "No such job");
    expect(await on.queue.getJob("mail-3")).toBeNull();
  });

  test("show their result, or why they died", async () => {
    const { page } = await openFilled("#view=job&id=mail-1");
    await page.getByRole("heading", { name: "Result" }).waitFor();
    expect(await page.locator("pre").last().textContent()).toContain('"sent": true');
    expect(await page.locator("ol li").allTextContents()).toHaveLength(3);
    await page.goto(`${served?.url}/dashboard#view=job&id=order-7`);
    await page.getByRole("heading", { name: "Attempt 1: Error" }).waitFor();
    await page.getByText("Stack").click();
    await page.locator("details pre", { hasText: "Error: no luck" }).waitFor();
  });

  test("full of HTML stay text", async () => {
    const on = await serveQueue();
    const evil = `<img src=x onerror="alert(1)"><script>alert(2)</script>'"&`;
    await enqueueUnknown(on, evil, { [evil]: evil }, evil);
    await on.queue.drain();
    const page = await open(on, "#view=jobs&state=dead");
    await page.getByRole("link", { name: evil }).click();
    await heading(page, evil);
    expect(JSON.parse((await page.locator("pre").first().textContent()) ?? "")).toEqual({ [evil]: evil });
    await search(page).waitFor({ state: "detached" });
    await press(page, "Retry with another payload...");
    expect(JSON.parse(await page.getByRole("textbox").inputValue())).toEqual({ [evil]: evil });
    await press(page, "Leave it");
    await page.goto(`${on.url}/dashboard#view=jobs&search=${encodeURIComponent(evil)}`);
    await page.getByRole("link", { name: evil }).waitFor();
    expect(await page.locator("img, script:not([type=module])").count()).toBe(0);
  });
});

describe("the dead letter", () => {
  test("tells how many it would be, and brings the selected back", async () => {
    const { page, on } = await openFilled("#view=jobs&state=dead");
    await page.getByLabel("Select order-7").check();
    await press(page, "Retry...");
    await page.getByText("This would retry 1 job").waitFor();
    expect((await on.queue.getJob("order-7"))?.state).toBe("dead");
    await press(page, "Retry 1 job");
    await told(page, "1 job retried.");
    expect((await on.queue.getJob("order-7"))?.state).toBe("ready");
    expect((await on.queue.getJob("order-8"))?.state).toBe("dead");
  });

  test("asks before it removes", async () => {
    const { page, on } = await openFilled("#view=jobs&state=dead");
    await page.getByLabel("Select all on this page").check();
    await press(page, "Remove...");
    await page.getByText("This would remove 2 jobs for good").waitFor();
    await page.keyboard.press("Escape");
    expect((await on.queue.getStats()).deadLetterCount).toBe(2);
    await press(page, "Remove...");
    await press(page, "Remove 2 jobs");
    await told(page, "2 jobs removed.");
    await page.getByText("No dead jobs.").waitFor();
  });

  test("retries with another payload, which must be JSON and fit the schema", async () => {
    const on = await serveQueue();
    await enqueueUnknown(on, "send_email", { address: "ada" }, "old");
    await on.queue.drain();
    const page = await open(on, "#view=job&id=old");
    const retry = async (payload: string) => {
      await page.getByRole("textbox").fill(payload);
      await press(page, "Retry");
    };
    await press(page, "Retry with another payload...");
    await retry("{to:");
    await page.getByRole("alert").filter({ hasText: "not valid JSON" }).waitFor();
    await retry('{"to": 7}');
    await page.getByRole("alert").filter({ hasText: "send_email" }).waitFor();
    await retry('{"to": "ada@example.com"}');
    await told(page, "1 job retried.");
    expect(await on.queue.getJob("old")).toMatchObject({ payload: { to: "ada@example.com" } });
  });

  test("with ten thousand jobs is paged through, and brought back as a whole", async () => {
    const on = await serveQueue();
    await on.queue.enqueueMany(Array.from({ length: 10_000 }, (_, order) => ({ job: "fails", payload: { order } })));
    await on.queue.drain({ maxJobs: 10_000, batchSize: 1_000, concurrency: 1_000, timeBudget: "5m" });
    const page = await open(on, "#view=jobs&state=dead");
    await page.locator("tbody tr").nth(49).waitFor();
    const first = await page.locator("td.job code").first().textContent();
    await page.getByRole("link", { name: "Next page" }).click();
    await page
      .locator("td.job code")
      .first()
      .filter({ hasNotText: first ?? "" })
      .waitFor();
    await page.goBack();
    await page
      .locator("td.job code")
      .first()
      .filter({ hasText: first ?? "" })
      .waitFor();
    await page.getByLabel("Select all on this page").check();
    await page.getByText("50 selected.").waitFor();
    await press(page, "Select all 10,000");
    await press(page, "Retry...");
    await press(page, "Retry 10,000 jobs");
    await told(page, "10,000 jobs retried.");
    expect(await on.queue.getStats()).toMatchObject({ deadLetterCount: 0, readyCount: 10_000 });
  });
});

describe("schedules", () => {
  test("are told in words, with their next runs, and run at once", async () => {
    const { page, on } = await openFilled("#view=schedules");
    await page.getByText("At 09:00 on MON to FRI").waitFor();
    await page.getByText("Next five runs").click();
    expect(await page.locator("ol li").allTextContents()).toHaveLength(5);
    await page.getByText("2 Mar 2026, 09:00:00").waitFor();
    await press(page, "Run");
    await told(page, "Run: done.");
    expect((await on.queue.listJobs({ name: "report" })).jobs).toHaveLength(1);
    await press(page, "Pause");
    await page.getByText("next never").waitFor();
    expect((await on.queue.schedules.get("report"))?.paused).toBe(true);
    await press(page, "Resume");
    await page.getByText("next never").waitFor({ state: "detached" });
  });
});

describe("several queues", () => {
  test("are looked at in turn", async () => {
    const urgent = new Queue({ name: "urgent", store: memoryStore(), clock: () => start });
    const bulk = new Queue({ name: "bulk & more", store: memoryStore(), clock: () => start });
    await bulk.enqueue("export", null);
    const page = await open(await serveQueue({ queues: [urgent, bulk] }));
    await page.getByRole("link", { name: "bulk & more" }).click();
    await page.locator(".states a", { hasText: "ready1" }).waitFor();
    await press(page, "Pause queue");
    await told(page, "done");
    expect([(await urgent.getStats()).paused, (await bulk.getStats()).paused]).toEqual([false, true]);
    await page.getByRole("link", { name: "Jobs", exact: true }).click();
    await page.getByRole("link", { name: "export" }).waitFor();
  });
});

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
      await page.getByText("Seen now").waitFor();
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
    await press(page, "Look now");
    await search(page).focus();
    await page.locator("td.job code", { hasText: "mail-0" }).waitFor();
    expect(await page.evaluate(() => (Reflect.get(window, "rows") as Element[]).every((row) => row.isConnected))).toBe(
      true,
    );
    expect(await search(page).inputValue()).toBe("half ty");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("type"))).toBe("search");
  });
});

describe("a store that goes away", () => {
  const redis = useRedis();

  test("leaves the last figures, greyed, and is found again when it comes back", async () => {
    const on = await serveQueue({}, redis.store());
    await fill(on.queue);
    const page = await open(on);
    await page.locator(".states a", { hasText: "dead2" }).waitFor();
    expect(await page.locator("footer").textContent()).toMatch(/^Seen now for \d+ commands\. Next look in \d+ s\./);
    await redis.server.kill();
    await press(page, "Look now");
    await page.getByText("What you see is of 12:00.").waitFor();
    expect(await page.locator(".stale .card.states").isVisible()).toBe(true);
    await redis.server.restart();
    await page.clock.runFor(2_100);
    await page.locator(".stale").waitFor({ state: "detached" });
    expect(await page.getByText("What you see is of").count()).toBe(0);
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

/** Enqueues as a deployment would that knows no jobs, nor their schemas. */
async function enqueueUnknown({ store, clock }: ServedQueue, name: string, payload: unknown, id: string) {
  await new Queue({ store, clock: () => clock.now }).enqueue(name, payload, { id, maxRetries: 0 });
}

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
