import { expect, test } from "vitest";
import type { Lease } from "../../src/core/store/store.ts";
import { start as now } from "../support/clock.ts";
import { onEveryStore } from "../support/stores.ts";

// Bugs that the random sequences of model.test.ts found, each as the shortest sequence that shows it.

const quiet = { now, settle: [], fire: [], retentionMs: 0 };

onEveryStore((kind) => {
  test("the first of two jobs with one id in one firing is kept", async () => {
    const store = kind.create().open("default");
    await store.changeSchedules({ put: [{ key: "daily", record: "1:{}", next: now }] });
    const jobs = ["1:first", "1:second"].map((record) => ({
      id: "daily@2026-03-01T12:00:00.000Z",
      runAt: now,
      record,
    }));
    await store.exchange({
      ...quiet,
      fire: [{ key: "daily", occurrence: now, next: undefined, record: "1:fired", jobs }],
    });
    expect(await store.find("daily@2026-03-01T12:00:00.000Z", now)).toMatchObject({ record: "1:first" });
  });

  test("an id that was made for its job is taken as long as the job lives, and free once it has ended", async () => {
    const store = kind.create().open("default");
    const job = { id: "made", isFreshId: true, runAt: now, record: "1:{}" };
    const ofUser = { ...job, id: "chosen", isFreshId: false };
    const statuses = async (each: typeof job) => (await store.enqueue([each], now)).map(({ status }) => status);
    const another = { ...job, record: '1:{"name":"another"}' };
    expect([await statuses(job), await statuses(another), await statuses(ofUser)].flat()).toEqual([
      ...["enqueued", "duplicate", "enqueued"],
    ]);
    const claim = { limit: 2, leaseMs: 60_000 };
    const { jobs } = await store.exchange({ ...quiet, claim });
    const settle = jobs.map(({ lease }) => ({ to: "completed", lease, at: now, record: "1:{}" }) as const);
    await store.exchange({ ...quiet, retentionMs: 60_000, settle });
    expect([await statuses(job), await statuses(ofUser)].flat()).toEqual(["enqueued", "duplicate"]);
  });

  test("a job that is leased at enqueue answers with its own run time", async () => {
    const store = kind.create().open("default");
    const job = { id: "a", isFreshId: false, runAt: now - 5_000, record: "1:{}", leaseEndsAt: now + 60_000 };
    expect(await store.enqueue([job], now)).toMatchObject([
      { runAt: now - 5_000, lease: { claims: 1, endsAt: now + 60_000 } },
    ]);
  });

  test("a reply that has no room for more jobs leaves all later ids for the next one, even those of no job", async () => {
    const store = kind.create().open("default");
    await store.enqueue([{ id: "a", isFreshId: true, runAt: now, record: "1:{}" }], now);
    const { jobs } = await store.exchange({ ...quiet, claim: { limit: 1, leaseMs: 60_000 } });
    await store.exchange({
      ...quiet,
      settle: jobs.map(({ lease }) => ({ to: "dead", lease, at: now, record: "1:{}" })),
    });
    expect(await store.findEach(["a", "gone"], 0, now, true)).toMatchObject({ jobs: [{ id: "a" }], rest: ["gone"] });
  });

  test("extending a lease to the same end again succeeds", async () => {
    const store = kind.create().open("default");
    const job = { id: "a", isFreshId: false, runAt: now, record: "1:{}", leaseEndsAt: now + 60_000 };
    const lease = { id: "a", claims: 1, endsAt: now + 60_000 };
    await store.enqueue([job], now);
    const extended = await store.extend([{ lease, endsAt: now + 90_000 }]);
    expect(extended).toEqual([{ ...lease, endsAt: now + 90_000 }]);
    expect(await store.extend([{ lease, endsAt: now + 90_000 }])).toEqual(extended);
    expect(await store.extend([{ lease, endsAt: now + 95_000 }])).toEqual([null]);
  });

  test("a job that a claim leaves behind because of its size stays due", async () => {
    const store = kind.create().open("default");
    const large = { isFreshId: true, runAt: now, record: `1:"${"x".repeat(2_200_000)}"` };
    const jobs = ["a", "b", "c", "d"].map((id) => ({ ...large, id }));
    await store.enqueue(jobs, now);
    const { jobs: claimed, nextAt } = await store.exchange({ ...quiet, claim: { limit: 10, leaseMs: 60_000 } });
    expect(claimed).toHaveLength(1);
    expect(nextAt).toBe(now);
  });

  test("a dedupe window holds as soon as its job exists again, even within one call", async () => {
    const store = kind.create().open("default");
    const named = { id: "a", isFreshId: false, runAt: now, record: "1:{}" };
    const dedupe = { key: "x", ttlMs: 600_000 };
    await store.enqueue([{ ...named, dedupe }], now);
    await store.cancel(["a"], now);
    const replies = await store.enqueue([named, { ...named, id: "b", dedupe }], now);
    expect(replies).toMatchObject([{ status: "enqueued" }, { status: "duplicate", id: "a" }]);
  });

  test("an attempt is timed once, even if its outcome is sent again along with a new one", async () => {
    const store = kind.create().open("default");
    const held = ["a", "b"].map((id) => ({
      id,
      isFreshId: false,
      runAt: now,
      record: "1:{}",
      leaseEndsAt: now + 60_000,
    }));
    const leases = (await store.enqueue(held, now)).flatMap(({ lease }) => lease ?? []);
    const [first, second] = leases.map((lease) => ({
      to: "completed" as const,
      lease,
      record: "1:done",
      timing: { waitedMs: 5, ranMs: 7 },
    }));
    if (!first || !second) throw new Error("A job that was to be held is not.");
    const keeping = { ...quiet, retentionMs: 86_400_000 };
    await store.exchange({ ...keeping, settle: [first] });
    const again = await store.exchange({ ...keeping, settle: [first, second], isResend: true });
    expect(again.settled).toEqual([true, true]);
    const { runningTimes, waitingTimes, totals } = await store.stats(now);
    const timed = ({ counts }: { readonly counts: readonly number[] }) => counts.reduce((sum, count) => sum + count, 0);
    expect([timed(runningTimes), runningTimes.sumMs, timed(waitingTimes), totals.processed]).toEqual([2, 14, 2, 2]);
  });

  test("a retry of a dead job leaves alone a new job with the same id, and its lease", async () => {
    const store = kind.create().open("default");
    const id = "daily@2026-03-01T12:00:00.000Z";
    const job = { id, isFreshId: false, runAt: now, record: "1:{}", leaseEndsAt: now + 60_000 };
    const [first] = await store.enqueue([job], now);
    if (!first?.lease) throw new Error("A job that was to be held is not.");
    await store.exchange({ ...quiet, settle: [{ to: "dead", lease: first.lease, at: now, record: "1:dead" }] });
    await store.changeSchedules({ put: [{ key: "daily", record: "1:{}", next: now }] });
    const fire = {
      key: "daily",
      occurrence: now,
      next: undefined,
      record: "1:fired",
      jobs: [{ ...job, record: "1:anew" }],
    };
    await store.exchange({ ...quiet, fire: [fire] });
    const [claimed] = (await store.exchange({ ...quiet, claim: { limit: 1, leaseMs: 60_000 } })).jobs;
    expect(claimed?.lease.id).toBe(id);
    expect(
      await store.retryDead([{ id, deadSince: now, claims: 1, runAt: now, record: '1:{"revived":1}' }], now),
    ).toEqual([false]);
    expect(await store.find(id, now)).toMatchObject({ state: "running", record: "1:anew" });
    expect(await store.stats(now)).toMatchObject({ dead: 1, running: 1, ready: 0 });
  });

  test("a retry of a dead occurrence leaves alone the one that was made anew, and leased as it was made", async () => {
    const store = kind.create().open("default");
    const id = `planned@${new Date(now).toISOString()}`;
    const job = { id, isFreshId: false, runAt: now, record: "1:{}", leaseEndsAt: now + 60_000 };
    const [held] = await store.enqueue([job], now);
    await store.exchange({
      ...quiet,
      settle: [{ to: "dead", lease: held?.lease as Lease, at: now, record: "1:dead" }],
    });
    const jobRecord = ['1:{"made":', ',"for":', "}"] as const;
    const plan = { times: [now, now + 60_000], jobRecord, makesEach: false, isDeclared: false };
    await store.changeSchedules({ put: [{ key: "planned", record: "1:{}", next: now, plan }] });
    const [made] = (await store.exchange({ ...quiet, claim: { limit: 1, leaseMs: 60_000 } })).jobs;
    expect(made).toMatchObject({ lease: { id }, isFired: true });
    const retry = { id, deadSince: now, claims: 1, runAt: now, record: '1:{"revived":1}' };
    expect(await store.retryDead([retry], now)).toEqual([false]);
    expect(await store.stats(now)).toMatchObject({ dead: 1, running: 1, ready: 0 });
  });

  test("a foreign cursor lists no job of another state", async () => {
    const store = kind.create().open("default");
    const job = (id: string, runAt: number, leaseEndsAt?: number) => ({
      id,
      isFreshId: false,
      runAt,
      record: "1:{}",
      ...(leaseEndsAt !== undefined && { leaseEndsAt }),
    });
    await store.enqueue([job("ready", now), job("later", now + 60_000), job("runs", now, now + 60_000)], now);
    await store.changeSchedules({ put: [{ key: "daily", record: "1:{}", next: now }] });
    for (const [state, expected] of [
      ["scheduled", ["later"]],
      ["running", ["runs"]],
    ] as const) {
      const { items } = await store.list(state, { cursor: "0:a", limit: 10, mostBytes: 1_000, now });
      expect(
        items.map(({ id }) => id),
        state,
      ).toEqual(expected);
    }
  });

  test.each(["1e3", " 5", "", "5", "1.5:a", "-x"])("the cursor %j of completed jobs is refused", async (cursor) => {
    const store = kind.create().open("default");
    const page = { cursor, limit: 10, mostBytes: 1_000, now };
    await expect(store.list("completed", page)).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("clear removes every job that waits throughout, even if running jobs end between its pieces", async () => {
    const store = kind.create().open("default");
    const jobs = (prefix: string, count: number, runAt: number, leaseEndsAt?: number) =>
      Array.from({ length: count }, (_, index) => ({
        id: `${prefix}-${index}`,
        isFreshId: false,
        runAt,
        record: "1:{}",
        ...(leaseEndsAt !== undefined && { leaseEndsAt }),
      }));
    const running = await store.enqueue(jobs("runs", 50, now, now + 60_000), now);
    await store.enqueue(jobs("waits", 1_000, now + 3_600_000), now);
    await store.enqueue(jobs("waits-too", 1_000, now + 7_200_000), now);
    let cleared = 0;
    let from: string | undefined;
    do {
      const piece = await store.clear("pending", now, from);
      if (from === undefined) {
        const settle = running.flatMap(({ lease }) => (lease ? [{ to: "completed" as const, lease, record: "" }] : []));
        await store.exchange({ ...quiet, settle });
      }
      cleared += piece.cleared;
      from = piece.next;
    } while (from !== undefined);
    expect(cleared).toBe(2_000);
    expect(await store.stats(now)).toMatchObject({ scheduled: 0, running: 0 });
  });

  test("clear of a paused queue ends, even in pieces of one job", async () => {
    const store = kind.create().open("default");
    const job = { isFreshId: false, runAt: now, record: "1:{}" };
    await store.enqueue(
      [
        { ...job, id: "one" },
        { ...job, id: "two" },
      ],
      now,
    );
    await store.setPaused(true);
    let from: string | undefined;
    let cleared = 0;
    for (let pieces = 0; pieces === 0 || (from !== undefined && pieces < 20); pieces++) {
      const piece = await store.clear("pending", now, from, 1);
      cleared += piece.cleared;
      from = piece.next;
    }
    expect({ cleared, from }).toEqual({ cleared: 2, from: undefined });
  });
});
