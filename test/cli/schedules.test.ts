import { describe, expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
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
      expect(stdout).toMatch(/^KEY +FIRES +ZONE +LAST +NEXT +SET IN +JOB\n/);
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

test("warns when it removes a schedule that code declares", async () => {
  const tick = defineJob({ name: "tick", schedule: { cron: "* * * * *" }, perform: () => {} });
  const { queue, cli } = behindHandler({ jobs: [tick] });
  await queue.drain();
  expect((await cli(["queue:schedules"])).stdout).toMatch(/ code +tick/);
  const { stderr } = await cli(["queue:schedules", "remove", "tick", "--yes"]);
  expect(stderr).toContain("declared in the code");
});
