import { describe, expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { doctor, findingOf } from "./doctor-findings.ts";
import { behindHandler, documentOf, errorOf, onEveryTarget } from "./run-cli.ts";

onEveryTarget((open) => {
  describe("queue:schedules", () => {
    const nightly = ["queue:schedules", "set", "nightly", "--job", "send_email", "--cron", "0 0 3 * * *"];
    const payload = ["--payload", '{"to":"ada"}'];

    test("sets a schedule, shows it, previews it and removes it", async () => {
      const { queue, cli } = open();
      const set = await cli([...nightly, ...payload, "--time-zone", "Europe/Paris", "--overlap", "skip"]);
      expect(set).toMatchObject({ code: 0, stdout: "Schedule nightly fires in 14 hours (2026-03-02 02:00:00 UTC).\n" });
      expect(await queue.schedules.get("nightly")).toMatchObject({
        name: "send_email",
        overlap: "skip",
        payload: { to: "ada" },
      });
      const { stdout } = await cli(["queue:schedules"]);
      expect(stdout).toMatch(/^KEY +FIRES +ZONE +LAST +NEXT +SET IN +JOB +ERROR\n/);
      expect(stdout).toMatch(/nightly +0 0 3 \* \* \* +Europe\/Paris +- +in 14 hours +run time +send_email/);
      const preview = await cli(["queue:schedules", "preview", "nightly", "--count", "2", "--json"]);
      expect(documentOf(preview)).toEqual({ slots: ["2026-03-02T02:00:00.000Z", "2026-03-03T02:00:00.000Z"] });
      const lines = (await cli(["queue:schedules", "preview", "nightly"])).stdout.trim().split("\n");
      expect(lines).toHaveLength(5);
      expect(lines[0]).toBe("2026-03-02 02:00:00 UTC  in 14 hours");
      expect((await cli(["queue:schedules", "remove", "nightly"])).code).toBe(2);
      expect((await cli(["queue:schedules", "remove", "nightly"], { isTerminal: true, input: "n" })).code).toBe(1);
      expect(documentOf(await cli(["queue:schedules", "--json"]))).toMatchObject({ schedules: [{ key: "nightly" }] });
      const removed = await cli(["queue:schedules", "remove", "nightly", "--yes"]);
      expect(removed).toEqual({ code: 0, stdout: "Schedule nightly removed.\n", stderr: "" });
      expect((await cli(["queue:schedules"])).stdout).toContain("There are no schedules. ");
    });

    test("sets a schedule that fires at an interval, and shows it", async () => {
      const { queue, cli } = open();
      const set = ["queue:schedules", "set", "sync", "--job", "send_email", ...payload];
      const { stdout } = await cli([...set, "--every", "90s", "--expires", "30s"]);
      expect(stdout).toBe("Schedule sync fires in 2 minutes (2026-03-01 12:01:30 UTC).\n");
      expect((await cli(["queue:schedules"])).stdout).toMatch(/sync +every 90s +- +- +in 2 minutes/);
      expect(await queue.schedules.get("sync")).toMatchObject({ every: "90s", cron: null });
      const refused = await cli([...set, "--every", "90s", "--cron", "* * * * *"]);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("either --cron or --every") });
      const zoned = await cli([...set, "--every", "90s", "--time-zone", "Europe/Paris"]);
      expect(zoned).toMatchObject({ code: 2, stderr: expect.stringContaining("--time-zone is for --cron") });
    });

    test("pauses a schedule, shows that, runs it by hand and resumes it", async () => {
      const { queue, cli } = open();
      await cli([...nightly, ...payload]);
      const paused = "Schedule nightly is paused. It fires after it is resumed.\n";
      expect(await cli(["queue:schedules", "pause", "nightly"])).toMatchObject({ code: 0, stdout: paused });
      expect((await cli(["queue:schedules"])).stdout).toMatch(/ paused +run time/);
      const run = await cli(["queue:schedules", "run", "nightly"]);
      expect(run.stdout).toBe("Enqueued job nightly@2026-03-01T12:00:00.000Z.\n");
      expect((await queue.getStats()).readyCount).toBe(1);
      const resumed = await cli(["queue:schedules", "resume", "nightly"]);
      expect(resumed.stdout).toBe("Schedule nightly fires in 15 hours (2026-03-02 03:00:00 UTC).\n");
      expect((await cli(["queue:schedules", "run", "weekly"])).code).toBe(1);
    });

    test("an invalid schedule is a usage error, and an unknown key a failure", async () => {
      const { cli, knowing } = open();
      expect((await cli(["queue:schedules", "set", "nightly", "--job", "send_email"])).code).toBe(2);
      expect((await cli([...nightly, ...knowing])).code).toBe(2);
      expect((await cli([...nightly, ...payload, "--time-zone", "Mars/Olympus"])).code).toBe(2);
      expect(errorOf(await cli(["queue:schedules", "preview", "nightly", "--json"])).code).toBe("not_found");
      expect((await cli(["queue:schedules", "remove", "nightly", "--yes"])).code).toBe(1);
      const { code, stderr } = await cli(["queue:schedules", "remove", "nightly"], { isTerminal: true });
      expect(code).toBe(1);
      expect(stderr).toMatch(/^[^?]* No schedule has the key "nightly"\.\n$/);
    });
  });
});

