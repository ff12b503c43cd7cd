import { describe, expect, test } from "vitest";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { auth, heading, notice, press, signIn, useDashboard, visit } from "./browser-page.ts";
import { fill, serveQueue } from "./served-queue.ts";

// Who may sign in, and what happens to the page when a session ends.

const HOUR_MS = 3_600_000;
const { open } = useDashboard();

describe("signing in", () => {
  test("keeps the current view, refuses a wrong token with help, and lasts until sign-out", async () => {
    const on = await serveQueue({ auth });
    await fill(on.queue);
    const page = await open(on, "#view=jobs&state=dead");
    await heading(page, "Sign in");
    await signIn(page, "wrong");
    await page.getByRole("alert").filter({ hasText: "read or admin" }).waitFor();
    await signIn(page, "the-admin-token");
    await heading(page, "Dead jobs");
    expect(new URL(page.url()).pathname).toBe("/dashboard");
    await page.reload();
    await heading(page, "Dead jobs");
    await page.setViewportSize({ width: 390, height: 844 });
    await press(page, "Sign out");
    await heading(page, "Sign in");
    await page.reload();
    await heading(page, "Sign in");
  });

  test("again after a session has expired loses nothing of the page", async () => {
    const on = await serveQueue({ auth });
    await fill(on.queue);
    const page = await open(on, "#view=jobs&state=dead");
    await signIn(page, "the-admin-token");
    await page.getByLabel("Select order-7").check();
    on.clock.now += 13 * HOUR_MS;
    await press(page, "Refresh now");
    await page.getByRole("dialog", { name: "Your session has ended" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await press(page, "Retry now");
    await signIn(page, "wrong");
    await page.getByRole("alert").filter({ hasText: "read or admin" }).waitFor();
    await signIn(page, "the-admin-token");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await page.getByLabel("Select order-7").isChecked()).toBe(true);
    await press(page, "Retry...");
    await press(page, "Retry 1 job");
    await notice(page, "1 job retried.");
  });

  test("again during an action loses nothing of it", async () => {
    const on = await serveQueue({ auth });
    await fill(on.queue);
    const page = await open(on, "#view=job&id=order-7");
    await signIn(page, "the-admin-token");
    const payload = page.getByLabel("Payload, as JSON");
    const retry = async () => {
      await press(page, "Retry");
      await page.getByRole("dialog", { name: "Your session has ended" }).waitFor();
    };
    await press(page, "Retry with another payload...");
    await payload.fill('{"order": 9}');
    on.clock.now += 13 * HOUR_MS;
    await retry();
    expect(await page.getByText("Authorization").count()).toBe(0);
    await page.keyboard.press("Escape");
    await page.getByLabel("Token").waitFor({ state: "detached" });
    await retry();
    await signIn(page, "the-admin-token");
    await page.getByLabel("Token").waitFor({ state: "detached" });
    expect(await payload.inputValue()).toBe('{"order": 9}');
    expect(await page.getByRole("alert").textContent()).toBe("");
    await press(page, "Retry");
    await notice(page, "1 job retried.");
    expect((await on.queue.getJob("order-7"))?.payload).toEqual({ order: 9 });
  });

  test('and changing things works at an address that contains "dashboard" twice', async () => {
    const on = await serveQueue({ auth }, memoryStore(), "/my-dashboard/queue");
    const page = await open(on);
    await signIn(page, "wrong");
    await page.getByRole("alert").filter({ hasText: "read or admin" }).waitFor();
    await signIn(page, "the-admin-token");
    await press(page, "Pause queue...");
    await press(page, "Pause");
    await notice(page, "default is paused.");
  });

  test("with a read token shows no button that changes anything", async () => {
    const on = await serveQueue({ auth });
    await fill(on.queue);
    await on.queue.flowControl.pause("acme");
    const waits = defineJob({ name: "waits", perform: (_: undefined, job) => job.waitFor("reply", { timeout: "7d" }) });
    const queue = new Queue({ store: on.store, clock: on.clock, jobs: [waits], logger: null });
    await queue.enqueue(waits, undefined, { id: "waits" });
    await queue.drain();
    const page = await open(on);
    await signIn(page, "the-read-token");
    await page.waitForSelector("footer");
    for (const hash of [
      ...["#view=overview", "#view=jobs&state=dead", "#view=job&id=order-7", "#view=schedules", "#view=job&id=waits"],
      ...["#view=upcoming", "#view=type&id=fails", "#view=failures", "#view=flow"],
    ]) {
      await visit(page, hash);
      await page.getByText("Read only").waitFor();
      const buttons = await page.getByRole("button").allTextContents();
      expect(
        buttons.filter(
          (text) =>
            !/^(Sign out|Refresh now|Search|Keys: .*|Theme: .*|Live: .*|Copy|Copy as curl|Job|Job type|State|Attempts|Duration|When|Processed|Retried|Dead|Waiting|(Wait|Duration) p50 \/ p95|Still dead, last hour|Last)$/.test(
              text,
            ),
        ),
      ).toEqual([]);
      expect(await page.locator("main input[type=checkbox]").count()).toBe(0);
    }
    await page.setViewportSize({ width: 390, height: 780 });
    expect(await page.getByText("Read only").isVisible()).toBe(true);
  });

  test("leads on from a queue that does not exist, and out", async () => {
    const page = await open(await serveQueue({ auth }), "#view=jobs&queue=gone");
    await signIn(page, "the-admin-token");
    await heading(page, "There is no queue gone");
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    await page.getByRole("link", { name: "Failures" }).click();
    await heading(page, "Failures");
  });
});
