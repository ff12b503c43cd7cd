import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { clockByHand } from "../support/clock.ts";
import { sendEmail } from "../support/jobs.ts";
import { auth, heading, notice, patience, press, search, signIn, useDashboard } from "./browser-page.ts";
import { enqueueUnknown, openedAt, serveQueue } from "./served-queue.ts";

const HOUR_MS = 3_600_000;

const { open, openFilled } = useDashboard();

describe("the overview", () => {
  test("counts by state, and shows the last hour as a chart and a table", async () => {
    const { page } = await openFilled();
    const states = await page.locator(".states a").allTextContents();
    expect(states).toEqual([
      "scheduled1",
      "ready1in 0, out 0 a minute on average; oldest 0 ms",
      "running0",
      "completed1",
      "dead2",
    ]);
    const throughput = page.locator("section", { hasText: "Throughput" });
    await throughput.getByText("As a table").click();
    expect(await throughput.locator("table tr").allInnerTexts()).toEqual([
      "Minute\tprocessed\tretried\tdead",
      "12:00\t1\t0\t2",
    ]);
    expect(await page.locator("svg[role=img]").first().getAttribute("aria-label")).toBe(
      "Throughput: 1 processed, 2 dead",
    );
    await page.locator(".states a", { hasText: "dead" }).click();
    await heading(page, "Dead jobs");
    await page.goBack();
    await heading(page, "Overview");
  });

  test("shows help if there are no jobs yet", async () => {
    const on = await serveQueue({ auth });
    const page = await open(on);
    await signIn(page, "the-admin-token");
    await page.getByText("No jobs yet").waitFor();
    expect(await page.locator("pre").textContent()).toBe(
      `curl ${on.url}/queues/default/jobs -H "Authorization: Bearer $TOKEN" --json '{"name":"send_email","payload":{}}'`,
    );
  });

  test("pauses and resumes the queue", async () => {
    const { page, on } = await openFilled();
    await press(page, "Pause queue...");
    await page.getByText("Running jobs go on. Others wait until someone resumes it.").waitFor();
    expect((await on.queue.getStats()).paused).toBe(false);
    await press(page, "Pause");
    await notice(page, "default is paused.");
    expect((await on.queue.getStats()).paused).toBe(true);
    await page.getByText("Paused now: no job starts.").waitFor();
    await press(page, "Resume queue");
    await notice(page, "default is running again.");
    expect((await on.queue.getStats()).paused).toBe(false);
  });
});

test("the page says who has paused the queue, and who changed what", async () => {
  const on = await serveQueue({ auth: { admin: [{ token: "the-admin-token", name: "on-call" }] } });
  await on.queue.enqueue("send_email", { to: "ada" }, { delay: "1h" });
  const page = await open(on);
  await signIn(page, "the-admin-token");
  await press(page, "Pause queue...");
  await press(page, "Pause");
  // One box, so that no gap stands between its parts.
  await page.locator(".banner span", { hasText: "Paused by on-call now: no job starts." }).waitFor();
  await on.queue.clear({ by: "cleanup" });
  await on.queue.enqueue("send_email", { to: "ada" }, { id: "june", delay: "1h" });
  await on.queue.cancelPending({ ids: ["june"] }, { by: "ana" });
  await on.queue.resume();
  await on.queue.enqueue("fails", null);
  await on.queue.enqueue("send_email", { to: "ada" }, { id: "may", children: [{ job: "fails" }, { job: "fails" }] });
  await on.queue.drain();
  await on.queue.retryFromDeadLetter({ ids: ["may/000000", "may/000001"] }, { by: "ana" });
  await on.queue.drain();
  const [failure] = (await on.queue.getFailures()).failures;
  await on.queue.retryFromDeadLetter({ group: failure?.group ?? "" }, { by: "ana" });
  await page.getByRole("link", { name: "Changes" }).click();
  await heading(page, "Changes");
  const rows = page.locator("tbody tr");
  await expect
    .poll(() => rows.allInnerTexts(), patience)
    .toEqual([
      "Retried dead jobs of one failure See what became of them\tana\t3\tnow 1 Mar, 12:00",
      "Retried dead jobs of may See what became of them\tana\t2\tnow 1 Mar, 12:00",
      "Cancelled job june\tana\t1\tnow 1 Mar, 12:00",
      "Cleared pending jobs\tcleanup\t1\tnow 1 Mar, 12:00",
      "Paused the queue\ton-call\t\tnow 1 Mar, 12:00",
    ]);
  // On a phone, a time of day takes one line.
  await page.setViewportSize({ width: 390, height: 780 });
  expect((await rows.first().getByText("1 Mar, 12:00").last().boundingBox())?.height).toBeLessThan(24);
  await page.getByRole("link", { name: "one failure" }).click();
  await heading(page, "One group of failures");
  await page.goBack();
  await page.getByRole("link", { name: "See what became of them" }).first().click();
  await heading(page, "Retried jobs");
  await expect.poll(() => page.locator("tbody tr").count(), patience).toBe(3);
});

