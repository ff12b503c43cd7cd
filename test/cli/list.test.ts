import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/clock.ts";
import { start } from "../support/clock.ts";
import { adminToken, documentOf, fails, kill, onEveryTarget, sendEmail, tidegate, type World } from "./run-cli.ts";

/** A handler of several queues, and the command line that talks to it. */
function behindOne(names: readonly string[]) {
  const clock = testClock(start);
  const store = memoryStore();
  const queues = names.map((name) => new Queue({ name, store, clock, jobs: [sendEmail, fails], logger: null }));
  const handler = createHandler({ queues: queues as [Queue, ...Queue[]], auth: { admin: [adminToken] } });
  const env = { TIDEGATE_URL: "https://queue.test", TIDEGATE_TOKEN: adminToken, NO_COLOR: "1" };
  const cli = (argv: readonly string[], world: World = {}) =>
    tidegate(argv, { env, clock, fetch: (request) => handler.fetch(request), ...world });
  return { queues, clock, cli };
}

describe("queue:list of several queues", () => {
  test.each([
    [10, "2/min"],
    [12, "2.4/min"],
    [50, "10/min"],
  ])("%i attempts in five minutes are a pace of %s", async (size, pace) => {
    const { queues, cli } = behindOne(["mail", "bulk"]);
    const [mail] = queues;
    await mail?.enqueueMany(Array.from({ length: size }, () => ({ job: sendEmail, payload: { to: "ada" } })));
    await mail?.drain({ maxJobs: 100 });
    expect((await cli(["queue:list"])).stdout).toMatch(new RegExp(`\\nmail .* ${pace} `));
  });

  test("is a table of their counts, pace and next runs, which fits 80 columns", async () => {
    const long = "n".repeat(90);
    const { queues, clock, cli } = behindOne(["mail", "bulk", long]);
    const [mail, bulk] = queues;
    await mail?.enqueueMany(Array.from({ length: 30 }, () => ({ job: sendEmail, payload: { to: "ada" } })));
    await mail?.enqueue(fails, {});
    await mail?.drain();
    await clock.advance("2m");
    await mail?.enqueue(sendEmail, { to: "ada" }, { delay: "5m" });
    await bulk?.pause();
    const { code, stdout } = await cli(["queue:list"], { isTerminal: true, columns: 80 });
    expect(code).toBe(0);
    const [titles, ...lines] = stdout.trimEnd().split("\n");
    expect(titles).toMatch(/^QUEUE +READY +SCHEDULED +RUNNING +DEAD +PACE +NEXT +LAST HOUR$/);
    expect(lines[0]).toMatch(/^mail +0 +1 +0 +1 +6\.2\/min +in 5 minutes +▁{9}█$/);
    expect(lines[1]).toMatch(/^bulk +0 +0 +0 +0 +0\/min +paused +▁{10}$/);
    expect(lines[2]).toMatch(/^n+… +0 /);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  test("--json prints them all, and --queue one as getStats returns it", async () => {
    const { cli } = behindOne(["mail", "bulk"]);
    expect(documentOf(await cli(["queue:list", "--json"]))).toMatchObject({
      queues: [
        { queue: "mail", stats: { paused: false } },
        { queue: "bulk", ended: expect.any(Array) },
      ],
    });
    expect(documentOf(await cli(["queue:list", "--json", "--queue", "bulk"]))).toMatchObject({ totalEnqueued: 0 });
  });

  test("shows those of a module", async () => {
    const { stdout } = await tidegate(["queue:list", "--module", "./modules/queues.ts"]);
    expect(stdout).toMatch(/^QUEUE .*\nurgent .*\nbulk .*\nall queues +2 .*\n$/);
  });
});

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

    test("shows what the jobs of each name did in the last hour, within 80 columns", async () => {
      const target = open();
      await target.queue.enqueueMany(Array.from({ length: 3 }, () => ({ job: sendEmail, payload: { to: "ada" } })));
      await target.clock.advance("2s");
      await target.queue.drain();
      await kill(target, 1);
      await target.queue.enqueue(sendEmail, { to: "ada" }, { delay: "1h" });
      const colored = await target.cli(["queue:list"], { isTerminal: true, columns: 80 });
      const stdout = stripVTControlCharacters(colored.stdout);
      expect(stdout).toMatch(/LAST HOUR +PROCESSED +RETRIED +DEAD +WAIT P50 +P95 +RUN P50 +P95 +WAITING\n/);
      expect(stdout).toMatch(/\nsend_email +3 +0 +0 +1\.\ds +2\.\ds +\dms +\d+ms +1\n/);
      expect(stdout).toMatch(/\nfails +0 +0 +1 +\dms +\d+ms +\dms +\d+ms +0\n/);
      expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    });

    test("--json prints what getStats returns, and figures by name", async () => {
      const { queue, cli } = open();
      await queue.enqueue(sendEmail, { to: "ada" });
      const stats = JSON.parse(JSON.stringify(await queue.getStats()));
      expect(documentOf(await cli(["queue:list", "--json"]))).toMatchObject({
        ...stats,
        figures: { names: [{ name: "send_email", pending: { count: 1, estimated: false } }], other: null },
      });
    });
  });
});
