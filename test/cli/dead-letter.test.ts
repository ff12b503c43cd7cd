import { describe, expect, test } from "vitest";
import { defineJob, memoryStore, PermanentError, type Queue } from "../../src/index.ts";
import { useRedis } from "../support/stores.ts";
import { behindHandler, documentOf, errorOf, fails, hasEscapes, inRedis, kill, onEveryTarget } from "./run-cli.ts";

async function deadIds(queue: Queue): Promise<string[]> {
  const { jobs } = await queue.listDeadLetter({ limit: 1_000 });
  return jobs.map(({ id }) => id);
}

onEveryTarget((open) => {
  describe("queue:dlq", () => {
    test("lists dead jobs with their errors", async () => {
      const target = open();
      await kill(target, 2);
      await target.clock.advance("2h");
      const { code, stdout } = await target.cli(["queue:dlq"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^ID +DEAD +ATTEMPTS +NAME +ERROR\n/);
      expect(stdout.match(/2 hours ago +1 +fails +Error: no luck/g)).toHaveLength(2);
      expect(await target.cli(["queue:dlq", "list"])).toMatchObject({ stdout });
      expect(documentOf(await target.cli(["queue:dlq", "--name", "other", "--json"]))).toEqual({
        jobs: [],
        cursor: null,
      });
      expect(documentOf(await target.cli(["queue:dlq", "--limit", "1", "--json"]))).toMatchObject({
        jobs: [{ name: "fails", error: { message: "no luck" } }],
        cursor: expect.any(String),
      });
    });

    test("says so when there are none", async () => {
      expect((await open().cli(["queue:dlq"])).stdout).toBe("There are no dead jobs.\n");
    });

    test("shows one job with its payload, its errors and the stack", async () => {
      const target = open();
      await target.queue.enqueue(fails, { user: 7 }, { id: "dead" });
      await target.queue.drain();
      const { stdout } = await target.cli(["queue:dlq", "show", "dead"]);
      expect(stdout).toMatch(/Payload +\{"user":7\}/);
      expect(stdout).toContain("Attempt 1 failed now after 0 ms: Error: no luck");
      expect(stdout).toMatch(/\n +at /);
      expect(documentOf(await target.cli(["queue:dlq", "show", "dead", "--json"]))).toMatchObject({
        payload: { user: 7 },
      });
    });

    test("shows no job that is not dead", async () => {
      const { queue, cli } = open();
      await queue.enqueue(fails, undefined, { id: "waits" });
      const result = await cli(["queue:dlq", "show", "waits", "--json"]);
      expect(result.code).toBe(1);
      expect(errorOf(result).code).toBe("not_found");
    });

    test("retries one job, with a corrected payload", async () => {
      const { queue, cli } = open();
      await queue.enqueue(fails, { user: 7 }, { id: "dead" });
      await queue.drain();
      const { stdout } = await cli(["queue:dlq", "retry", "dead", "--payload", '{"user":8}']);
      expect(stdout).toBe("Retried 1 dead job.\n");
      expect(await queue.getJob("dead")).toMatchObject({ state: "ready", payload: { user: 8 } });
    });

    test("retries all, or all of one name, without a question if there is no terminal", async () => {
      const target = open();
      await kill(target, 3);
      const { queue, cli } = target;
      expect(documentOf(await cli(["queue:dlq", "retry", "--name", "other", "--json"]))).toEqual({ retried: 0 });
      expect(documentOf(await cli(["queue:dlq", "retry", "--name", "fails", "--json"]))).toEqual({ retried: 3 });
      expect(await queue.getStats()).toMatchObject({ readyCount: 3, deadLetterCount: 0 });
    });

    test("retries all, spread over a time", async () => {
      const target = open();
      await kill(target, 3);
      const { queue, cli } = target;
      expect((await cli(["queue:dlq", "retry", "--all", "--over", "30m", "--yes"])).stdout).toBe(
        "Retried 3 dead jobs.\n",
      );
      const times = (await queue.listJobs({ state: "scheduled" })).jobs.map(({ runAt }) => Number(runAt));
      expect(times).toHaveLength(2);
      expect((times[1] ?? 0) - (times[0] ?? 0)).toBe(600_000);
      expect((await cli(["queue:dlq", "retry", "--all", "--over", "soon"])).code).toBe(2);
    });

    test("--first retries the newest jobs of a selection, and no others", async () => {
      const target = open();
      const { queue, clock, cli } = target;
      for (const id of ["a", "b", "c"]) {
        await queue.enqueue(fails, {}, { id });
        await queue.drain();
        await clock.advance("1m");
      }
      const first = ["queue:dlq", "retry", "--name", "fails", "--first", "2"];
      expect((await cli([...first, "--dry-run"])).stdout).toBe("2 dead jobs would be retried.\n");
      expect((await cli(first)).stdout).toBe("Retried 2 dead jobs.\n");
      expect((await queue.listDeadLetter()).jobs.map(({ id }) => id)).toEqual(["a"]);
      const none = await cli(["queue:dlq", "retry", "--name", "other", "--first", "2", "--json"]);
      expect(documentOf(none)).toEqual({ retried: 0 });
      expect((await cli(["queue:dlq", "retry", "a", "--first", "2"])).code).toBe(2);
    });

    test("asks before it retries many when there is a terminal", async () => {
      const target = open();
      await kill(target, 2);
      const { queue, cli } = target;
      const no = await cli(["queue:dlq", "retry", "--all"], { isTerminal: true, input: "n\n" });
      expect(no.code).toBe(1);
      expect(no.stderr).toContain("retry all 2 dead jobs? [y/N]");
      expect(no.stderr).toContain("Nothing was changed.");
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 2 });
      const yes = await cli(["queue:dlq", "retry", "--all"], { isTerminal: true, input: "yes\n" });
      expect(yes).toMatchObject({ code: 0, stdout: "Retried 2 dead jobs.\n" });
    });

    test.each([
      ["retry", "retried"],
      ["remove", "removed"],
    ])("%s asks nothing when there is nothing to do", async (verb, done) => {
      const { cli } = open();
      const argv = ["queue:dlq", verb, "--all"];
      const nothing = { code: 0, stdout: "No matching dead jobs.\n" };
      const asked = await cli(argv, { isTerminal: true });
      expect(asked).toMatchObject(nothing);
      expect(asked.stderr).not.toContain("?");
      expect(await cli([...argv, "--yes"])).toMatchObject(nothing);
      expect(documentOf(await cli([...argv, "--yes", "--json"]))).toEqual({ [done]: 0 });
    });

    test("--dry-run prints the number of jobs, and changes nothing", async () => {
      const target = open();
      await kill(target, 2);
      const { queue, cli } = target;
      expect((await cli(["queue:dlq", "retry", "--all", "--dry-run"])).stdout).toBe("2 dead jobs would be retried.\n");
      const removal = await cli(["queue:dlq", "remove", "--name", "fails", "--dry-run", "--json"]);
      expect(documentOf(removal)).toEqual({ removed: 2, dryRun: true });
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 2 });
    });

    test("removes jobs after a confirmation, and none without one", async () => {
      const target = open();
      await kill(target, 2);
      const { queue, cli } = target;
      const [id = ""] = await deadIds(queue);
      for (const selection of [[id], ["--all"], ["--name", "fails"]]) {
        const refused = await cli(["queue:dlq", "remove", ...selection]);
        expect(refused).toMatchObject({ code: 2, stdout: "" });
        expect(refused.stderr).toContain("--yes");
        const program = await cli(["queue:dlq", "remove", ...selection, "--json"], { isTerminal: true, input: "y\n" });
        expect(program.code).toBe(2);
        for (const input of ["\n", "nope\n", ""])
          expect((await cli(["queue:dlq", "remove", ...selection], { isTerminal: true, input })).code).toBe(1);
      }
      expect(await deadIds(queue)).toHaveLength(2);
      const asked = await cli(["queue:dlq", "remove", id], { isTerminal: true, input: "y\n" });
      expect(asked.stdout).toBe("Removed 1 dead job.\n");
      expect(documentOf(await cli(["queue:dlq", "remove", "--all", "--yes", "--json"]))).toEqual({ removed: 1 });
      expect(await deadIds(queue)).toEqual([]);
    });

    test("fails if an id is not dead, and retries the others", async () => {
      const target = open();
      await kill(target, 1);
      const { queue, cli } = target;
      const [id = ""] = await deadIds(queue);
      const result = await cli(["queue:dlq", "retry", id, "nobody", "--json"]);
      expect(result.code).toBe(1);
      expect(documentOf(result)).toEqual({ retried: 1 });
      expect(errorOf(result)).toEqual({
        code: "not_found",
        message: expect.stringContaining("1 of 2 ids was not"),
      });
    });

    test("no selection, or two, is a usage error", async () => {
      const { cli } = open();
      for (const argv of [[], ["a", "--all"], ["--all", "--name", "x"]]) {
        expect((await cli(["queue:dlq", "retry", ...argv])).code).toBe(2);
        expect((await cli(["queue:dlq", "remove", ...argv, "--yes"])).code).toBe(2);
      }
    });
  });
});

