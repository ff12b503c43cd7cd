import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { defineJob, PermanentError, Queue } from "../../src/index.ts";
import { inBothSchemes, loadRules } from "./axe.ts";
import { heading, notice, press, useDashboard } from "./browser-page.ts";
import { type ServedQueue, serveQueue } from "./served-queue.ts";

const { open } = useDashboard();

const agent = defineJob({
  name: "agent",
  async perform({ user }: { user: number }, job) {
    const draft = await job.step("draft", () => ({ text: "Hello <b>Ada</b>", words: "word ".repeat(400) }));
    await job.step("review", ({ attempt }) => {
      if (attempt === 1) throw new Error("the model is overloaded");
      return "fine";
    });
    await job.sleep("3d");
    const reply = await job.waitFor([`reply-${user}`, "stop"], { timeout: "7d" });
    await job.step("send", () => {
      throw new PermanentError("mailbox full");
    });
    return { draft, reply };
  },
});
const pages = defineJob({
  name: "pages",
  async perform(_: undefined, job) {
    await Promise.all(Array.from({ length: 120 }, (_, page) => job.step(`page ${page}`, () => page)));
    await job.step("publish", () => Promise.reject(new Error("no luck")));
  },
});

const DAY = 86_400_000;

/** A queue with an agent that sleeps. */
async function startAgent(on: ServedQueue): Promise<Queue> {
  const { store, clock } = on;
  const queue = new Queue({ store, jobs: [agent, pages], clock, logger: null });
  await queue.enqueue(agent, { user: 42 }, { id: "agent-42" });
  await queue.drain();
  clock.now += 60_000;
  await queue.drain();
  return queue;
}

/** The same, waiting for its signal. */
async function waitForReply(on: ServedQueue): Promise<Queue> {
  const queue = await startAgent(on);
  on.clock.now += 3 * DAY;
  await queue.drain();
  return queue;
}

const entriesOf = (page: Page) => page.locator('[data-key="Steps"] li');

const place = "#view=job&id=agent-42";

