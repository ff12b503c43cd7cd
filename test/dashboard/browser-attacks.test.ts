import { expect, test } from "vitest";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { heading, notice, patience, press, search, useDashboard } from "./browser-page.ts";
import { meteredStore, openedAt, serveQueue } from "./served-queue.ts";

// What somebody broke who attacked the page from outside.

const { open, openFilled } = useDashboard();

test("a copied command has no control characters: a terminal would obey them, even within quotes", async () => {
  const on = await serveQueue();
  const to = `${"\u007f".repeat(400)}touch /tmp/broken #\u009b\u202e`;
  await on.queue.enqueue("send_email", { to }, { id: "mail-7", delay: "1h" });
  const page = await open(on, "#view=job&id=mail-7", { permissions: ["clipboard-read", "clipboard-write"] });
  for (const what of ["Copy as curl", "Copy the payload"]) {
    await press(page, what);
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await expect.poll(copied, patience).toContain("\\u007ftouch");
    expect(await copied()).not.toMatch(/[\u007f-\u009f\u202e]/);
  }
  const [, body = ""] = /"to": (".*")/.exec(await page.evaluate(() => navigator.clipboard.readText())) ?? [];
  expect(JSON.parse(body)).toBe(to);
});

test("a job that is enqueued again after a lost response is enqueued once, and the page says that it may have been", async () => {
  const { page, on } = await openFilled();
  const { totalEnqueued } = await on.queue.getStats();
  await press(page, "Enqueue...");
  await page.getByLabel("Payload, as JSON").fill('{"to": "ada@example.com"}');
  await page.route("**/jobs", async (route) => {
    await route.fetch();
    await route.abort();
  });
  await press(page, "Enqueue");
  await page.getByText("It may have been done all the same").waitFor();
  await page.unroute("**/jobs");
  await press(page, "Enqueue");
  await notice(page, "A job with this id exists: this is it.");
  expect((await on.queue.getStats()).totalEnqueued).toBe(totalEnqueued + 1);
});

test("a double click runs a schedule once", async () => {
  const { page } = await openFilled("#view=schedules");
  let runs = 0;
  await page.route("**/run", async (route) => {
    runs++;
    await route.continue();
  });
  await page.getByRole("button", { name: "Run report" }).dblclick();
  await notice(page, "report has enqueued a job.");
  expect(runs).toBe(1);
});

test("the page of a running job polls less and less often while nothing is heard of it", async () => {
  const long = defineJob({ name: "long", timeout: "2h", perform: () => new Promise<void>((end) => ends.push(end)) });
  const ends: (() => void)[] = [];
  const queue = new Queue({ store: meteredStore(), jobs: [long], clock: () => openedAt, logger: null });
  await queue.enqueue(long, undefined, { id: "long-1" });
  const drained = queue.drain({ timeBudget: "2h" });
  await expect.poll(() => ends.length, patience).toBe(1);
  const on = await serveQueue({ queues: [queue] });
  const page = await open(on, "#view=job&id=long-1");
  await heading(page, "long");
  for (let minute = 0; minute < 20; minute++) {
    const { polls } = on;
    await page.clock.fastForward(60_000);
    await page.clock.runFor(10);
    // The page sets its next timer when the response has come, which may be after the clock has moved.
    const pollsLater = async () => {
      await page.clock.fastForward(5_000);
      return on.polls;
    };
    if (minute < 2) await expect.poll(pollsLater, patience).toBeGreaterThan(polls);
  }
  expect(on.polls).toBeLessThan(20);
  ends[0]?.();
  await drained;
});

test("a search for an id opens the job in whichever queue it is, which leads to all that contain it, and a search without matches leads to one of everything", async () => {
  const clock = () => openedAt;
  const [mail, imports] = ["mail", "imports"].map(
    (name) => new Queue({ name, store: memoryStore(), clock, logger: null }),
  ) as [Queue, Queue];
  await imports.enqueue("import_rows", { file: "spring.csv" }, { id: "import-7" });
  await mail.enqueue("send_email", { about: "import-7" });
  const page = await open(await serveQueue({ queues: [mail, imports] }), "#view=jobs");
  await search(page).fill("import-7");
  await press(page, "Search");
  await heading(page, "import_rows import-7");
  expect(await page.getByLabel("Queue", { exact: true }).inputValue()).toBe("imports");
  await page.getByRole("link", { name: "All jobs that contain import-7" }).click();
  await page.getByText("Searched all 2 jobs.").waitFor();
  const row = page.locator("tbody tr", { hasText: "import_rows" });
  expect(await page.locator("tbody tr .count").allInnerTexts()).toEqual(["mail", "imports"]);
  expect(await page.getByText("Search everywhere").count()).toBe(0);
  await page.getByRole("link", { name: "about=import-7" }).waitFor();
  // The page of the job has taken the place of the search for its id.
  await page.goBack();
  await heading(page, "import_rows");
  await page.goBack();
  await heading(page, "Jobs");
  // Jobs of several queues with this id are a list.
  await page.getByLabel("Queue", { exact: true }).selectOption("All queues");
  await page.getByText("›").waitFor({ state: "detached" });
  for (const queue of [mail, imports]) await queue.enqueue("twin", {}, { id: "twin-1" });
  await search(page).fill("twin-1");
  await press(page, "Search");
  await page.getByRole("link", { name: "All jobs that contain twin-1" }).waitFor();
  expect(await page.locator("tbody tr .count").allInnerTexts()).toEqual(["mail", "imports"]);
  // Neither the queue, the state nor the field of that search is asked for again.
  await page.goto(page.url().replace(/#.*/, "#view=jobs&state=dead&by=name&search=spring"));
  await page.getByRole("heading", { name: "No matches" }).waitFor();
  await page.getByRole("link", { name: "Search everywhere" }).click();
  await row.getByRole("link").click();
  await heading(page, "import_rows");
  expect(await page.getByLabel("Queue", { exact: true }).inputValue()).toBe("imports");
});

test("two thousand schedules do not keep the browser busy: the list has the first two hundred", async () => {
  const on = await serveQueue();
  for (let number = 0; number < 250; number++)
    await on.queue.schedules.upsert(`every-${number}`, { job: "fails", every: "1h" });
  const page = await open(on, "#view=schedules");
  await page.getByText("These are the first 200 of 250 schedules.").waitFor();
  expect(await page.locator("tbody tr").count()).toBe(200);
});
