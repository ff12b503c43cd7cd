import { describe, expect, test } from "vitest";
import { documentOf, kill, onEveryTarget, sendEmail, type Target } from "./run-cli.ts";

async function fill({ queue }: Target): Promise<void> {
  await queue.enqueue(sendEmail, { to: "ada" });
  await queue.drain();
  await queue.enqueue(sendEmail, { to: "ada" });
  await queue.enqueue(sendEmail, { to: "ada" }, { delay: "5m" });
}

onEveryTarget((open) => {
  describe("queue:clear", () => {
    test("asks with the number of waiting jobs, then removes them", async () => {
      const target = open();
      await fill(target);
      const { code, stdout, stderr } = await target.cli(["queue:clear"], { isTerminal: true, input: "y\n" });
      expect({ code, stdout }).toEqual({ code: 0, stdout: "Removed 2 pending jobs.\n" });
      expect(stderr).toContain("remove 2 pending jobs for good? [y/N]");
      expect(await target.queue.getStats()).toMatchObject({ pendingCount: 0, completedCount: 1 });
    });

    test("takes a state, and --yes skips the question", async () => {
      const target = open();
      await kill(target, 1);
      await fill(target);
      expect(documentOf(await target.cli(["queue:clear", "--state", "dead", "--yes", "--json"]))).toEqual({
        cleared: 1,
      });
      expect((await target.cli(["queue:clear", "--state", "scheduled", "--yes"])).stdout).toBe(
        "Removed 1 scheduled job.\n",
      );
    });

    test("asks nothing when there is nothing to remove", async () => {
      const { cli } = open();
      const { code, stdout, stderr } = await cli(["queue:clear"], { isTerminal: true });
      expect({ code, stdout }).toEqual({ code: 0, stdout: "Nothing to remove: there are no pending jobs.\n" });
      expect(stderr).not.toContain("?");
    });

    test("removes nothing if nobody answers", async () => {
      const target = open();
      await fill(target);
      expect((await target.cli(["queue:clear"])).code).toBe(2);
      expect((await target.cli(["queue:clear", "--json"], { isTerminal: true, input: "y\n" })).code).toBe(2);
      expect((await target.cli(["queue:clear"], { isTerminal: true, input: "" })).code).toBe(1);
      expect((await target.cli(["queue:clear"], { isTerminal: true, input: "n\ny\n" })).code).toBe(1);
      expect(await target.queue.getStats()).toMatchObject({ pendingCount: 2 });
    });
  });
});
