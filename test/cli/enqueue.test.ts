import { describe, expect, test } from "vitest";
import { address, behindHandler, documentOf, errorOf, onEveryTarget, tidegate } from "./run-cli.ts";

onEveryTarget((open) => {
  describe("queue:enqueue", () => {
    test("stores a job that is due now, and prints its id", async () => {
      const { queue, cli, knowing } = open();
      const result = await cli(["queue:enqueue", "send_email", '{"to":"ada"}', "--id", "mail", ...knowing]);
      expect(result).toEqual({
        code: 0,
        stdout: "Enqueued job mail. Runs now (2026-03-01 12:00:00 UTC).\n",
        stderr: "",
      });
      expect(await queue.getJob("mail")).toMatchObject({ name: "send_email", payload: { to: "ada" }, state: "ready" });
    });

    test("stores one job for the same id", async () => {
      const { cli } = open();
      const argv = ["queue:enqueue", "send_email", '{"to":"ada"}', "--id", "mail"];
      await cli(argv);
      expect((await cli(argv)).stdout).toBe("Job mail already exists. Nothing was enqueued.\n");
      expect(documentOf(await cli([...argv, "--json"]))).toMatchObject({ id: "mail", status: "duplicate" });
    });

    test("reads a payload from standard input", async () => {
      const { queue, cli } = open();
      await cli(["queue:enqueue", "send_email", "-", "--id", "mail"], { input: '{"to":"grace"}\n' });
      expect(await queue.getJob("mail")).toMatchObject({ payload: { to: "grace" } });
    });

    test("takes the run time, the retries and the keys of deduplication", async () => {
      const { queue, cli } = open();
      const json = '{"to":"ada"}';
      await cli(["queue:enqueue", "send_email", json, "--id", "a", "--delay", "5m", "--max-retries", "7"]);
      await cli(["queue:enqueue", "send_email", json, "--id", "b", "--run-at", "2026-03-02T00:00:00+01:00"]);
      await cli(["queue:enqueue", "send_email", json, "--id", "c", "--run-at", "1772400000000", "--timeout", "5s"]);
      expect(await queue.getJob("a")).toMatchObject({ runAt: new Date("2026-03-01T12:05:00Z"), maxRetries: 7 });
      expect(await queue.getJob("b")).toMatchObject({ runAt: new Date("2026-03-01T23:00:00Z") });
      expect(await queue.getJob("c")).toMatchObject({ runAt: new Date(1_772_400_000_000) });
      const deduped = ["queue:enqueue", "send_email", json, "--dedupe-key", "ada", "--dedupe-ttl", "10m", "--json"];
      const { id } = documentOf(await cli(deduped)) as { id: string };
      expect(documentOf(await cli(deduped))).toMatchObject({ id, status: "duplicate" });
      const replacing = ["queue:enqueue", "send_email", '{"to":"ben"}', ...deduped.slice(3, -1), "--dedupe-replace"];
      expect((await cli([...replacing, "--delay", "5m"])).stdout).toBe(
        `Replaced what job ${id} does. Runs in 5 minutes (2026-03-01 12:05:00 UTC).\n`,
      );
      expect(await queue.getJob(id)).toMatchObject({ payload: { to: "ben" } });
    });

    test("takes when the job expires, and queue:jobs and queue:list show it", async () => {
      const { queue, cli, clock } = open();
      await cli(["queue:enqueue", "send_email", '{"to":"ada"}', "--id", "brief", "--delay", "5m", "--expires", "10m"]);
      expect(await queue.getJob("brief")).toMatchObject({ expiresAt: new Date("2026-03-01T12:15:00Z") });
      expect((await cli(["queue:jobs", "brief"])).stdout).toMatch(/Expires +2026-03-01 12:15:00 UTC \(in 15 minutes\)/);
      await clock.advance("16m");
      await queue.drain();
      expect((await cli(["queue:list"])).stdout).toMatch(/Expired +1\n/);
    });

    test("recurs at an interval", async () => {
      const { queue, cli } = open();
      const { stdout } = await cli(["queue:enqueue", "send_email", '{"to":"ada"}', "--id", "sync", "--every", "90s"]);
      expect(stdout).toBe("Schedule sync created. It fires in 2 minutes (2026-03-01 12:01:30 UTC).\n");
      expect(await queue.schedules.get("sync")).toMatchObject({ every: "90s" });
    });

    test("says that a job with a run time in the past is due", async () => {
      const argv = ["queue:enqueue", "send_email", '{"to":"ada"}', "--id", "late", "--run-at", "1970-01-02T00:00:00Z"];
      expect((await open().cli(argv)).stdout).toBe("Enqueued job late. Due since 1970-01-02 00:00:00 UTC.\n");
    });

    test("makes nothing that is reserved for QStash's interface", async () => {
      const { queue, cli } = open();
      const attempts = [
        ["qstash_deliver", "{}"],
        ["send_email", '{"to":"ada"}', "--id", "wfr_mine:1"],
        ["send_email", '{"to":"ada"}', "--dedupe-key", "qstash:id:x", "--dedupe-ttl", "1h"],
        ["qstash_deliver", "{}", "--cron", "* * * * *"],
      ];
      for (const argv of attempts) {
        const { code, stderr } = await cli(["queue:enqueue", ...argv]);
        expect([code, stderr]).toEqual([expect.toSatisfy((value) => value > 0), expect.stringContaining("reserved")]);
      }
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    });

    test("with --cron creates a recurring job", async () => {
      const { queue, cli } = open();
      const argv = [
        "queue:enqueue",
        "fails",
        "--cron",
        "0 0 9 * * *",
        "--time-zone",
        "Europe/Paris",
        "--id",
        "morning",
      ];
      expect((await cli(argv)).stdout).toBe(
        "Schedule morning created. It fires in 20 hours (2026-03-02 08:00:00 UTC).\n",
      );
      expect((await cli(argv)).stdout).toMatch(/^Schedule morning changed\./);
      expect(await queue.schedules.get("morning")).toMatchObject({ name: "fails", timeZone: "Europe/Paris" });
    });

    test.each([
      ["a name that the queue does not know", ["nobody"], "invalid_request"],
      ["a payload that does not fit", ["send_email", '{"to":7}'], "invalid_payload"],
      ["a cron expression that means nothing", ["fails", "--cron", "whenever"], "invalid_request"],
      ["an id that is too long", ["send_email", '{"to":"ada"}', "--id", "x".repeat(300)], "invalid_request"],
    ])("%s is a usage error, and nothing is stored", async (_, argv, code) => {
      const { queue, cli, knowing } = open();
      const result = await cli(["queue:enqueue", ...argv, ...knowing, "--json"]);
      expect(result).toMatchObject({ code: 2, stdout: "" });
      expect(errorOf(result).code).toBe(code);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    });
  });
});

