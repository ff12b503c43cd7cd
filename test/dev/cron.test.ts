import { describe, expect, test } from "vitest";
import { Cron } from "../../src/dev/cron.ts";
import type { Drained } from "../../src/dev/drain-calls.ts";
import { testClock } from "../../src/testing/clock.ts";
import { start } from "../support/clock.ts";
import { afterwards } from "./running-dev.ts";

const idle = { isReached: true, report: undefined } as const;

/** A cron for an app that answers with `answer`, and when it was called, in ms since the start. */
function cronFor(times: number[], answer: () => Drained | Promise<Drained>) {
  const clock = testClock(start);
  const startedAt = clock();
  const calls: number[] = [];
  const stop = new AbortController();
  const cron = new Cron({
    queues: { look: async () => times.map((at) => startedAt + at) },
    app: {
      call: async () => {
        calls.push(clock() - startedAt);
        return answer();
      },
    },
    clock,
    signal: stop.signal,
    onDrained: () => {},
  });
  const run = cron.run();
  afterwards(() => {
    stop.abort();
    return run;
  });
  return { clock, calls };
}

describe("the cron of tidegate dev", () => {
  test("calls the app at the start, and each minute", async () => {
    const { clock, calls } = cronFor([], () => idle);
    await clock.advance("2m");
    expect(calls).toEqual([0, 60_000, 120_000]);
  });

  test("calls it when something is due, also what a call before has found too early, and once more for an app whose clock is behind", async () => {
    const times = [7_001];
    const { clock, calls } = cronFor(times, () => idle);
    await clock.advance("10s");
    expect(calls).toEqual([0, 7_001, 8_001]);
  });

  test("leaves to the next minute what a call did not start, unless something else falls due", async () => {
    const { clock, calls } = cronFor([3_000, 20_000], () => idle);
    await clock.advance("59s");
    expect(calls).toEqual([0, 3_000, 4_000, 20_000, 21_000]);
    await clock.advance("1s");
    expect(calls).toEqual([0, 3_000, 4_000, 20_000, 21_000, 60_000]);
  });

  test("tries each second while no app answers, and more and more seldom while it refuses", async () => {
    const away = cronFor([], () => ({ isReached: false, isAway: true, reason: "away" }));
    await away.clock.advance("3s");
    expect(away.calls).toEqual([0, 1_000, 2_000, 3_000]);
    const refuses = cronFor([], () => ({ isReached: false, isAway: false, reason: "no" }));
    await refuses.clock.advance("90s");
    expect(refuses.calls).toEqual([0, 2_000, 6_000, 14_000, 30_000, 60_000, 90_000]);
  });

  test("waits for a call under way, except when a minute begins", async () => {
    const { clock, calls } = cronFor(
      [1_000],
      () => new Promise<Drained>((resolve) => afterwards(async () => resolve(idle))),
    );
    await clock.advance("2m");
    expect(calls).toEqual([0, 60_000]);
  });
});