describe("2,000 dead jobs", () => {
  const redis = useRedis();

  test.each([
    ["through a handler", () => behindHandler()],
    ["straight against Redis", () => inRedis(redis)],
  ])("are retried with a progress bar, %s", async (_, open) => {
    const target = open();
    await kill(target, 2_000);
    const shown: string[] = [];
    const world = { isTerminal: true, onWrite: (text: string) => shown.push(text) };
    const { code, stdout } = await target.cli(["queue:dlq", "retry", "--all", "--yes"], world);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Retried 2,000 dead jobs.\n" });
    const bars = shown.filter((text) => text.includes("of 2,000"));
    expect(bars.length).toBeGreaterThan(8);
    expect(bars[0]).toContain(`Retrying ${"░".repeat(30)} 0 of 2,000`);
    expect(bars.some((text) => text.includes(`${"█".repeat(15)}${"░".repeat(15)}`))).toBe(true);
    expect(bars.at(-1)).toContain(`${"█".repeat(30)} 2,000 of 2,000`);
    expect(await target.queue.getStats()).toMatchObject({ readyCount: 2_000, deadLetterCount: 0 });
  });

  test("are removed without a progress line if there is no terminal", async () => {
    const target = behindHandler();
    await kill(target, 2_000);
    const result = await target.cli(["queue:dlq", "remove", "--all", "--yes"]);
    expect(result).toEqual({ code: 0, stdout: "Removed 2,000 dead jobs.\n", stderr: "" });
  });
});

