import { describe, expect, test } from "vitest";
import { documentOf, kill, onEveryTarget, sendEmail } from "./run-cli.ts";

onEveryTarget((open) => {
  describe("queue:list", () => {
    test("shows counts, the age of the oldest job in words, and the next run", async () => {
      const { queue, clock, cli } = open();
      await queue.enqueue(sendEmail, { to: "ada" });
      await clock.advance("3m");
      await queue.enqueue(sendEmail, { to: "ada" }, { delay: "1h" });
      const { code, stdout } = await cli(["queue:list"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/Ready +1 +the oldest has been due for 3 minutes/);
      expect(stdout).toMatch(/Scheduled +1/);
      expect(stdout).toMatch(/Enqueued +2/);
      expect(stdout).toContain("3 minutes ago (2026-03-01 12:00:00 UTC)");
      expect(stdout).not.toContain("PAUSED");
    });

    test("says that the queue is paused, and how to list dead jobs", async () => {
      const target = open();
      await kill(target, 1);
      await target.queue.pause();
      const { stdout } = await target.cli(["queue:list"]);
      expect(stdout).toMatch(/PAUSED: tidegate queue:resume( --prefix \S+)?\n/);
      expect(stdout).toMatch(/Dead +1 +see tidegate queue:dlq( --prefix \S+)?\n/);
    });

    test("--json prints what getStats returns", async () => {
      const { queue, cli } = open();
      await queue.enqueue(sendEmail, { to: "ada" });
      const stats = JSON.parse(JSON.stringify(await queue.getStats()));
      expect(documentOf(await cli(["queue:list", "--json"]))).toMatchObject(stats);
    });
  });
});
