import { describe, expect, test } from "vitest";
import { ClaimedJob } from "../../../src/core/attempt/claimed-job.ts";
import { encodeRecord, type JobRecord, withReturnedClaim } from "../../../src/core/job/record.ts";
import { CLAIM_CYCLE } from "../../../src/core/store/store.ts";
import { defineJob, memoryStore } from "../../../src/index.ts";
import { start } from "../../support/clock.ts";

const job = defineJob({ name: "job", maxRetries: 3, timeout: "30s", backoff: { base: "1m" }, perform() {} });
const fresh: JobRecord = { name: job.name, enqueuedAt: start };
const failure = (attempt: number) => ({ name: "Error", message: "no luck", attempt, at: start });

/** A job with this record, claimed this often. */
function claimed(claims: number, record = fresh): ClaimedJob {
  const runtime = {
    queue: "default",
    clock: () => start,
    store: memoryStore().open("default"),
    definitions: new Map([[job.name, job]]),
  };
  const lease = { id: "a-job", claims, endsAt: start + 60_000 };
  return new ClaimedJob(runtime, { lease, record: encodeRecord(record), dueAt: start });
}

describe("a claimed job", () => {
  test("is suspected of poison after two crashes, or one if this attempt is its last", () => {
    expect([1, 2, 3].map((claims) => claimed(claims).mayBePoison)).toEqual([false, false, true]);
    expect(claimed(4, { ...fresh, errors: [failure(3)] }).mayBePoison).toBe(false);
    expect(claimed(4, { ...fresh, errors: [failure(2)] }).mayBePoison).toBe(true);
    expect(claimed(3, { ...fresh, errors: [failure(1)] }).mayBePoison).toBe(false);
  });

  test("is suspected again after a retry from the dead letter, whatever failed before, even in the same millisecond", () => {
    const revived = { ...fresh, returned: 4, errors: [failure(2)], revivedAt: start };
    expect([5, 6, 7].map((claims) => claimed(claims, revived).mayBePoison)).toEqual([false, false, true]);
  });

  test("counts no crash if an attempt has failed in the millisecond in which it stored a step", () => {
    const steps = [{ name: "draft", at: start, endedAt: start }];
    const record = { ...fresh, steps, errors: [failure(1)], advancedAt: start };
    expect([claimed(2, record).crashes, claimed(2, record).stored.errors]).toEqual([0, [failure(1)]]);
    expect(claimed(3, record).stored.errors).toMatchObject([failure(1), { attempt: 2, name: "LeaseExpired" }]);
  });

  test("is still at its first attempt, however often it was released", () => {
    let record = fresh;
    for (let claims = 1; claims <= 3 * CLAIM_CYCLE; claims++) {
      expect(claimed(((claims - 1) % CLAIM_CYCLE) + 1, record).attempt).toBe(1);
      record = withReturnedClaim(record);
    }
  });

  test("prefers the options of its enqueue to those of its definition", () => {
    const given = {
      maxRetries: 7,
      timeoutMs: 1_000,
      backoff: { type: "fixed", base: 1_000, max: 1_000, jitter: 0 },
    } as const;
    const { maxRetries, timeoutMs, backoff } = claimed(1, { ...fresh, ...given });
    expect({ maxRetries, timeoutMs, backoff }).toEqual(given);
  });

  test("can start if its lease covers its timeout and the time to settle it", () => {
    const latest = start + 60_000 - 30_000 - 5_000;
    expect(claimed(1).canStart(latest)).toBe(true);
    expect(claimed(1).canStart(latest + 1)).toBe(false);
  });
});