test("an error message cannot control the terminal", async () => {
  const evil = defineJob({
    name: "evil",
    perform() {
      throw new PermanentError("\u001b[2Jgone\u202e\r\nsecond line");
    },
  });
  const store = memoryStore();
  const target = behindHandler({ store, jobs: [evil] });
  await target.queue.enqueue(evil, undefined, { id: "evil" });
  await target.queue.drain();
  const list = await target.cli(["queue:dlq"]);
  expect(list.stdout).toContain("\ufffd[2Jgone\ufffd second line");
  expect(hasEscapes(list.stdout)).toBe(false);
  expect(hasEscapes((await target.cli(["queue:dlq", "show", "evil"])).stdout)).toBe(false);
});

test("a long error is wrapped below its job on a terminal, and whole with --wide or without a terminal", async () => {
  const wordy = defineJob({
    name: "wordy",
    maxRetries: 0,
    perform() {
      throw new Error("word ".repeat(50));
    },
  });
  const target = behindHandler({ jobs: [wordy] });
  await target.queue.enqueue(wordy);
  await target.queue.drain();
  const onTerminal = { isTerminal: true, columns: 100, env: plainEnv };
  const [, , first = "", second = ""] = (await target.cli(["queue:dlq"], onTerminal)).stdout.split("\n");
  expect(first).toBe(`          Error: ${"word ".repeat(16).trim()}`);
  expect(second).toMatch(/^ {10}word .*…$/);
  expect(second).toHaveLength(100);
  const wide = (await target.cli(["queue:dlq", "--wide"], onTerminal)).stdout;
  expect(wide).toContain("word ".repeat(50).trim());
  expect((await target.cli(["queue:dlq"])).stdout).toContain("word ".repeat(50).trim());
});

const plainEnv = { TIDEGATE_URL: "https://queue.test/jobs", TIDEGATE_TOKEN: "admin-token-of-the-test", NO_COLOR: "1" };
