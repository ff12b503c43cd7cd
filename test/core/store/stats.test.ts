import { expect, test } from "vitest";
import { timingOf } from "../../../src/core/attempt/outcome.ts";
import { bucketOf, durationBounds } from "../../../src/core/store/stats.ts";

test("a duration counts in the bucket of the first bound that it does not exceed", () => {
  expect(durationBounds.map(bucketOf)).toEqual(durationBounds.map((_, index) => index));
  expect(durationBounds.map((bound) => bucketOf(bound + 1))).toEqual(durationBounds.map((_, index) => index + 1));
});

test("no duration is negative, even if one machine's clock is behind another's", () => {
  expect(timingOf(1_000, 900, 800)).toEqual({ waitedMs: 0, ranMs: 0 });
  expect(timingOf(1_000, 1_200, 1_500)).toEqual({ waitedMs: 200, ranMs: 300 });
});
