import { expect, test } from "vitest";
import { onEveryStore } from "../support/stores.ts";

// What the random sequences of model.test.ts have found, as the shortest sequence that shows it.

const now = Date.parse("2026-03-01T12:00:00Z");
const quiet = { now, settle: [], fire: [], limit: 0, leaseMs: 60_000, retentionMs: 0 };

onEveryStore((kind) => {
  test("of two jobs of one id in one firing the first is kept", async () => {
    const store = kind.create().open("default");
    await store.putSchedule({ key: "daily", record: "1:{}", next: now });
    const jobs = ["1:first", "1:second"].map((record) => ({
      id: "daily@2026-03-01T12:00:00.000Z",
      runAt: now,
      record,
    }));
    await store.exchange({ ...quiet, fire: [{ key: "daily", slot: now, next: undefined, record: "1:fired", jobs }] });
    expect(await store.find("daily@2026-03-01T12:00:00.000Z", now)).toMatchObject({ record: "1:first" });
  });

  test("a job that is leased as it is enqueued answers with its own run time", async () => {
    const store = kind.create().open("default");
    const job = { id: "a", isFreshId: false, runAt: now - 5_000, record: "1:{}", leaseEndsAt: now + 60_000 };
    expect(await store.enqueue([job], now)).toMatchObject([
      { runAt: now - 5_000, lease: { claims: 1, endsAt: now + 60_000 } },
    ]);
  });

  test("a lease that is extended to the same end once more is the one that it was extended to", async () => {
    const store = kind.create().open("default");
    const job = { id: "a", isFreshId: false, runAt: now, record: "1:{}", leaseEndsAt: now + 60_000 };
    const lease = { id: "a", claims: 1, endsAt: now + 60_000 };
    await store.enqueue([job], now);
    const extended = await store.extend(lease, now + 90_000);
    expect(extended).toEqual({ ...lease, endsAt: now + 90_000 });
    expect(await store.extend(lease, now + 90_000)).toEqual(extended);
    expect(await store.extend(lease, now + 95_000)).toBeUndefined();
  });

  test("what a claim leaves behind because it is large is due still", async () => {
    const store = kind.create().open("default");
    const large = { isFreshId: true, runAt: now, record: `1:"${"x".repeat(2_200_000)}"` };
    const jobs = ["a", "b", "c", "d"].map((id) => ({ ...large, id }));
    await store.enqueue(jobs, now);
    // Partitions are claimed from in any order until it is known which of them have something.
    await store.peek();
    const { jobs: claimed, nextAt } = await store.exchange({ ...quiet, limit: 10 });
    expect(claimed).toHaveLength(1);
    expect(nextAt).toBe(now);
  });

  // In partitions a job has either an id of its own or a window.
  if (kind.name !== "partitioned") {
    test("a dedupe window holds again as soon as the job that it names is there again, within one call too", async () => {
      const store = kind.create().open("default");
      const named = { id: "a", isFreshId: false, runAt: now, record: "1:{}" };
      const dedupe = { key: "x", ttlMs: 600_000 };
      await store.enqueue([{ ...named, dedupe }], now);
      await store.cancel("a", now);
      const replies = await store.enqueue([named, { ...named, id: "b", dedupe }], now);
      expect(replies).toMatchObject([{ status: "enqueued" }, { status: "duplicate", id: "a" }]);
    });
  }
});
