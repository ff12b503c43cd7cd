import type { Locator, Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import type { Queue } from "../../src/index.ts";
import { search, useDashboard } from "./browser-page.ts";
import { type LargeWorld, largeWorld } from "./large-world.ts";
import { serveQueue } from "./served-queue.ts";

// Questions of somebody who opens the dashboard for the first time, with 4 queues, 30 job types and 3,000 dead
// jobs in 60 groups. Each has its answer on screen after three actions at most, without scrolling. To read a screen and
// to act takes a person about four seconds, so that is less than fifteen.

const { open } = useDashboard();
let world: LargeWorld;
beforeAll(async () => {
  world = await largeWorld();
  const at = world.clock.now;
  world.clock.now = at - 120_000;
  await world.queues[3]?.enqueueMany(Array.from({ length: 50 }, () => ({ job: "imports_0", payload: {} })));
  world.clock.now = at;
  await world.queues[2]?.pause({ by: "on-call" });
  const child = { job: "billing_3", payload: { error: "no such row" } };
  const month = { children: [child], waitFor: "completed" as const, id: "may-2026" };
  await world.queues[1]?.enqueue("billing_4", {}, month);
  await world.queues[1]?.drain();
  await world.queues[0]?.flowControl.pause("tenant-12", { reason: "CRM is down", by: "on-call" });
  await world.queues[0]?.flowControl.set("tenant-9", { concurrency: 1 }, { by: "ana" });
  const held = { job: "clean_up", payload: {}, id: "slow", flowControl: { key: "tenant-9" } };
  await internalsOf(world.queues[0] as Queue).enqueueHeld([held]);
  await world.queues[1]?.pauseJobs("billing_6", { reason: "CRM is down", by: "on-call" });
});

const MOST_ACTIONS = 3;
const HEIGHT = 800;

interface Asked {
  readonly question: string;
  readonly acts: readonly ((page: Page) => Promise<unknown>)[];
  /** Where the answer stands, and what it says. */
  readonly where: (page: Page) => Locator;
  readonly answer: string | RegExp;
}

const go = (view: string) => (page: Page) => page.getByRole("link", { name: new RegExp(`^${view}`) }).click();
const choose = (queue: string) => (page: Page) => page.getByLabel("Queue", { exact: true }).selectOption(queue);
const row = (text: string) => (page: Page) => page.locator("main tr", { hasText: text }).first();
const attention = (text: string) => (page: Page) => page.locator(".attention li", { hasText: text }).first();
const click = (name: string) => (page: Page) => page.getByRole("link", { name, exact: true }).click();
const press = (name: string) => (page: Page) => page.getByRole("button", { name }).click();
const enter = (page: Page) => page.keyboard.press("Enter");
const firstRow = (page: Page) => page.locator("tbody tr").first();

const asked: readonly Asked[] = [
  {
    question: "how many jobs are dead in all queues",
    acts: [],
    where: row("Total"),
    answer: /3,013/,
  },
  {
    question: "which group of failures is new",
    acts: [choose("All queues"), go("Failures")],
    where: row("the o service refused it"),
    answer: /imports\s+imports_0\s+new/,
  },
  {
    question: "which schedule fails, and why",
    acts: [],
    where: attention("schedule fails"),
    answer: "invoices: Error: No rate for CHF.",
  },
  {
    question: "why a tenant's jobs do not start",
    acts: [],
    where: attention("tenant-12"),
    answer: /it is paused by on-call .*: CRM is down Resume$/,
  },
  {
    question: "does it grow",
    acts: [],
    where: attention("grows"),
    answer: /^imports grows by \d+ a minute$/,
  },
  {
    question: "who paused it, when and why",
    acts: [],
    where: attention("billing_6"),
    answer: /^billing billing_6 paused by on-call .*: CRM is down Resume$/,
  },
  {
    question: "stop this type",
    acts: [go("Job types"), press("Pause media/media_3")],
    where: (page) => page.locator("dialog"),
    answer: /Pause media_3\?.*Reason/s,
  },
  {
    question: "retry these though they still fail",
    acts: [
      go("Failures"),
      (page) =>
        row("the o service")(page)
          .getByRole("button", { name: /^Retry PermanentError/ })
          .click(),
    ],
    where: (page) => page.locator("dialog"),
    answer: /Retry 50 jobs\?.*Queue imports/s,
  },
  {
    question: "what failed in the last hour",
    acts: [go("Failures")],
    where: row("the o service refused it"),
    answer: /\t50\t20 min ago\t50$/,
  },
  {
    question: "who is affected",
    acts: [go("Failures"), (page) => row("the o service")(page).getByRole("link", { name: "Who is affected" }).click()],
    where: (page) => page.locator('[data-key="Who is affected"]'),
    answer: /the o service refused it \(50 of 50\)/,
  },
  {
    question: "which family is stuck on dead children, and how to retry them",
    acts: [],
    where: attention("may-2026"),
    answer: /^billing may-2026 waits for its 1 dead child Retry them\.\.\.$/,
  },
  {
    question: "which family is stuck, in its queue",
    acts: [choose("billing")],
    where: attention("may-2026"),
    answer: /^may-2026 waits for its 1 dead child Retry them\.\.\.$/,
  },
  {
    question: "what needs attention first",
    acts: [],
    where: (page) => page.locator(".attention"),
    answer: /failing since.*schedule fails.*may-2026.*grows.*all jobs paused.*billing_6 paused.*held back/s,
  },
  {
    question: "why does this job wait",
    acts: [(page) => search(page).fill("may-2026"), enter],
    where: (page) => page.locator('[data-key="awaited"]'),
    answer: "Waits for its dead children",
  },
  {
    question: "how fast is a type, against yesterday",
    acts: [go("Job types"), click("today")],
    where: row("billing_0"),
    answer: /601 ms \/ 902 ms\nyesterday 601 ms \/ 902 ms/,
  },
  {
    question: "how much of a type, against yesterday",
    acts: [go("Job types"), click("today")],
    where: row("billing_0"),
    answer: /5\nyesterday 0\s+0\t50\nyesterday 50/,
  },
  {
    question: "what failed yesterday",
    acts: [go("Job types"), click("yesterday"), press("Sort by Dead")],
    where: firstRow,
    answer: /^default\ndefault_0\nPause\.\.\.\n\t0\t0\t50\t/,
  },
  {
    question: "which jobs hold the slots of a key, and who changed its limits",
    acts: [go("Flow control")],
    where: row("tenant-9"),
    answer: /Slots held by clean_up slow \(started now\)\s+Changed by ana now/,
  },
  {
    question: "remove this job",
    acts: [(page) => search(page).fill("the-next"), enter, press("Cancel...")],
    where: (page) => page.locator("dialog"),
    answer: /^Cancel and delete this job\?\s+billing_0 the-next\s+Go back\s+Cancel the job$/,
  },
  {
    question: "which jobs a user has",
    acts: [(page) => search(page).fill("7"), enter, click("user=7")],
    where: firstRow,
    answer: /onboard-7/,
  },
  {
    question: "cancel what waits of a type",
    acts: [go("Job types"), click("imports_0"), press("Cancel waiting...")],
    where: (page) => page.locator("dialog"),
    answer: /50 jobs will not run/,
  },
  {
    question: "in which step a job failed, and how long that took",
    acts: [(page) => search(page).fill("onboard-7"), enter],
    where: (page) => page.locator('[data-key="Steps"] li', { hasText: "charge card" }),
    answer: /2\.3 s.*declined/s,
  },
  {
    question: "which job type is slowest in all queues",
    acts: [choose("All queues"), go("Job types"), press("Sort by Duration")],
    where: firstRow,
    answer: /media_3/,
  },
  { question: "which queue is paused", acts: [], where: attention("media"), answer: /all jobs paused by on-call/ },
  {
    question: "how far an import is",
    acts: [(page) => page.keyboard.press("/"), (page) => page.keyboard.type("half-done"), enter],
    where: (page) => page.locator('[data-key="Progress"]'),
    answer: /40%/,
  },
  {
    question: "what runs in the next hour in a queue",
    acts: [choose("billing"), go("Next hour")],
    where: row("the-next"),
    answer: /in 4 min/,
  },
  {
    question: "why a job with this in its payload died",
    acts: [(page) => search(page).fill("error=the c service refused it"), enter],
    where: firstRow,
    answer: /PermanentError: the c service refused it/,
  },
  {
    question: "how much is processed in a minute",
    acts: [choose("All queues")],
    where: row("imports"),
    answer: /grows by \d+ a minute \(in \d+, out \d+ on average\)/,
  },
];

test.each(asked)("$question: on screen after three actions at most", async ({ acts, where, answer }) => {
  expect(acts.length).toBeLessThanOrEqual(MOST_ACTIONS);
  const page = await open(await serveQueue({ queues: world.queues }), "", {
    viewport: { width: 1280, height: HEIGHT },
  });
  await page.waitForSelector("footer");
  for (const act of acts) await act(page);
  const place = where(page);
  await expect.poll(async () => place.innerText().catch(() => ""), { timeout: 60_000 }).toMatch(answer);
  const box = await place.boundingBox();
  expect((box?.y ?? HEIGHT) + (box?.height ?? 0)).toBeLessThanOrEqual(HEIGHT);
});
