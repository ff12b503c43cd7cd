import { describe, expect, test } from "vitest";
import { Claim } from "../../../src/core/attempt/claimed-job.ts";
import { encodeRecord, type JobRecord, withReturnedClaim } from "../../../src/core/job/record.ts";
import { CLAIM_CYCLE } from "../../../src/core/store/store.ts";
import { defineJob, memoryStore } from "../../../src/index.ts";
import { start } from "../../support/clock.ts";

const job = defineJob({ name: "job", maxRetries: 3, timeout: "30s", backoff: { base: "1m" }, perform() {} });
const fresh: JobRecord = { name: job.name, enqueuedAt: start };
const failure = (attempt: number) => ({ name: "Error", message: "no luck", attempt, at: start });

/** What is read of a job with this record, when it has been claimed so often. */
function claimed(claims: number, record = fresh): Claim {
  const workshop = { queue: "default", store: memoryStore().open("default"), jobs: new Map([[job.name, job]]) };
  const lease = { id: "a-job", claims, endsAt: start + 60_000 };
  return new Claim(workshop, { lease, record: encodeRecord(record), dueAt: start });
}

describe("a claimed job", () => {
  test("is suspect when two invocations died with it, or one where this attempt is the last", () => {
    expect([1, 2, 3].map((claims) => claimed(claims).isSuspect)).toEqual([false, false, true]);
    expect(claimed(4, { ...fresh, errors: [failure(3)] }).isSuspect).toBe(false);
    expect(claimed(4, { ...fresh, errors: [failure(2)] }).isSuspect).toBe(true);
    expect(claimed(3, { ...fresh, errors: [failure(1)] }).isSuspect).toBe(false);
  });

  test("is suspect in a new life whatever failed in the one before, down to the same millisecond", () => {
    const revived = { ...fresh, returned: 4, errors: [failure(2)], revivedAt: start };
    expect([5, 6, 7].map((claims) => claimed(claims, revived).isSuspect)).toEqual([false, false, true]);
  });

  test("is at its first attempt still, however often it was handed back", () => {
    let record = fresh;
    for (let claims = 1; claims <= 3 * CLAIM_CYCLE; claims++) {
      expect(claimed(claims % CLAIM_CYCLE, record).number).toBe(1);
      record = withReturnedClaim(record);
    }
  });

  test("goes by what was given at enqueue, not by its definition", () => {
    const given = {
      maxRetries: 7,
      timeoutMs: 1_000,
      backoff: { type: "fixed", base: 1_000, max: 1_000, jitter: 0 },
    } as const;
    const { maxRetries, timeoutMs, backoff } = claimed(1, { ...fresh, ...given });
    expect({ maxRetries, timeoutMs, backoff }).toEqual(given);
  });

  test("can start while its lease outlives its timeout and the time to hand it in", () => {
    const latest = start + 60_000 - 30_000 - 5_000;
    expect(claimed(1).canStart(latest)).toBe(true);
    expect(claimed(1).canStart(latest + 1)).toBe(false);
  });
});