describe("jobs", () => {
  test("are found by state, name and id", async () => {
    const { page } = await openFilled("#view=jobs");
    const ids = () => page.locator("td.job code").allTextContents();
    await expect
      .poll(async () => (await ids()).sort(), patience)
      .toEqual(["mail-1", "mail-2", "mail-3", "order-7", "order-8"]);
    await page.getByRole("link", { name: /^scheduled/ }).click();
    await expect.poll(ids, patience).toEqual(["mail-3"]);
    await page.getByRole("link", { name: "all", exact: true }).click();
    await expect.poll(async () => (await ids()).length, patience).toBe(5);
    await search(page).fill("send_email");
    await page.keyboard.press("Enter");
    await expect.poll(async () => (await ids()).sort(), patience).toEqual(["mail-1", "mail-2", "mail-3"]);
    await search(page).fill("nothing");
    await press(page, "Search");
    await page.getByText("No job matches nothing.").waitFor();
    await page.goBack();
    await expect.poll(async () => (await ids()).length, patience).toBe(3);
    await search(page).fill("order-8");
    await press(page, "Search");
    await heading(page, "fails order-8");
  });

  test("show their contents, and can be run at once or cancelled", async () => {
    const { page, on } = await openFilled("#view=job&id=mail-3");
    await heading(page, "send_email");
    expect(JSON.parse((await page.locator("pre").first().textContent()) ?? "")).toEqual({ to: "edsger@example.com" });
    await press(page, "Run now");
    await notice(page, "1 job due now.");
    expect((await on.queue.getJob("mail-3"))?.state).toBe("ready");
    await press(page, "Cancel...");
    await press(page, "Go back");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await on.queue.pauseJobs("fails");
    await press(page, "Cancel...");
    await press(page, "Cancel the job");
    await notice(page, "1 job cancelled.");
    expect(await page.locator(".empty").innerText()).toMatch(/^1 job cancelled\.\s+No job has this id now\.$/);
    // A type that is paused is no matter of this job's.
    expect(await page.getByText("was paused").count()).toBe(0);
    expect(await on.queue.getJob("mail-3")).toBeNull();
  });

  test("show their result, or the error that killed them", async () => {
    const { page, on } = await openFilled("#view=job&id=mail-1");
    await page.getByRole("heading", { name: "Result" }).waitFor();
    expect(await page.locator("pre").last().textContent()).toContain('"sent": true');
    const timeline = async () =>
      (await page.locator(".timeline li .row").allTextContents()).map((text) => text.replace(/\d+ Mar.*/, ""));
    expect(await timeline()).toEqual(["Attempt 1 completedtook 0 ms", "Enqueued"]);
    await page.goto(`${on.url}/dashboard#view=job&id=order-7`);
    await page.locator(".message", { hasText: "Error: no luck" }).waitFor();
    expect(await timeline()).toEqual(["Attempt 1 failed: the job is deadtook 0 ms", "Enqueued"]);
    await page.getByText("Stack").click();
    await page.locator("details pre", { hasText: "Error: no luck" }).waitFor();
  });

  test("show every attempt before and after each retry from the dead-letter queue", async () => {
    const on = await serveQueue();
    const mail = defineJob({
      name: "mail",
      maxRetries: 1,
      perform({ to }: { to: string }, job) {
        job.log(`Writes to ${to}.`);
        if (to.startsWith("bad")) throw new Error(`no mailbox ${to}`);
      },
    });
    const queue = new Queue({ store: on.store, jobs: [mail], clock: on.clock, logger: null });
    const drain = async () => {
      on.clock.now += HOUR_MS;
      await queue.drain();
    };
    const retry = async (to: string) => {
      on.clock.now += HOUR_MS;
      await queue.retryFromDeadLetter("revived", { payload: { to } });
    };
    await queue.enqueue(mail, { to: "bad-1" }, { id: "revived" });
    await drain();
    await drain();
    await retry("bad-2");
    const page = await open(on, "#view=job&id=revived");
    const timeline = async () =>
      (await page.locator(".timeline > li").allInnerTexts()).map((text) =>
        text.split(/\s*\n\s*|^[\d:]+\t/m).filter((line) => line && !/ Mar 2026|^Stack$|^took /.test(line)),
      );
    const failed = (title: string, to: string) => [title, `Error: no mailbox ${to}`, `Writes to ${to}.`];
    const retried = ["Retried from the dead-letter queue"];
    const dead1 = [failed("Attempt 2 failed", "bad-1"), failed("Attempt 1 failed", "bad-1"), ["Enqueued"]];
    await expect.poll(timeline, patience).toEqual([["Due"], retried, ...dead1]);
    await drain();
    await drain();
    await press(page, "Refresh now");
    await page.getByText("Attempt 2 failed: the job is dead").waitFor();
    const dead2 = [failed("Attempt 1 failed", "bad-2"), retried, ...dead1];
    expect(await timeline()).toEqual([failed("Attempt 2 failed: the job is dead", "bad-2"), ...dead2]);
    await retry("ada");
    await drain();
    await press(page, "Refresh now");
    await page.getByText("Attempt 1 completed").waitFor();
    expect(await timeline()).toEqual([
      ["Attempt 1 completed", "Writes to ada."],
      retried,
      failed("Attempt 2 failed", "bad-2"),
      ...dead2,
    ]);
  });

  test("that contain HTML, or characters that reorder text, are shown as text", async () => {
    const on = await serveQueue();
    const evil = `<img src=x onerror="alert(1)"><script>alert(2)</script>'"&`;
    const reordered = `${evil}\u202efdp`;
    await enqueueUnknown(on, evil, { [evil]: reordered }, evil);
    await on.queue.drain();
    const page = await open(on, "#view=jobs&state=dead");
    await page.getByRole("link", { name: evil }).click();
    await heading(page, evil);
    const payload = (await page.locator("pre").first().textContent()) ?? "";
    expect(JSON.parse(payload)).toEqual({ [evil]: reordered });
    expect(payload).toContain("\\u202efdp");
    expect(await page.locator("body").textContent()).not.toContain("\u202e");
    await press(page, "Retry with another payload...");
    expect(JSON.parse(await page.getByRole("textbox").inputValue())).toEqual({ [evil]: reordered });
    await press(page, "Go back");
    await page.goto(`${on.url}/dashboard#view=jobs&search=${encodeURIComponent(evil)}`);
    await page.getByRole("link", { name: `All jobs that contain ${evil}` }).click();
    await page.locator("tbody").getByRole("link", { name: evil }).waitFor();
    expect(await page.locator("img, script:not([type=module])").count()).toBe(0);
  });
});

