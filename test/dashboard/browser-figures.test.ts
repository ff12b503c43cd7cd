import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { defineJob, type FailureGroup, memoryStore, PermanentError, Queue } from "../../src/index.ts";
import { heading, notice, patience, press, useDashboard } from "./browser-page.ts";
import { openedAt, type ServedQueue, serveQueue } from "./served-queue.ts";

// What broke, and how is each job doing: 6,600 dead jobs of 30 names and eight kinds of errors.

const HOUR_MS = 3_600_000;
const NAMES = 30;
const KINDS = 8;
const DEAD = 6_600;

const { open, openFilled } = useDashboard();

const nameOf = (index: number) => `job_${String(index % NAMES).padStart(2, "0")}`;

/** A queue that has been failing for two hours. A job is dead unless its payload says otherwise. */
async function serveBroken(): Promise<ServedQueue> {
  const clock = { now: openedAt - 2 * HOUR_MS };
  const jobs = Array.from({ length: NAMES }, (_, index) =>
    defineJob({
      name: nameOf(index),
      perform({ order }: { order: number }) {
        if (order >= 0) throw new PermanentError(`Kind ${"ABCDEFGH"[order % KINDS]}: order ${order} was refused.`);
        return {};
      },
    }),
  );
  const store = memoryStore();
  const queue = new Queue({ store, jobs, clock: () => clock.now, logger: null });
  const run = async (orders: readonly number[]) => {
    await queue.enqueueMany(orders.map((order) => ({ job: nameOf(Math.abs(order)), payload: { order } })));
    await queue.drain({ maxJobs: DEAD, batchSize: 1_000, concurrency: 1_000, timeBudget: "5m" });
  };
  await run(Array.from({ length: DEAD / 2 }, (_, order) => order));
  clock.now = openedAt - 60_000;
  await run(Array.from({ length: DEAD / 2 }, (_, order) => DEAD / 2 + order));
  await run([-37, -67]);
  clock.now = openedAt;
  return { ...(await serveQueue({ queues: [queue] })), queue };
}

const rows = async (page: Page) =>
  (await page.locator("tbody tr").allInnerTexts()).map((text) => text.split(/\s*[\n\t]\s*/));

test("what broke, since when, and its repair are a click away", async () => {
  const on = await serveBroken();
  const page = await open(on);
  await page.getByRole("heading", { name: "What broke" }).waitFor();
  expect(await page.locator(".failures tbody tr").count()).toBe(3);
  await page.getByRole("link", { name: "All failures" }).click();
  await heading(page, "Failures");
  await page.locator("tbody tr").nth(99).waitFor();
  await page.getByText("These are the latest 100 of").waitFor();
  const [worst] = (await on.queue.getFailures({ limit: 1_000 })).failures;
  if (!worst) throw new Error("Something is dead.");
  const what = ({ name, error }: FailureGroup) => `${error.name} of ${name}: ${error.message}`;
  const [first] = await rows(page);
  expect(first?.slice(0, 2)).toEqual([
    `${worst.name} new since 10:00, 2 h ago`,
    `PermanentError ${worst.error.message}`,
  ]);
  expect(first?.slice(-3)).toEqual([String(worst.trend.at(-1)), "60 s ago", String(worst.count)]);
  // Its jobs.
  await page.locator("tbody tr a").first().click();
  await heading(page, `${worst.name}: PermanentError`);
  const shown = Math.min(100, worst.count);
  await page
    .locator("td.job code")
    .nth(shown - 1)
    .waitFor();
  expect(await page.locator("td.job a").allTextContents()).toEqual(Array(shown).fill(worst.name));
  expect(await page.locator('[data-key="Last hour"]').innerText()).toContain("dead job");
  expect(await page.locator('[data-key="Who is affected"]').innerText()).toContain("No payload field is shared by");
  await page.getByLabel("Select all on this page").check();
  await press(page, "Remove...");
  await page.getByText(`This removes ${worst.count} jobs for good`).waitFor();
  expect(await page.locator(".subject").innerText()).toContain(`${worst.name} (${worst.count})`);
  await press(page, "Go back");
  // Its repair.
  const dead = async () => (await on.queue.getStats()).deadLetterCount;
  await press(page, "Edit newest...");
  await page.getByText(`The other ${worst.count - 1} of this failure stay dead.`).waitFor();
  expect(await page.locator(".subject").innerText()).toBe(`${worst.name} ${worst.sampleId}`);
  await page.getByLabel("Payload, as JSON").fill('{"order": -1}');
  await press(page, "Retry");
  await notice(page, "1 job retried.");
  expect(await on.queue.getJob(worst.sampleId)).toMatchObject({ state: "ready", payload: { order: -1 } });
  expect(await dead()).toBe(DEAD - 1);
  await page.goBack();
  await press(page, `Retry ${what(worst)}`);
  expect(await page.locator(".subject").innerText()).toBe(`${worst.name} PermanentError: ${worst.error.message}`);
  await press(page, `Retry ${worst.count - 1} jobs`);
  await notice(page, `${worst.count - 1} jobs retried.`);
  expect(await dead()).toBe(DEAD - worst.count);
  const [next] = (await on.queue.getFailures({ limit: 1_000 })).failures;
  if (!next) throw new Error("Something is still dead.");
  await press(page, `Remove ${what(next)}`);
  await page.getByText(`This removes ${next.count} jobs for good`).waitFor();
  // Somebody else removes one meanwhile.
  await on.queue.removeFromDeadLetter(next.sampleId);
  await press(page, `Remove ${next.count} jobs`);
  await notice(page, `${next.count - 1} jobs removed.`);
  expect(await dead()).toBe(DEAD - worst.count - next.count);

  // How each job is doing.
  await page.getByRole("link", { name: "Job types" }).click();
  await heading(page, "Job types");
  await expect.poll(() => page.locator("tbody tr").count(), patience).toBe(NAMES);
  const [{ total } = { total: undefined }] = (await on.queue.getFigures()).names.filter(
    ({ name }) => name === "job_07",
  );
  const of = async (name: string) => (await rows(page)).find((cells) => cells[0] === name);
  expect((await of("job_07"))?.slice(0, 5)).toEqual(["job_07", "Pause...", "2", "0", "110"]);
  expect(total).toMatchObject({ processed: 2, dead: 220 });
  expect((await of(worst.name))?.[5]).toBe(String(worst.count));
  await press(page, "Sort by Processed");
  // The links of the page keep the order once it has it.
  await page.locator("th[aria-sort]", { hasText: "Processed" }).waitFor();
  await page.getByRole("link", { name: "today", exact: true }).click();
  await expect.poll(async () => (await of("job_07"))?.[5], patience).toBe("220");
  await expect.poll(async () => (await rows(page))[0]?.[0], patience).toBe("job_07");
});

