import { describe, expect, test } from "vitest";
import { retryWaitMs } from "../../../src/core/attempt/outcome.ts";
import { type Backoff, backoffMs, backoffRule } from "../../../src/core/job/backoff.ts";
import { RetryAfterError } from "../../../src/core/job/errors.ts";
import { start as now } from "../../support/clock.ts";

/** The waits before the first retries, in seconds. */
const waits = (backoff: Backoff | undefined, random = 0.5) =>
  [1, 2, 3].map((retry) => backoffMs(backoff, retry, undefined, () => random) / 1_000);

describe("the waits before retries", () => {
  test.each<[Backoff | undefined, number, number[]]>([
    [undefined, 0.5, [60, 120, 240]],
    [{ base: "1s", max: "3s" }, 0.5, [1, 2, 3]],
    [{ type: "fixed", base: "5s" }, 0.5, [5, 5, 5]],
    [{ base: "10s", jitter: 0.5 }, 0, [5, 10, 20]],
    [{ base: "10s", jitter: 0.5 }, 0.5, [10, 20, 40]],
    [{ base: "10s", jitter: 0.5 }, 0.75, [12.5, 25, 50]],
    [{ base: "10s", max: "20s", jitter: 0.5 }, 0.75, [12.5, 20, 20]],
  ])("by %j, with the random number %d, are %j", (backoff, random, expected) => {
    expect(waits(backoff, random)).toEqual(expected);
  });

  test("have a jitter of at most 1", () => {
    expect(() => backoffRule.read({ jitter: 1 }, "backoff")).not.toThrow();
    expect(() => backoffRule.read({ jitter: 1.01 }, "backoff")).toThrow("backoff.jitter must be a number from 0 to 1.");
  });

  test.each([
    ["90s", 90_000],
    [new Date(now + 5_000), 5_000],
    ["2026-03-01T12:00:07Z", 7_000],
    ["2026-03-01T11:00:00Z", 0],
    ["some day", 60_000],
  ])("follow a RetryAfterError with %s", (when, expected) => {
    expect(retryWaitMs(new RetryAfterError("busy", when as Date), undefined, 1, now, () => 0.5)).toBe(expected);
  });
});
