import { describe, expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { address, behindHandler, documentOf, errorOf, hasEscapes, onEveryTarget } from "./run-cli.ts";

const signs = defineJob({
  name: "signs",
  async perform(events: readonly string[], job) {
    const draft = await job.step("draft", () => ({ text: "x".repeat(200) }));
    await job
      .step("call", () => Promise.reject(new RangeError("\u001b[2Jno answer")), { maxRetries: 0 })
      .catch(() => {});
    await job.sleep("3d");
    const reply = await job.waitFor(events, { timeout: "7d" });
    return { draft: draft.text.length, reply };
  },
});
const waits = defineJob({
  name: "waits",
  perform: (event: string, job) => job.waitFor(event, { timeout: "7d" }),
});

onEveryTarget((openWith) => {
  const open = () => openWith({ jobs: [signs, waits], logger: null });

  describe("queue:signal", () => {
    test("wakes the jobs that wait, with the data", async () => {
      const { queue, cli } = open();
      await queue.enqueueMany(["a", "b"].map((id) => ({ job: waits, payload: "reply/42", id })));
      await queue.drain();
      const sent = await cli(["queue:signal", "reply/42", '{"text":"yes"}']);
      expect(sent).toEqual({ code: 0, stdout: "Woke 2 jobs that waited for reply/42.\n", stderr: "" });
      await queue.drain();
      expect(await queue.getJob("a")).toMatchObject({ state: "completed", result: { text: "yes" } });
    });

    test("is kept for 7 days, or for as long as --keep says", async () => {
      const { queue, cli, clock } = open();
      const kept = (time: string) => `No job waits for a. The signal is kept for ${time}, for the first that will.\n`;
      expect((await cli(["queue:signal", "a", "1", "--keep", "1h"])).stdout).toBe(kept("1 hour"));
      expect((await cli(["queue:signal", "a", "2"])).stdout).toBe(kept("7 days"));
      const none = await cli(["queue:signal", "a", "3", "--keep", "0s"]);
      expect(none).toMatchObject({ code: 0, stdout: "No job waits for a. The signal was not kept.\n" });
      await clock.advance("2h");
      await queue.enqueueMany(["first", "second"].map((id) => ({ job: waits, payload: "a", id })));
      await queue.drain();
      expect(await queue.getJob("first")).toMatchObject({ result: 2 });
      expect(await queue.getJob("second")).toMatchObject({ state: "scheduled" });
    });

    test("--json prints what the HTTP API returns, and --id sends it once", async () => {
      const { queue, cli } = open();
      await queue.enqueue(waits, "a", { id: "first" });
      await queue.drain();
      const argv = ["queue:signal", "a", "--id", "evt_1", "--json"];
      for (const _ of [1, 2]) expect(documentOf(await cli(argv))).toEqual({ woken: 1, kept: false });
      await queue.drain();
      expect(await queue.getJob("first")).toMatchObject({ state: "completed", result: null });
      await queue.enqueue(waits, "a", { id: "second" });
      await queue.drain();
      expect(await queue.getJob("second")).toMatchObject({ state: "scheduled" });
    });

    test("reads the data from standard input", async () => {
      const { queue, cli } = open();
      await cli(["queue:signal", "a", "-"], { input: '{"text":"yes"}\n' });
      await queue.enqueue(waits, "a", { id: "a" });
      await queue.drain();
      expect(await queue.getJob("a")).toMatchObject({ result: { text: "yes" } });
    });

    test.each([
      [[], "missing required argument 'event'"],
      [["a", "{yes"], "The data is not valid JSON"],
      [["a", "1", "--keep", "soon"], "must be a duration"],
      [["a", "1", "--kepe", "1h"], "unknown option"],
      [["x".repeat(257)], "256 characters"],
      [["a", "1", "--id", "x".repeat(257)], "256 characters"],
      [[".."], ""],
      [[""], ""],
    ])("%j is a usage error, and keeps nothing", async (argv, message) => {
      const { queue, cli } = open();
      const { code, stdout, stderr } = await cli(["queue:signal", ...argv]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(message);
      await queue.enqueue(waits, "a", { id: "a" });
      await queue.drain();
      expect((await queue.getJob("a"))?.waitingFor).toBeDefined();
    });

    test("fails if too much is kept for the event", async () => {
      const { cli } = open();
      const input = JSON.stringify("x".repeat(200_000));
      await cli(["queue:signal", "a", "-"], { input });
      const refused = await cli(["queue:signal", "a", "-", "--json"], { input });
      expect(refused).toMatchObject({ code: 1, stdout: "" });
      expect(errorOf(refused).code).toBe("conflict");
    });

    test("an event cannot control the terminal", async () => {
      const { cli } = open();
      const { stdout } = await cli(["queue:signal", "a\u2028b"]);
      expect(stdout).toContain("a\ufffdb");
      expect(hasEscapes(stdout)).toBe(false);
    });
  });

  describe("queue:jobs with an id", () => {
    const run = async (events: readonly string[]) => {
      const made = open();
      await made.queue.enqueue(signs, events, { id: "contract" });
      await made.queue.drain();
      return made;
    };

    test("shows the steps in a table, with results and errors cut", async () => {
      const { clock, queue, cli } = await run(["reply-42"]);
      const lines = (stdout: string) => {
        const all = stdout.split("\n");
        return all.slice(all.findIndex((line) => line.startsWith("STEP"))).map((line) => line.trim().split(/ {2,}/));
      };
      const sleeping = (await cli(["queue:jobs", "contract"])).stdout;
      expect(lines(sleeping)).toEqual([
        ["STEP", "STATE", "ATTEMPT", "TOOK", "RESULT"],
        ["draft", "completed", "1", "0 ms", `{"text":"${"x".repeat(90)}…`],
        ["call", "failed", "1", "0 ms", "RangeError: \ufffd[2Jno answer"],
        ["sleep", "sleeping", "1", "-"],
        [""],
      ]);
      expect(hasEscapes(sleeping)).toBe(false);
      expect(sleeping).not.toContain("Waits for");
      await clock.advance("3d");
      await queue.drain();
      const waiting = (await cli(["queue:jobs", "contract"])).stdout;
      expect(lines(waiting).slice(3)).toEqual([
        ["sleep", "completed", "1", "3 days"],
        ["reply-42", "waiting", "1", "-"],
        [""],
      ]);
      expect(waiting).toMatch(/^Waits for +the signal reply-42\nuntil +2026-03-11 12:00:00 UTC \(in 7 days\)\n/m);
      await clock.advance("7d");
      await queue.drain();
      const done = (await cli(["queue:jobs", "contract"])).stdout;
      expect(lines(done)[4]).toEqual(["reply-42", "timed out", "1", "7 days"]);
      expect(done).not.toContain("Waits for");
    });

    test("says which signals a job waits for", async () => {
      const { clock, queue, cli } = await run(["paid", "cancel\u2028led"]);
      await clock.advance("3d");
      await queue.drain();
      expect((await cli(["queue:jobs", "contract"])).stdout).toMatch(
        /^Waits for +one of the signals paid, cancel\ufffdled$/m,
      );
      const { steps, waitingFor } = documentOf(await cli(["queue:jobs", "contract", "--json"])) as Record<
        string,
        unknown
      >;
      expect(waitingFor).toEqual({ events: ["paid", "cancel\u2028led"], until: "2026-03-11T12:00:00.000Z" });
      expect(steps).toEqual(JSON.parse(JSON.stringify((await queue.getJob("contract"))?.steps)));
    });

    test("fits a terminal of 80 columns, and shows no table for a job without steps", async () => {
      const { queue, cli } = await run(["x".repeat(256)]);
      const { stdout } = await cli(["queue:jobs", "contract"], { isTerminal: true, columns: 80 });
      const table = stdout.slice(stdout.indexOf("STEP"));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours.
      const widths = table.split("\n").map((line) => line.replace(/\u001b\[\d+m/g, "").length);
      expect(Math.max(...widths)).toBeLessThanOrEqual(80);
      await queue.enqueue(waits, "a", { id: "new" });
      expect((await cli(["queue:jobs", "new"])).stdout).not.toContain("STEP");
    });
  });
});

test("queue:signal needs a token with the scope signal or admin", async () => {
  const { queue, cli } = behindHandler({ jobs: [waits] });
  const as = (scope: string) => ({ env: { TIDEGATE_URL: address, TIDEGATE_TOKEN: `the-${scope}-token` } });
  for (const scope of ["enqueue", "drain", "read"]) {
    const refused = await cli(["queue:signal", "a", "--json"], as(scope));
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(errorOf(refused)).toMatchObject({
      code: "forbidden",
      message: expect.stringContaining('"signal" or "admin"'),
    });
  }
  expect(documentOf(await cli(["queue:signal", "a", "--json"], as("signal")))).toEqual({ woken: 0, kept: true });
  await queue.enqueue(waits, "a", { id: "a" });
  await queue.drain();
  expect(await queue.getJob("a")).toMatchObject({ state: "completed" });
});