test("the charts are read with the pointer and the keyboard", async () => {
  const { page } = await openFilled();
  const throughput = page.locator("section.chart", { hasText: "Throughput" });
  const legend = () => throughput.locator(".legend").innerText();
  const chart = throughput.locator("svg[role=img]");
  const box = await chart.boundingBox();
  if (!box) throw new Error("The chart is shown.");
  expect(await legend()).toMatch(/^1 processed\s*2 dead\s*$/);
  await chart.hover({ position: { x: box.width / 2, y: 20 } });
  await expect.poll(legend, patience).toMatch(/^0 processed\s*0 dead\s*11:31$/);
  await throughput.getByRole("slider").focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowRight");
  await expect.poll(legend, patience).toMatch(/^1 processed\s*2 dead\s*12:00$/);
  expect(await throughput.getByRole("slider").getAttribute("aria-valuetext")).toBe("12:00: 1 processed, 2 dead");
  // The axis has whole numbers, beside the bars.
  expect(await throughput.locator(".plot small").allTextContents()).toEqual(["4", "2"]);
  const [axis, bars] = [await throughput.locator(".middle").boundingBox(), await chart.boundingBox()];
  expect((axis?.x ?? 0) + (axis?.width ?? 0)).toBeLessThan(bars?.x ?? 0);
  // A bar is as high as its share says.
  const heights = await chart
    .locator("rect[class]:not(.at)")
    .evaluateAll((all) => all.map((bar) => bar.getAttribute("height")));
  expect(heights).toEqual(["35.00", "70.00"]);
  // Each chart has its own range.
  const latency = page.locator("section.chart", { hasText: "Latency" });
  const points = (of: typeof latency) => of.locator("svg[role=img]").getAttribute("data-with");
  await latency.getByRole("link", { name: "2 weeks" }).click();
  await expect.poll(() => points(latency), patience).toBe("weeks 336");
  expect(await points(throughput)).toBe("minutes 60");
  await throughput.getByRole("link", { name: "day" }).click();
  await expect.poll(() => points(throughput), patience).toBe("day 24");
  expect(await points(latency)).toBe("weeks 336");
  await page.setViewportSize({ width: 1_280, height: 900 });
  const heightsOfBoth = async () =>
    Promise.all([throughput, latency].map(async (of) => (await of.boundingBox())?.height));
  const [before] = await heightsOfBoth();
  await latency.getByText("As a table").click();
  await expect.poll(async () => (await heightsOfBoth())[1], patience).toBeGreaterThan(before ?? 0);
  expect((await heightsOfBoth())[0]).toBe(before);
});