describe("queue:enqueue with a token whose scope is enqueue", () => {
  const world = { env: { TIDEGATE_URL: address, TIDEGATE_TOKEN: "the-enqueue-token" } };
  const mail = ["queue:enqueue", "send_email", '{"to":"ada"}', "--id", "mail"];

  test("takes the id, the time and the keys of deduplication", async () => {
    const { queue, cli } = behindHandler();
    const argv = [...mail, "--delay", "5m", "--dedupe-key", "ada", "--dedupe-ttl", "1h"];
    expect(await cli(argv, world)).toMatchObject({ code: 0, stderr: "" });
    expect(await queue.getJob("mail")).toMatchObject({ state: "scheduled" });
  });

  test.each([
    [["--max-retries", "7"], "maxRetries needs"],
    [["--timeout", "5s"], "timeout needs"],
    [["--cron", "0 9 * * *"], "cron needs"],
    [["--delay", "100d"], "delay is longer than 90d"],
  ])("prints why %j is refused, and stores nothing", async (more, why) => {
    const { queue, cli } = behindHandler();
    const result = await cli([...mail, ...more, "--json"], world);
    expect(result.code).toBe(1);
    expect(errorOf(result)).toMatchObject({ code: "forbidden", message: expect.stringContaining(why) });
    expect((await queue.getStats()).totalEnqueued).toBe(0);
    expect(await queue.schedules.list()).toEqual([]);
  });
});

describe("contradicting options are a usage error, and nothing is sent", () => {
  test.each([
    [["--delay", "5m", "--run-at", "2030-01-01T00:00:00Z"], "either --delay or --run-at"],
    [["--cron", "* * * * *", "--delay", "5m"], "so leave out --delay"],
    [["--every", "90s", "--delay", "5m"], "so leave out --delay"],
    [["--every", "90s", "--cron", "* * * * *"], "either --cron or --every"],
    [["--every", "90s", "--time-zone", "UTC"], "--time-zone is for --cron"],
    [["--time-zone", "Europe/Paris"], "needs --cron"],
    [["--dedupe-key", "x"], "give both"],
    [["--dedupe-ttl", "5m"], "give both"],
    [["--dedupe-replace"], "needs --dedupe-key"],
  ])("%j", async (argv, message) => {
    const fetch = () => Promise.reject(new Error("Nothing was to be sent."));
    const { code, stderr } = await behindHandler().cli(["queue:enqueue", "x", ...argv], { fetch });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

test("invalid JSON is a usage error, and is not printed", async () => {
  const { cli } = behindHandler();
  const { code, stderr } = await cli(["queue:enqueue", "send_email", '{"to": s3cret}']);
  expect(code).toBe(2);
  expect(stderr).toContain("The payload is not valid JSON");
  expect(stderr).not.toContain("s3cret");
  expect(stderr).toContain("or give -");
  const piped = await cli(["queue:enqueue", "send_email", "-"], { input: "{to" });
  expect(piped.code).toBe(2);
  expect(piped.stderr).toContain("Standard input must contain the JSON and nothing else.");
  expect(piped.stderr).not.toContain("or give -");
});

test("an unquoted payload is a usage error that says so", async () => {
  const { code, stderr } = await tidegate(["queue:enqueue", "send_email", "{to:", "s3cret}"]);
  expect(code).toBe(2);
  expect(stderr).toContain("need quotes around them");
  expect(stderr).not.toContain("s3cret");
});
