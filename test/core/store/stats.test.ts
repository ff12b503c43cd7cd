import { expect, test } from "vitest";
import { timingOf } from "../../../src/core/attempt/outcome.ts";
import { bucketOf, durationBounds, estimateOf, histogramBounds } from "../../../src/core/store/stats.ts";

test("a duration counts in the bucket of the first bound that it does not exceed", () => {
  for (const [bucket, bound] of durationBounds.entries()) {
    expect([bucketOf(bound), bucketOf(bound + 0.4), bucketOf(bound + 1)]).toEqual([bucket, bucket, bucket + 1]);
  }
});

test("no duration of up to a day is more than 20 % from the estimate of its bucket, and that is in the bucket", () => {
  expect(durationBounds.at(-1)).toBe(86_400_000);
  for (const [bucket, longest] of durationBounds.entries()) {
    const first = (durationBounds[bucket - 1] ?? -1) + 1;
    const estimate = estimateOf(bucket);
    expect(estimate).toBeGreaterThanOrEqual(Math.max(first, longest * 0.8));
    expect(estimate).toBeLessThanOrEqual(Math.min(longest, first * 1.2));
  }
});

test("each bound of a histogram is one of the bounds that are stored", () => {
  expect(durationBounds).toEqual(expect.arrayContaining([...histogramBounds]));
});

test("no duration is negative, even if one machine's clock is behind another's", () => {
  expect(timingOf({ job: { dueAt: 1_000 }, startedAt: 900 }, 800)).toEqual({ waitedMs: 0, ranMs: 0 });
  expect(timingOf({ job: { dueAt: 1_000 }, startedAt: 1_200 }, 1_500)).toEqual({ waitedMs: 200, ranMs: 300 });
});