describe("flow control", () => {
  test("shows keys, the busiest first, with why their jobs wait, and pauses them with a reason", async () => {
    const on = await serveQueue();
    const { queue, clock } = on;
    const flowControl = (key: string) => ({ flowControl: { key, rate: 1, period: "1m" } as const });
    await queue.enqueueMany(["a", "b", "c"].map((id) => ({ job: "fails", id, ...flowControl("mail/api") })));
    await queue.flowControl.set("tenant-7", { concurrency: 2 }, { by: "ana" });
    await queue.drain();
    const held = { job: "fails", payload: null, id: "slow", flowControl: { key: "tenant-7" } };
    await internalsOf(queue).enqueueHeld([held]);
    const page = await open(on, "#view=flow");
    await heading(page, "Flow control");
    const rows = async () => (await page.locator("tbody tr").allInnerTexts()).map((text) => text.split(/\s*[\n\t]\s*/));
    await expect.poll(rows, patience).toEqual([
      [
        ...["mail/api", "Limits: 1 per 1m; 1 of 1 started, window closes in 60 s"],
        ...["Held back: its limit for this window is reached (rate)", "Pause...", "Limits...", "0", "2"],
      ],
      [
        ...["tenant-7 pinned", "Limits: 2 at once", "Slots held by fails slow (started now)"],
        ...["Changed by ana now", "Pause...", "Limits...", "Unpin...", "1", "0"],
      ],
    ]);
    await press(page, "Pause mail/api");
    await page.getByLabel("Reason").fill("The API is down");
    await press(page, "Pause");
    await notice(page, "mail/api is paused.");
    expect(await queue.flowControl.get("mail/api")).toMatchObject({ paused: true });
    await expect.poll(async () => (await rows())[0]?.[0], patience).toBe("mail/api paused now: The API is down");
    await press(page, "Resume mail/api");
    await notice(page, "mail/api is running again.");
    expect(await queue.flowControl.get("mail/api")).toMatchObject({ paused: false });
    expect(clock.now).toBe(openedAt);
  });

  test("sets the limits of a key, shows what is wrong at its field, and unpins them", async () => {
    const on = await serveQueue();
    const { flowControl } = on.queue;
    await on.queue.enqueue("fails", null, { flowControl: { key: "mail/api", rate: 5, period: "1m" } });
    const page = await open(on, "#view=flow");
    await press(page, "Change the limits of mail/api");
    const dialog = page.getByRole("dialog");
    expect(await dialog.locator(".subject").textContent()).toBe("mail/api Limits: 5 per 1m");
    const field = (name: string) => dialog.getByLabel(name, { exact: true });
    const refused = async (name: string, reason: string) => {
      await press(page, "Set limits");
      await dialog.getByRole("alert").filter({ hasText: reason }).waitFor();
      await expect.poll(() => field(name).getAttribute("aria-invalid"), patience).toBe("true");
      expect(await dialog.locator("[aria-invalid]").count()).toBe(1);
      expect(await field(name).evaluate((input) => input === document.activeElement)).toBe(true);
    };
    expect(await field("Period").inputValue()).toBe("1m");
    await field("Concurrency (jobs at once)").fill("many");
    await refused("Concurrency (jobs at once)", "concurrency must be a whole number");
    await field("Concurrency (jobs at once)").fill("2");
    await field("Period").fill("soon");
    await refused("Period", "period must be");
    await field("Period").fill("");
    await refused("Rate (starts per period)", "rate needs a period");
    expect(await flowControl.get("mail/api")).toMatchObject({ concurrency: null, rate: 5, pinned: false });
    await field("Rate (starts per period)").fill("");
    await press(page, "Set limits");
    await notice(page, "The limits of mail/api are set.");
    expect(await flowControl.get("mail/api")).toMatchObject({ concurrency: 2, rate: null, pinned: true });
    await press(page, "Unpin mail/api");
    await press(page, "Unpin");
    await notice(page, "The limits of mail/api are no longer pinned.");
    expect(await flowControl.get("mail/api")).toMatchObject({ pinned: false });
    await press(page, "Set limits...");
    await field("Key").fill("new");
    await dialog.locator("select").selectOption("yes");
    await press(page, "Set limits");
    await notice(page, "The limits of new are set.");
    expect(await flowControl.get("new")).toMatchObject({ ordered: true, pinned: true });
  });

  test("finds one key, reports an unknown one, and says how to start", async () => {
    const on = await serveQueue();
    const page = await open(on, "#view=flow");
    await page.getByRole("heading", { name: "No keys are in use" }).waitFor();
    await on.queue.flowControl.pause("a & b");
    await on.queue.flowControl.pause("other");
    await page.getByRole("searchbox", { name: "Key" }).fill("a & b");
    await press(page, "Search");
    await expect
      .poll(async () => page.locator("tbody tr").allInnerTexts(), patience)
      .toEqual([expect.stringContaining("a & b paused")]);
    await page.getByRole("searchbox", { name: "Key" }).fill("nobody");
    await press(page, "Search");
    await page.getByText('Nothing waits or runs under the key "nobody"').waitFor();
  });

  test("shows on a job's page which key holds it back, why and until when", async () => {
    const on = await serveQueue();
    const flowControl = { key: "<b>api</b>", rate: 1, period: "1m" } as const;
    await on.queue.enqueue("fails", null, { flowControl });
    await on.queue.enqueue("fails", null, { id: "held", flowControl });
    await on.queue.drain();
    const page = await open(on, "#view=job&id=held");
    await page
      .getByText("Waits for the key <b>api</b>: its limit for this window is reached (rate), for 60 s.")
      .waitFor();
    await page.getByRole("link", { name: "<b>api</b>" }).click();
    await heading(page, "Flow control");
    await page.getByText("Limits: 1 per 1m").waitFor();
    await on.queue.enqueue("fails", null, { id: "free", flowControl: { key: "free" } });
    await page.goto(`${on.url}/dashboard#view=job&id=free`);
    await page.getByText(/^Waits for its turn among \d ready job/).waitFor();
    await on.queue.flowControl.pause("free", { by: "ben", reason: "CRM is slow" });
    await press(page, "Refresh now");
    await page.getByText("Waits for the key free: it is paused by ben now: CRM is slow.").waitFor();
    await press(page, "Resume the key (1 waiting)");
    await notice(page, "free is running again.");
    await on.queue.flowControl.pause("free");
    await on.queue.pauseJobs("fails", { reason: "CRM is down" });
    await press(page, "Refresh now");
    await page.getByText("Waits for its job type to be resumed.").waitFor();
    expect(await page.getByRole("button", { name: /^Resume the key/ }).count()).toBe(0);
    await on.queue.pause();
    await press(page, "Refresh now");
    await page.getByText("Waits for the queue to be resumed.").waitFor();
  });
});