onEveryTarget((open) => {
  describe("what became of the last jobs of schedules", () => {
    /** Two schedules that have each fired twice: the jobs of the second one die. */
    async function fired() {
      const target = open({ logger: null });
      await target.queue.schedules.upsert("a-mails", { job: "send_email", payload: { to: "ada" }, every: "1h" });
      await target.queue.schedules.upsert("invoices", { job: "fails", every: "1h" });
      for (let hour = 0; hour < 2; hour++) {
        await target.clock.advance("1h");
        await target.queue.drain();
      }
      return target;
    }
    const lastId = "invoices@2026-03-01T14:00:00.000Z";

    test("the list begins with those that fail, and shows the error of the last job", async () => {
      const { cli, clock } = await fired();
      await clock.advance("20h");
      const [, first, second] = (await cli(["queue:schedules"])).stdout.split("\n");
      expect(first).toMatch(/^invoices +every 1h +- +20h ago ✗✗ .* fails +dead: Error: no luck$/);
      expect(second).toMatch(/^a-mails .* 20h ago ✓✓ /);
      const view = { isTerminal: true, columns: 80 };
      const lines = (await cli(["queue:schedules"], view)).stdout.split("\n");
      expect(lines[2]).toMatch(/^ {10}.*dead: Error: no luck/);
      expect(documentOf(await cli(["queue:schedules", "--json"]))).toMatchObject({
        schedules: [
          { key: "a-mails", runs: [{ state: "completed" }, { state: "completed" }] },
          { key: "invoices", runs: [{ state: "dead" }, { state: "dead", id: lastId, error: "Error: no luck" }] },
        ],
      });
    });

    test("a key shows one schedule, with its next occurrences and its last jobs", async () => {
      const { cli } = await fired();
      const { code, stdout } = await cli(["queue:schedules", "invoices"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Key +invoices\nJob +fails\nFires +every 1h\nNext +2026-03-01 15:00:00 UTC \(in /);
      expect(stdout).toMatch(
        /2026-03-01 14:00:00 UTC +dead +\S+ +invoices@2026-03-01T14:00:00\.000Z\n +Error: no luck/,
      );
      expect(documentOf(await cli(["queue:schedules", "invoices", "--json"]))).toMatchObject({ key: "invoices" });
      const unknown = errorOf(await cli(["queue:schedules", "invoice", "--json"]));
      expect(unknown.code).toBe("not_found");
      expect(unknown.message).toContain(
        'No schedule has the key "invoice". queue:schedules takes list, preview, set, pause, resume, run or remove.',
      );
    });

    test("queue:doctor warns of a schedule whose last job died, and says what to do", async () => {
      const { cli, queue } = await fired();
      const finding = async () => findingOf(await cli(doctor), "last jobs of schedules");
      expect(await finding()).toMatchObject({ status: "warn", message: "The last job of 1 schedule died: invoices." });
      expect((await finding())?.advice).toMatch(
        /^See why: tidegate queue:schedules invoices.* queue:dlq retry invoices@/,
      );
      await queue.schedules.remove("invoices");
      expect(await finding()).toMatchObject({ status: "ok" });
    });
  });
});

test("a job that will be retried marks its schedule as failing, but it has not died", async () => {
  const flaky = defineJob({ name: "flaky", perform: () => Promise.reject(new Error("not yet")) });
  const { queue, clock, cli } = behindHandler({ jobs: [flaky], logger: null });
  await queue.schedules.upsert("sync", { job: flaky, every: "1h" });
  await clock.advance("1h");
  await queue.drain();
  expect((await cli(["queue:schedules"])).stdout).toMatch(/\nsync .* now ! .* scheduled: Error: not yet\n$/);
  expect(findingOf(await cli(doctor), "last jobs of schedules")).toMatchObject({ status: "ok" });
});

test("through a handler, a list of many schedules reads at most 200 jobs", async () => {
  const { queue, clock, fetch, cli } = behindHandler({ logger: null });
  for (let index = 0; index < 120; index++)
    await queue.schedules.upsert(`s-${index}`, { job: "send_email", payload: { to: "ada" }, every: "1h" });
  await clock.advance("1h");
  await queue.drain({ maxJobs: 1_000, budget: { roundTrips: 1_000, commands: 10_000 } });
  const asked: string[] = [];
  const counted = (request: Request) => {
    asked.push(new URL(request.url).pathname);
    return fetch(request);
  };
  const { stdout } = await cli(["queue:schedules"], { fetch: counted });
  expect(stdout.match(/ ✓ /g)).toHaveLength(120);
  expect(asked.filter((path) => path.includes("/jobs/s-"))).toHaveLength(120);
});

test("warns when it removes a schedule that code declares", async () => {
  const tick = defineJob({ name: "tick", schedule: { cron: "* * * * *" }, perform: () => {} });
  const { queue, cli } = behindHandler({ jobs: [tick] });
  await queue.drain();
  expect((await cli(["queue:schedules"])).stdout).toMatch(/ code +tick/);
  const { stderr } = await cli(["queue:schedules", "remove", "tick", "--yes"]);
  expect(stderr).toContain("declared in the code");
});
