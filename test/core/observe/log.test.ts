import { describe, expect, onTestFinished, test, vi } from "vitest";
import * as z from "zod";
import { defineJob, type Logger, memoryStore, PermanentError, Queue, type QueueOptions } from "../../../src/index.ts";
import { faultyStore, performJob, testClock } from "../../../src/testing/index.ts";
import { clockByHand, start } from "../../support/clock.ts";

const fails = defineJob({
  name: "fails",
  maxRetries: 1,
  perform: (_: unknown) => Promise.reject(new TypeError("fetch failed")),
});

/** A logger that keeps its lines, and a queue that writes them. */
function setUp(options: Partial<QueueOptions> = {}) {
  const lines: string[] = [];
  const logger: Logger = {
    warn: (line) => lines.push(`warn ${line}`),
    error: (line) => lines.push(`error ${line}`),
  };
  const clock = testClock(start);
  const queue = new Queue({ store: memoryStore(), jobs: [fails], clock, logger, ...options });
  return { lines, logger, clock, queue };
}

describe("a failure is logged", () => {
  test("as a warning if the job is retried, as an error if it is dead, and not otherwise", async () => {
    const works = defineJob({ name: "works", perform: () => "done" });
    const sleeps = defineJob({ name: "sleeps", perform: (_: undefined, job) => job.snooze("1h") });
    const { queue, clock, lines } = setUp({ jobs: [fails, works, sleeps] });
    await queue.enqueueMany([{ job: works }, { job: sleeps }, { job: fails, id: "a-job", payload: "a secret" }]);
    await queue.drain();
    await clock.advance("60s");
    await queue.drain();
    const job = 'tidegate: Job "fails" (a-job) failed on attempt';
    expect(lines).toEqual([
      `warn ${job} 1 of 2 and will be retried in 60 s: TypeError: fetch failed`,
      `error ${job} 2 of 2 and is now in the dead-letter queue: TypeError: fetch failed`,
    ]);
  });

  test.each([
    [200, "200 ms"],
    ["20s", "20 s"],
    ["9m", "540 s"],
    ["90m", "90 min"],
    ["24h", "24 h"],
  ] as const)("with a wait of %s as %s", async (base, text) => {
    const { queue, lines } = setUp();
    await queue.enqueue(fails, undefined, { backoff: { base } });
    await queue.drain();
    expect(lines).toEqual([expect.stringContaining(`will be retried in ${text}:`)]);
  });

  test("even without a throw: a payload that no longer fits, an unknown name, a timeout", async () => {
    const store = memoryStore();
    const { queue, clock, lines } = setUp({
      store,
      jobs: [
        defineJob({ name: "strict", schema: z.object({ card: z.number() }), perform() {} }),
        defineJob({ name: "endless", timeout: "1s", perform: () => new Promise(() => {}) }),
      ],
    });
    const before = new Queue({ store, clock });
    await before.enqueue("strict", { card: "4929-secret" });
    await before.enqueue("unknown", "secret");
    await before.enqueue("endless");
    const drained = queue.drain();
    await clock.advance("1s");
    await drained;
    expect(lines.map((line) => line.replace(/\(.{36}\)/, "(id)")).sort()).toEqual([
      expect.stringMatching(
        /^error .*"strict" \(id\) failed on attempt 1 of 4 and is now .* PermanentError: The payload no longer fits/,
      ),
      expect.stringMatching(
        /^warn .*"endless" .* TimeoutError: The attempt took longer than its timeout of 1000 ms\.$/,
      ),
      expect.stringMatching(/^warn .*"unknown" .* Error: No job is named "unknown"/),
    ]);
    expect(lines.join()).not.toContain("secret");
  });

  test("if its invocations died in each attempt", async () => {
    const store = faultyStore(memoryStore());
    const works = defineJob({ name: "works", perform() {} });
    const { queue, clock, lines } = setUp({ store, jobs: [works] });
    await queue.enqueue(works, undefined, { maxRetries: 0 });
    store.plan([{ on: "exchange", call: [2, 3], fault: "before" }]);
    await expect(queue.drain()).rejects.toMatchObject({ code: "store_unavailable" });
    expect(lines).toEqual([]);
    await clock.advance("5m");
    await queue.drain();
    expect(lines).toEqual([
      expect.stringMatching(/^error .*"works" .* failed on attempt 1 of 1 .*: LeaseExpired: The invocation ended/),
    ]);
  });

  test("on one line of limited length, without colours or characters that hide others", async () => {
    const esc = String.fromCharCode(27);
    const message = `${esc}[31mred${esc}[0m\n  at line 2\r\n\u202Ehidden\u2028${"x".repeat(900)}`;
    const throws = defineJob({ name: "throws", perform: () => Promise.reject(new PermanentError(message)) });
    const { queue, lines } = setUp({ jobs: [throws] });
    await queue.enqueue(throws);
    await queue.drain();
    expect(lines[0]).toMatch(/: PermanentError: red at line 2 hidden x{400,500} \.\.\.$/);
    expect(lines[0]).not.toMatch(/[\p{Cc}\p{Cf}\u2028]/u);
  });

  test("only once the store has accepted it", async () => {
    const clock = clockByHand(start);
    const store = memoryStore();
    const slow = defineJob({
      name: "slow",
      async perform(_: undefined, { attempt }) {
        if (attempt > 1) return;
        clock.now += 120_000;
        await other.drain();
        throw new Error("too late");
      },
    });
    const other = new Queue({ store, clock, jobs: [slow] });
    const { queue, lines } = setUp({ store, clock, jobs: [slow] });
    await queue.enqueue(slow);
    expect(await queue.drain()).toMatchObject({ lost: 1 });
    expect(lines).toEqual([]);
  });
});

describe("a logger", () => {
  test("is the console by default, and none if it is null", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    for (const logger of [undefined, null]) {
      const { queue } = setUp({ logger });
      await queue.enqueue(fails);
      await queue.drain();
    }
    expect(warn.mock.calls).toEqual([[expect.stringContaining('Job "fails"')]]);
  });

  test.each<[string, () => unknown]>([
    ["throws", () => expect.unreachable()],
    ["rejects", () => Promise.reject(new Error("no luck"))],
    ["hangs", () => new Promise(() => {})],
  ])("that %s changes nothing", async (_, log) => {
    const { queue, clock } = setUp({ logger: { warn: log, error: log } });
    const { id } = await queue.enqueue(fails);
    expect(await queue.drain()).toMatchObject({ retried: 1 });
    await clock.advance("60s");
    expect(await queue.drain()).toMatchObject({ deadLettered: 1 });
    expect(await queue.getJob(id)).toMatchObject({ state: "dead" });
  });

  test("may be an object with state", async () => {
    class Lines {
      readonly lines: string[] = [];
      warn(line: string) {
        this.lines.push(line);
      }
      error(line: string) {
        this.lines.push(line);
      }
    }
    const logger = new Lines();
    const { queue } = setUp({ logger });
    await queue.enqueue(fails);
    await queue.drain();
    expect(logger.lines).toHaveLength(1);
  });

  test("that lacks a method is refused", () => {
    expect(() => setUp({ logger: { warn() {} } as unknown as Logger })).toThrow(
      "logger must have the methods warn and error, as console has, or be null for none.",
    );
  });

  test("is not used by performJob, which returns the outcome", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    expect(await performJob(fails, undefined)).toMatchObject({ status: "retried" });
    expect(warn).not.toHaveBeenCalled();
  });
});