describe("the dead letter", () => {
  test("shows how many jobs are affected, and retries the selected ones", async () => {
    const { page, on } = await openFilled("#view=jobs&state=dead");
    await page.getByLabel("Select order-7").check();
    await press(page, "Retry...");
    await page.getByRole("dialog", { name: "Retry 1 job?" }).waitFor();
    expect(await page.locator(".subject").innerText()).toBe("fails order-7");
    expect((await on.queue.getJob("order-7"))?.state).toBe("dead");
    await press(page, "Retry 1 job");
    await notice(page, "1 job retried.");
    expect((await on.queue.getJob("order-7"))?.state).toBe("ready");
    expect((await on.queue.getJob("order-8"))?.state).toBe("dead");
  });

  test("asks before it removes jobs, and shows no group of them any more, even while it loads", async () => {
    const { page, on } = await openFilled("#view=failures");
    await page.locator(".message", { hasText: "no luck" }).waitFor();
    await page.getByRole("link", { name: "All 2 dead jobs" }).click();
    await page.locator("tbody tr", { hasText: '{"order":7}' }).waitFor();
    await page.getByLabel("Select all on this page").check();
    await press(page, "Remove...");
    await page.getByText("This removes 2 jobs for good").waitFor();
    await page.keyboard.press("Escape");
    expect((await on.queue.getStats()).deadLetterCount).toBe(2);
    await press(page, "Remove...");
    await press(page, "Remove 2 jobs");
    await notice(page, "2 jobs removed.");
    await page.getByRole("heading", { name: "No dead jobs" }).waitFor();
    expect((await page.getByRole("link", { name: "Failures" }).textContent())?.trim()).toBe("Failures");
    await page.route("**/dashboard/data?*", () => {});
    await page.getByRole("link", { name: "Failures" }).click();
    await page.locator('main:has([aria-busy="true"]) h1', { hasText: "Failures" }).waitFor();
    expect(await page.locator(".message").count()).toBe(0);
  });

  test("sends an action once, however long it takes", async () => {
    const { page } = await openFilled("#view=jobs&state=dead");
    let go = () => {};
    let removals = 0;
    await page.route("**/dead-letter/remove", async (route) => {
      if (!route.request().postData()?.includes('"dryRun":true')) {
        removals++;
        await new Promise<void>((resolve) => {
          go = resolve;
        });
      }
      await route.continue();
    });
    await page.getByLabel("Select order-7").check();
    await press(page, "Remove...");
    const button = page.getByRole("button", { name: "Remove 1 job" });
    await button.click();
    await expect.poll(() => removals, patience).toBe(1);
    expect(await button.isDisabled()).toBe(true);
    await button.dispatchEvent("click");
    go();
    await notice(page, "1 job removed.");
    expect(removals).toBe(1);
  });

  test("retries a job with another payload, which must be JSON and fit the schema", async () => {
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
    await page.getByRole("alert").filter({ hasText: "in JSON at position 1" }).waitFor();
    await retry('{"to": 7}');
    await page.getByRole("alert").filter({ hasText: "send_email" }).waitFor();
    await retry('{"to": "ada@example.com"}');
    await notice(page, "1 job retried.");
    expect(await on.queue.getJob("old")).toMatchObject({ payload: { to: "ada@example.com" } });
  });

  test("with hundreds of jobs can be paged through, and retried as a whole", async () => {
    const on = await serveQueue();
    await on.queue.enqueueMany(Array.from({ length: 600 }, (_, order) => ({ job: "fails", payload: { order } })));
    await on.queue.drain({ maxJobs: 600, batchSize: 1_000, concurrency: 1_000, timeBudget: "5m" });
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
    await press(page, "Select all 600");
    await press(page, "Retry...");
    await press(page, "Retry 600 jobs");
    await notice(page, "600 jobs retried.");
    expect(await on.queue.getStats()).toMatchObject({ deadLetterCount: 0, readyCount: 600 });
  });
});

