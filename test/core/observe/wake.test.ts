import { describe, expect, test } from "vitest";
import { type Wake, WakeCalls } from "../../../src/core/observe/wake.ts";
import { TidegateError } from "../../../src/core/shared/errors.ts";
import { testClock } from "../../../src/testing/index.ts";
import { start } from "../../support/clock.ts";

/** Calls of a wake on a clock to move: `asked` has the times, as ms since the start. */
function setUp(wake: Wake = () => {}) {
  const clock = testClock(start);
  const asked: number[] = [];
  const lines: string[] = [];
  const logger = { warn: (line: string) => void lines.push(line), error: (line: string) => void lines.push(line) };
  const note: Wake = (at) => {
    asked.push(at - start);
    return wake(at);
  };
  const calls = new WakeCalls(note, clock, logger);
  return { clock, asked, lines, calls, by: (ms: number) => calls.by(start + ms) };
}

describe("wake", () => {
  test("is not called for what is due after a time that was asked for and is ahead", async () => {
    const { clock, asked, by } = setUp();
    for (const ms of [60_000, 60_000, 90_000, 30_000, 45_000]) await by(ms);
    expect(asked).toEqual([60_000, 30_000]);
    await clock.advance("30s");
    await by(45_000);
    expect(asked).toEqual([60_000, 30_000, 45_000]);
  });

  test("is called a second apart for what is due at once, for a drain by the end of that second", async () => {
    const { clock, asked, by } = setUp();
    for (let ms = 0; ms < 3_000; ms += 100) {
      await by(ms);
      await clock.advance(100);
    }
    expect(asked).toEqual([0, 1_000, 2_000, 3_000]);
  });

  test("is not called for what is due less than a second before a time that was asked for", async () => {
    const { asked, by } = setUp();
    for (const ms of [60_000, 59_001, 59_000, 58_999]) await by(ms);
    expect(asked).toEqual([60_000, 59_000]);
  });

  test("is called for what is due at once beside what is due much later", async () => {
    const { asked, by } = setUp();
    await by(3_600_000);
    await by(0);
    expect(asked).toEqual([3_600_000, 0]);
  });

  test("is not postponed by a clock that is set back", async () => {
    const { clock, asked, by } = setUp();
    await clock.advance("1h");
    await by(3_600_000);
    await clock.set(start);
    await by(0);
    expect(asked).toEqual([3_600_000, 1_000]);
  });

  test("if it fails, one line is logged, without what it has thrown, and the next call makes up for it", async () => {
    let error: Error | undefined = new TypeError("https://user:password@example.test failed");
    const { clock, asked, lines, by } = setUp(async () => {
      if (error) throw error;
    });
    await expect(by(0)).resolves.toBeUndefined();
    expect(lines).toEqual([
      "tidegate: A wake-up has failed: a cron, or the next one, makes up for it. TypeError was thrown.",
    ]);
    await by(3_600_000);
    error = undefined;
    await clock.advance("5s");
    await by(7_200_000);
    expect(asked).toEqual([0, 1_000, 5_000]);
    expect(lines).toHaveLength(2);
  });

  test("a call that has failed does not stand for what is due later", async () => {
    let calls = 0;
    const { asked, by } = setUp(async () => {
      if (++calls === 1) throw new Error("no luck");
    });
    for (const ms of [60_000, 90_000, 120_000]) await by(ms);
    expect(asked).toEqual([60_000, 60_000]);
  });

  test("the line has the message of an error of Tidegate, which holds no secret", async () => {
    const { lines, by } = setUp(() => {
      throw new TidegateError("store_unavailable", "QStash refused the message with status 401.");
    });
    await by(0);
    expect(lines).toEqual([expect.stringContaining("QStash refused the message with status 401.")]);
  });

  test("that never responds is awaited for two seconds", async () => {
    const { clock, by } = setUp(() => new Promise(() => {}));
    let isOver = false;
    void by(0)?.then(() => {
      isOver = true;
    });
    await clock.advance(1_999);
    expect(isOver).toBe(false);
    await clock.advance(1);
    expect(isOver).toBe(true);
  });

  test("after drains that fail in a row, it asks for one in a minute, then in twice as long, up to an hour", async () => {
    const { clock, asked, calls } = setUp();
    const waits: number[] = [];
    for (let failures = 1; failures <= 8; failures++) {
      await calls.afterFailure();
      waits.push((asked.at(-1) ?? 0) - (clock() - start));
      await clock.advance("2h");
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((minutes) => minutes * 60_000));
    await calls.afterDrain(Number.POSITIVE_INFINITY, true);
    await calls.afterFailure();
    expect((asked.at(-1) ?? 0) - (clock() - start)).toBe(60_000);
  });
});
