import axe from "axe-core";
import { expect, test } from "vitest";
import { defineJob, PermanentError, Queue } from "../../src/index.ts";
import { heading, notice, patience, press, useDashboard } from "./browser-page.ts";
import { type ServedQueue, serveQueue } from "./served-queue.ts";

const { open } = useDashboard();

const importRow = defineJob({
  name: "import_row",
  perform({ row }: { row: number }) {
    if (row < 2) throw new PermanentError(`row ${row} has no address`);
    return { imported: row };
  },
});
const report = defineJob({ name: "report", perform: () => "done" });

/** A report on 60 rows: two of them dead, one cancelled, six still waiting. */
async function enqueueReport({ store, clock }: ServedQueue, waitFor: "ended" | "completed") {
  const queue = new Queue({ store, jobs: [importRow, report], clock, logger: null });
  const children = Array.from({ length: 60 }, (_, row) => ({
    ...{ job: importRow, payload: { row } },
    ...(row >= 2 && row < 9 && { delay: "1h" as const }),
  }));
  await queue.enqueue(report, undefined, { id: "may", waitFor, children });
  await queue.drain();
  await queue.cancel("may/000008");
  return queue;
}

test("a job that waits shows its dead children first, all by state and by page, and each child its parent", async () => {
  const on = await serveQueue();
  await enqueueReport(on, "ended");
  const page = await open(on, "#view=job&id=may");
  await heading(page, "report");
  const card = page.locator("section.card", { hasText: "Children by state" });
  expect(await card.locator(".row").allInnerTexts()).toEqual([
    "54 of 60",
    expect.stringMatching(/^6 waiting or running\s+51 completed\s+2 dead\s+1 dropped$/),
  ]);
  await card.getByRole("img", { name: "54 of 60 have ended, 2 of them dead" }).waitFor();
  expect(await card.locator("rect.dead").getAttribute("width")).toBe("2");
  await page.getByText("Waits for 6 of its children.").waitFor();
  await page.getByRole("button", { name: "Reschedule..." }).waitFor();
  expect(await page.getByRole("button", { name: "Run now" }).count()).toBe(0);

  const rows = page.locator("tbody tr");
  expect(await rows.count()).toBe(2);
  await page.getByRole("link", { name: "All children" }).click();
  await expect.poll(() => rows.count(), patience).toBe(49);
  expect(await rows.nth(0).innerText()).toMatch(
    /^import_row may\/000000\s+PermanentError: row 0 has no address\s+\{"row":0\}\s+dead/,
  );
  expect(await rows.nth(2).innerText()).toMatch(/^import_row may\/000002\s+\{"row":2\}\s+scheduled/);
  expect(await rows.nth(8).innerText()).toMatch(
    /^import_row may\/000009\s+\{"imported":9\}\s+completed\s[\s\S]*\s0 ms\s/,
  );
  await page.getByRole("link", { name: "Next page" }).click();
  await expect.poll(() => rows.count(), patience).toBe(10);
  await page.clock.resume();
  await page.evaluate(axe.source);
  expect(await page.evaluate(() => Reflect.get(window, "axe").run())).toMatchObject({ violations: [] });

  await page.getByRole("link", { name: "import_row" }).first().click();
  await page.getByText('"row": 50').waitFor();
  await page.getByRole("link", { name: "may", exact: true }).click();
  await heading(page, "report");
  await page.getByRole("heading", { name: "Dead children" }).waitFor();
});

test("a job that dead children hold names them, retries them, and runs once they are removed", async () => {
  const on = await serveQueue();
  const queue = await enqueueReport(on, "completed");
  on.clock.now += 3_600_000;
  await queue.drain();
  const page = await open(on, "#view=job&id=may");
  const held = page.getByText("Waits for its dead children: retry or remove them.");
  await held.waitFor();
  await page.getByRole("link", { name: "2 dead" }).click();
  await expect
    .poll(() => page.locator("tbody tr").allInnerTexts(), patience)
    .toEqual([expect.stringContaining("may/000000"), expect.stringContaining("may/000001")]);
  await press(page, "Retry 2 dead children...");
  await page.locator("dialog", { hasText: "The dead children of may" }).waitFor();
  await press(page, "Retry 2 jobs");
  await notice(page, "2 jobs retried.");
  await page.getByText("Waits for 2 of its children.").waitFor();
  await queue.drain();
  await press(page, "Refresh now");
  await held.waitFor();
  await queue.removeFromDeadLetter({ ids: ["may/000000", "may/000001"] });
  await press(page, "Refresh now");
  await held.waitFor({ state: "detached" });
  await queue.drain();
  await press(page, "Refresh now");
  await page.getByText("Attempt 1 completed").waitFor();
  const card = page.locator("section.card", { hasText: "Children by state" });
  expect(await card.locator(".row").last().innerText()).toMatch(
    /^0 waiting or running\s+57 completed\s+0 dead\s+3 dropped$/,
  );
});

test("the children of a finished job are counted as they were, and none can be retried once none is dead", async () => {
  const on = await serveQueue();
  const queue = await enqueueReport(on, "ended");
  on.clock.now += 3_600_000;
  await queue.drain({ maxJobs: 100 });
  const page = await open(on, "#view=job&id=may");
  const card = page.locator("section.card", { hasText: "Children by state" });
  await card.getByText("when this job stopped waiting").waitFor();
  await card.locator(".dead", { hasText: "2 dead" }).waitFor();
  await queue.retryFromDeadLetter({ ids: ["may/000000", "may/000001"] });
  await page.keyboard.press("r");
  await page.getByText("None of its children is dead any more").waitFor();
  await card.locator(".retried", { hasText: "2 dead" }).waitFor();
  expect(await page.getByRole("button", { name: "Retry its dead children..." }).count()).toBe(0);
});