describe("schedules", () => {
  test("are described in words, with their next runs, and can be run at once", async () => {
    const { page, on } = await openFilled("#view=schedules");
    await page.getByText("Every Monday to Friday at 09:00").waitFor();
    await page.getByText("Next five occurrences").click();
    expect(await page.locator("ol li").allTextContents()).toHaveLength(5);
    await page.getByText("2 Mar 2026, 09:00:00").waitFor();
    await press(page, "Run report");
    await notice(page, "report has enqueued a job.");
    expect((await on.queue.listJobs({ name: "report" })).jobs).toHaveLength(1);
    await press(page, "Pause report");
    await page.getByText("next never").waitFor();
    await page.getByText("Changed now").waitFor();
    expect((await on.queue.schedules.get("report"))?.paused).toBe(true);
    await press(page, "Resume report");
    await page.getByText("next never").waitFor({ state: "detached" });
  });
});

test("a retry with another payload says that nothing checks it if the dashboard has no definition of the job", async () => {
  const store = memoryStore();
  const on = await serveQueue({ queues: [new Queue({ store, jobs: [], clock: () => openedAt })] }, store);
  await on.queue.enqueue("fails", null, { id: "apart", maxRetries: 0 });
  await on.queue.drain();
  const page = await open(on, "#view=job&id=apart");
  await press(page, "Retry with another payload...");
  await page.getByRole("dialog").getByText("Nothing checks the payload here: fails is not defined.").waitFor();
});