describe("a job's page", () => {
  test("shows its steps with their results, and until when the job sleeps", async () => {
    const on = await serveQueue();
    await startAgent(on);
    const page = await open(on, place);
    await heading(page, "agent");
    const entries = entriesOf(page);
    expect(await entries.allInnerTexts()).toEqual([
      expect.stringMatching(/^sleep\s+sleeps\s+until 4 Mar 2026, 12:01:30, in 3 d$/),
      expect.stringMatching(/^review\s+completed on attempt 2 after 0 ms\s+1 Mar 2026, 12:01:30, now\s+Result$/),
      expect.stringMatching(/^draft\s+completed after 0 ms\s+1 Mar 2026, 12:00:30, 60 s ago\s+Result$/),
    ]);
    await entries.last().getByText("Result").click();
    expect(await entries.last().locator("pre").innerText()).toMatch(
      /^\{\n {2}"text": "Hello <b>Ada<\/b>",\n {2}"words": "word [word ]+\.\.\.$/,
    );
    const timeline = page.locator('[data-key="Timeline"]');
    await timeline.getByText("From here, attempts count anew").waitFor();
    expect(await timeline.getByText("Retried from the dead-letter queue").count()).toBe(0);
    expect(await page.getByRole("button", { name: "Send signal..." }).count()).toBe(0);
  });

  test("shows which signals it waits for, sends one, and shows the step that has failed", async () => {
    const on = await serveQueue();
    const queue = await waitForReply(on);
    const page = await open(on, place);
    const entries = entriesOf(page);
    expect(await entries.first().innerText()).toMatch(
      /^reply-42 or stop\s+waits\s+until 11 Mar 2026, 12:01:30, in 7 d$/,
    );
    await page.getByText("Waits for the signal reply-42 or stop.").waitFor();
    await page.locator(".timeline li", { hasText: /Times out.*in 7 d/ }).waitFor();
    await press(page, "Send signal...");
    await page.getByLabel("Data, as JSON").fill("{");
    await press(page, "Send the signal");
    await page.getByRole("alert").filter({ hasText: "The data is not JSON." }).waitFor();
    await page.getByRole("dialog").locator("select").selectOption("stop");
    await page.getByLabel("Data, as JSON").fill('{"why": "holiday"}');
    await press(page, "Send the signal");
    await notice(page, "1 job woken.");
    await page.getByRole("button", { name: "Send signal..." }).waitFor({ state: "detached" });
    await queue.drain();
    await press(page, "Refresh now");
    await heading(page, "agent agent-42 dead");
    expect((await entries.allInnerTexts()).slice(0, 2)).toEqual([
      expect.stringMatching(/^send\s+failed after 0 ms\s[\s\S]*\sPermanentError: mailbox full$/),
      expect.stringMatching(/^reply-42 or stop\s+received after 0 ms\s[\s\S]*\sResult$/),
    ]);
    await entries.nth(1).getByText("Result").click();
    expect(await entries.nth(1).locator("pre").innerText()).toBe('{\n  "why": "holiday"\n}');
  });

  test("says that a signal came too late, and that a wait has timed out", async () => {
    const on = await serveQueue();
    const queue = await waitForReply(on);
    const page = await open(on, place);
    await press(page, "Send signal...");
    on.clock.now += 7 * DAY;
    await queue.drain();
    await press(page, "Send the signal");
    await page.getByRole("alert").filter({ hasText: "No job waits for it any more." }).waitFor();
    expect(await queue.signal("reply-42", null, { keep: "0s" })).toEqual({ woken: 0, kept: false });
    await press(page, "Go back");
    await press(page, "Refresh now");
    await page.locator(".timeline li", { hasText: "timed out after 7 d" }).waitFor();
  });

  test("shows the last hundred of many steps, and the one that is tried again", async () => {
    const on = await serveQueue();
    const queue = await startAgent(on);
    await queue.enqueue(pages, undefined, { id: "pages" });
    await queue.drain();
    const page = await open(on, "#view=job&id=pages");
    const entries = entriesOf(page);
    await entries.first().waitFor();
    expect(await entries.count()).toBe(101);
    expect(await entries.first().innerText()).toMatch(
      /^publish\s+failed, and will be retried\s[\s\S]*\sError: no luck$/,
    );
    expect(await entries.last().innerText()).toBe("21 earlier steps completed");
  });

  test("with steps passes axe in light and dark, and fits a narrow screen", async () => {
    const on = await serveQueue();
    const queue = await waitForReply(on);
    const page = await open(on, place, { viewport: { width: 320, height: 640 } });
    await page.locator(".timeline li", { hasText: "reply-42 or stop" }).waitFor();
    await loadRules(page);
    expect(await inBothSchemes(page)).toEqual([]);
    await press(page, "Send signal...");
    expect(await inBothSchemes(page)).toEqual([]);
    await press(page, "Go back");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    await queue.signal("stop", null);
    await queue.drain();
    await press(page, "Refresh now");
    await page.locator(".timeline .dead", { hasText: "mailbox full" }).first().waitFor();
    expect(await inBothSchemes(page)).toEqual([]);
  });
});

test("a list marks jobs that sleep and jobs that wait for a signal, and reads no results of steps", async () => {
  const on = await serveQueue();
  const queue = await waitForReply(on);
  await queue.enqueue(agent, { user: 43 }, { id: "agent-43" });
  await queue.drain();
  on.clock.now += 60_000;
  await queue.drain();
  const page = await open(on);
  const response = page.waitForResponse(/data\?.*view=jobs/);
  await page.goto(`${on.url}/dashboard#view=jobs&state=scheduled`);
  const row = (id: string) => page.locator("tr", { hasText: id });
  await row("agent-42").getByText("waits for a signal").waitFor();
  await row("agent-43").getByText("sleeps").waitFor();
  expect(await (await response).text()).not.toContain("word word");
});
