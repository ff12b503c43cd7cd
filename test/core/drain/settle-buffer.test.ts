import { afterEach, describe, expect, test, vi } from "vitest";
import type { ClaimedJob } from "../../../src/core/attempt/claimed-job.ts";
import { type EndedJob, SettleBuffer } from "../../../src/core/drain/in-hand.ts";
import { MEBIBYTE } from "../../../src/core/shared/limits.ts";
import { start } from "../../support/clock.ts";

/** A job that has ended with a record of this many bytes. */
function ended(bytes: number): EndedJob {
  return {
    job: {} as ClaimedJob,
    outcome: { to: "completed", lease: {}, record: "€".repeat(bytes / 3) } as never,
    at: start,
    isAwaited: false,
  };
}

function holding(...jobs: readonly EndedJob[]): SettleBuffer {
  const buffer = new SettleBuffer();
  for (const job of jobs) buffer.add(job);
  return buffer;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("ended jobs are settled in requests", () => {
  test("of at most 4 MiB, and a larger record has a request of its own", () => {
    const sizes = [1.5, 1.5, 1.5, 6, 0.75, 0.75].map((size) => size * MEBIBYTE);
    expect(holding(...sizes.map(ended)).requests).toEqual([2, 1, 1, 2]);
  });

  test("that stay the same when the first is taken, and when it is put back", () => {
    const jobs = [3, 3, 0.75].map((size) => ended(size * MEBIBYTE));
    const buffer = holding(...jobs);
    const taken = buffer.take();
    expect([taken, buffer.requests, buffer.length]).toEqual([[jobs[0]], [2], 2]);
    buffer.add(ended(0.75 * MEBIBYTE));
    expect(buffer.requests).toEqual([2, 1]);
    buffer.putBack(taken);
    expect(buffer.requests).toEqual([1, 2, 1]);
  });

  test("whose bytes are counted once per record, however many wait", () => {
    const count = vi.spyOn(TextEncoder.prototype, "encode");
    holding(...Array.from({ length: 100 }, () => ended(0.09 * MEBIBYTE)));
    expect(count).toHaveBeenCalledTimes(100);
  });
});

test("an empty buffer has no request", () => {
  const buffer = holding(ended(3));
  buffer.take();
  expect([buffer.requests, buffer.length, buffer.take()]).toEqual([[], 0, []]);
});