describe("several queues", () => {
  test("are linked without a count, which would include the one that tidegate dev adds", async () => {
    const queues = ["default", "qstash-dev"].map(
      (name) => new Queue({ name, store: memoryStore(), clock: () => openedAt }),
    );
    const page = await open(await serveQueue({ queues }), "#view=jobs");
    expect(await page.getByRole("link", { name: "All queues" }).innerText()).toBe("All queues");
  });

  test("can be shown one after the other, in the same view, and all on one page", async () => {
    const urgent = new Queue({ name: "urgent", store: memoryStore(), clock: () => openedAt });
    const bulk = new Queue({ name: "bulk & more", store: memoryStore(), clock: () => openedAt });
    await bulk.enqueue("export", null);
    const page = await open(await serveQueue({ queues: [urgent, bulk] }), "#view=jobs&state=ready");
    await page.getByRole("heading", { name: "No ready jobs" }).waitFor();
    await page.getByLabel("Queue", { exact: true }).selectOption("bulk & more");
    await page.getByRole("link", { name: "export" }).waitFor();
    await heading(page, "Jobs");
    await page.getByRole("link", { name: "All queues" }).click();
    await expect
      .poll(async () => page.locator("tbody tr td:nth-child(-n+2)").allInnerTexts(), patience)
      .toEqual(["urgent\n\nkeeps up", "0", "bulk & more\n\nin 0, out 0 a minute on average; oldest 0 ms", "1"]);
    await page.locator("tfoot", { hasText: "Total" }).waitFor();
    await press(page, "Pause bulk & more");
    await press(page, "Pause");
    await notice(page, "bulk & more is paused.");
    expect([(await urgent.getStats()).paused, (await bulk.getStats()).paused]).toEqual([false, true]);
    await page.getByRole("link", { name: "bulk & more" }).click();
    await page.locator(".states a", { hasText: "ready1" }).waitFor();
    await press(page, "Resume queue");
    await notice(page, "bulk & more is running again.");
    expect((await bulk.getStats()).paused).toBe(false);
    await page.getByRole("link", { name: "Changes", exact: true }).click();
    await heading(page, "Changes of bulk & more only");
    await page.getByRole("link", { name: "All changes" }).click();
    await expect.poll(() => page.locator("h1").textContent(), patience).toBe("Changes");
  });

  function shopAndMedia(clock = () => openedAt): readonly [Queue, Queue] {
    const queue = (name: string) => new Queue({ name, store: memoryStore(), jobs: [sendEmail], clock });
    return [queue("shop"), queue("media")];
  }

  test("have one list of changes, the latest first, each with its queue", async () => {
    const clock = clockByHand(openedAt - 3_000);
    const [shop, media] = shopAndMedia(clock);
    await shop.pause({ by: "ana" });
    clock.now += 1_000;
    await media.pauseJobs("send_email", { by: "ben", reason: "SMTP is down" });
    clock.now += 1_000;
    await shop.resume({ by: "ana" });
    const page = await open(await serveQueue({ queues: [shop, media] }), "#view=queues&scope=all");
    await page.getByRole("link", { name: "Changes" }).click();
    await heading(page, "Changes");
    await expect
      .poll(() => page.locator("tbody .job").allInnerTexts(), patience)
      .toEqual(["shop Resumed the queue", "media Paused jobs of send_email: SMTP is down", "shop Paused the queue"]);
    await page.getByRole("link", { name: "ben" }).click();
    await heading(page, "Changes by ben");
    expect(await page.locator("tbody .job").allInnerTexts()).toEqual(["media Paused jobs of send_email: SMTP is down"]);
    await page.getByRole("link", { name: "All changes" }).click();
    await expect.poll(() => page.locator("tbody tr").count(), patience).toBe(3);
  });

  test("have jobs of which those of one queue are selected, and cancelled there", async () => {
    const [shop, media] = shopAndMedia();
    for (const queue of [shop, media])
      for (const id of ["invoice-1", "invoice-2"])
        await queue.enqueue("send_email", { to: "ada" }, { id, delay: "1h" });
    const page = await open(await serveQueue({ queues: [shop, media] }));
    await search(page).fill("send_email");
    await page.keyboard.press("Enter");
    await page.locator("p", { hasText: "Job type: send_email" }).getByRole("button", { name: "Pause " }).click();
    await page.getByRole("dialog").getByText("Queue shop.").waitFor();
    await press(page, "Go back");
    await search(page).fill("invoice-");
    await page.keyboard.press("Enter");
    const boxes = () => page.locator("main [type=checkbox]").count();
    await expect.poll(boxes, patience).toBe(4);
    await page
      .locator("tr", { hasText: /media.*invoice-2/ })
      .getByRole("checkbox")
      .check();
    await page.getByText("1 selected in media.").waitFor();
    // Those of the other queue can no longer be selected, and all of this one can.
    expect(await boxes()).toBe(3);
    await press(page, "Cancel...");
    const dialog = page.getByRole("dialog");
    expect(await dialog.innerText()).toMatch(/^Cancel and delete this job\?\s+send_email invoice-2\s+Queue media\./);
    await press(page, "Cancel the job");
    await notice(page, "1 job cancelled.");
    const waiting = async (queue: Queue) =>
      (await queue.listJobs({ state: "scheduled" })).jobs.map(({ id }) => id).sort();
    expect([await waiting(shop), await waiting(media)]).toEqual([["invoice-1", "invoice-2"], ["invoice-1"]]);
    await expect.poll(boxes, patience).toBe(3);
    // The counts beside a search go on being those of all queues.
    await shop.enqueue("send_email", { to: "ada" });
    await page.clock.runFor(60_000);
    await expect.poll(() => page.getByTitle("waiting or running").innerText(), patience).toBe("4");
  });

  test("list a paused job type that has no jobs, and resume it", async () => {
    const [shop, media] = shopAndMedia();
    for (const queue of [shop, media]) await queue.pauseJobs("unused", { by: "ana", reason: "CRM is down" });
    const page = await open(await serveQueue({ queues: [shop, media] }), "#view=names&scope=all");
    await press(page, "Resume media/unused");
    await notice(page, "unused is running again.");
    expect((await Promise.all([shop, media].map((queue) => queue.getStats()))).map((of) => of.pausedJobs)).toEqual([
      [expect.objectContaining({ name: "unused" })],
      [],
    ]);
    await expect
      .poll(() => page.locator("tbody .job").allInnerTexts(), patience)
      .toEqual([expect.stringMatching(/^shop\s+unused\s+Resume\s+paused\s+by ana now: CRM is down$/)]);
  });

  test("are a click away from one of them, which each view names first", async () => {
    const [shop, media] = shopAndMedia();
    await media.enqueue("send_email", { to: "ada@example.com" });
    const page = await open(await serveQueue({ queues: [shop, media] }), "#view=jobs&scope=all");
    await page.getByRole("link", { name: "send_email" }).click();
    await page.locator("main p", { hasText: "All queues › media" }).waitFor();
    await page.getByLabel("Queue", { exact: true }).selectOption("All queues");
    await heading(page, "Jobs");
    await page.goBack();
    await page.locator("main p", { hasText: "All queues › media" }).waitFor();
    expect(await page.getByTitle("waiting or running").innerText()).toBe("1");
    const nav = page.getByRole("navigation", { name: "Views" });
    const top = async () => (await nav.boundingBox())?.y;
    const before = await top();
    await page.getByRole("link", { name: "Tidegate" }).click();
    await heading(page, "All queues");
    expect(await page.getByText("›").count()).toBe(0);
    expect(await top()).toBe(before);
    await page.locator('tr[data-key="media"]').getByRole("link", { name: "1" }).click();
    await heading(page, "Jobs");
    expect(page.url()).toMatch(/#(?=.*queue=media)(?=.*state=ready)/);
    expect(await top()).toBe(before);
  });

  test("have links to what runs and what is scheduled on a phone too", async () => {
    const [shop, media] = shopAndMedia();
    await media.enqueue("send_email", { to: "ada@example.com" }, { delay: "1h" });
    const on = await serveQueue({ queues: [shop, media] });
    const page = await open(on, "#view=queues&scope=all", { viewport: { width: 390, height: 844 } });
    await page.locator('tr[data-key="media"]').getByRole("link", { name: "1 scheduled" }).click();
    await heading(page, "Jobs");
    expect(page.url()).toMatch(/#(?=.*queue=media)(?=.*state=scheduled)/);
  });

  test("have one list of job types, which pauses and resumes one of them in its queue", async () => {
    const [shop, media] = shopAndMedia();
    for (const queue of [shop, media]) await queue.enqueue("send_email", { to: "ada@example.com" });
    const page = await open(await serveQueue({ queues: [shop, media] }), "#view=names&scope=all");
    await press(page, "Pause media/send_email");
    await page.getByRole("dialog").getByText("Queue media").waitFor();
    expect(await page.getByLabel("Waiting: 1 job").innerText()).toContain("Keep them");
    await page.getByLabel("Reason").fill("SMTP is down");
    await press(page, "Pause");
    await notice(page, "send_email is paused.");
    const paused = await Promise.all([shop, media].map(async (queue) => (await queue.getStats()).pausedJobs));
    expect(paused).toEqual([[], [expect.objectContaining({ name: "send_email", reason: "SMTP is down" })]]);
    await page.locator("tbody tr", { hasText: "media" }).getByText("paused now: SMTP is down").waitFor();
    expect(await page.locator("tbody .badge").count()).toBe(1);
    await press(page, "Resume media/send_email");
    await notice(page, "send_email is running again.");
    expect((await media.getStats()).pausedJobs).toEqual([]);
  });
});
