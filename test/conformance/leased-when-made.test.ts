import { describe, expect, test } from "vitest";
import type { Lease, NewJob, QueueStore } from "../../src/core/store/store.ts";
import { allPages } from "../support/all-pages.ts";
import { start as now } from "../support/clock.ts";
import { onEveryStore } from "../support/stores.ts";

// A job that is leased at enqueue.

const minute = 60_000;
const leaseEndsAt = now + minute;
const settling = { now, retentionMs: 3_600_000 };
const claiming = { ...settling, settle: [], fire: [], claim: { limit: 10, leaseMs: minute } };

async function holdAll(store: QueueStore, jobs: readonly NewJob[]): Promise<readonly Lease[]> {
  return (await store.enqueue(jobs, now)).flatMap(({ lease }) => lease ?? []);
}

const job = (id: string, more: Partial<NewJob> = {}): NewJob => ({
  ...{ id, isFreshId: true, runAt: now, record: `1:{"id":"${id}"}`, leaseEndsAt },
  ...more,
});

onEveryStore((kind) => {
  async function claim(store: QueueStore, at = now) {
    return (await store.exchange({ ...claiming, now: at })).jobs;
  }

  async function hold(more: Partial<NewJob> = {}) {
    const store = kind.create().open("default");
    const [lease] = await holdAll(store, [job("a", more)]);
    if (!lease) throw new Error("The job was to be leased.");
    return { store, lease };
  }

  test("is found, listed and counted as running, with its record", async () => {
    const { store } = await hold();
    const running = { id: "a", state: "running", record: '1:{"id":"a"}', at: leaseEndsAt, claims: 1 };
    expect(await store.find("a", now)).toEqual(running);
    const page = { cursor: undefined, limit: 10, mostBytes: 1_000, now };
    expect((await store.list("running", page)).items).toEqual([running]);
    for (const state of ["ready", "scheduled"] as const) expect((await store.list(state, page)).items).toEqual([]);
    expect(await store.stats(now)).toMatchObject({ running: 1, ready: 0, scheduled: 0, enqueued: 1 });
    expect(await store.cancel(["a"], now)).toEqual(["running"]);
    expect((await store.clear("pending", now)).cleared).toBe(0);
    expect(await claim(store)).toEqual([]);
  });

  test("is listed with other running jobs, page by page", async () => {
    const store = kind.create().open("default");
    const ids = Array.from({ length: 7 }, (_, index) => `job-${index}`);
    await holdAll(
      store,
      ids.map((id, index) => job(id, { isFreshId: index % 2 === 0 })),
    );
    const pages = await allPages((cursor) => store.list("running", { cursor, limit: 2, mostBytes: 1_000, now }));
    expect(pages.flatMap(({ items }) => items.map(({ id }) => id)).sort()).toEqual(ids);
  });

  test("completes once, and no longer counts as running", async () => {
    const { store, lease } = await hold();
    const settle = [{ to: "completed", lease, record: "1:done" }] as const;
    expect((await store.settle({ ...settling, settle })).settled).toEqual([true]);
    expect(await store.find("a", now)).toMatchObject({ state: "completed", record: "1:done" });
    expect((await store.settle({ ...settling, settle, isResend: true })).settled).toEqual([true]);
    expect((await store.settle({ ...settling, settle })).settled).toEqual([false]);
    expect(await store.stats(now)).toMatchObject({ running: 0, completed: 1, totals: { processed: 1 }, enqueued: 1 });
  });

  test("with no retention completes once, even if the answer is lost", async () => {
    const { store, lease } = await hold();
    const request = { now, retentionMs: 0, settle: [{ to: "completed", lease, record: "1:done" }] as const };
    expect((await store.settle(request)).settled).toEqual([true]);
    expect((await store.settle({ ...request, isResend: true })).settled).toEqual([true]);
    expect(await store.stats(now)).toMatchObject({ totals: { processed: 1 }, enqueued: 1 });
  });

  test("is settled together with others, whatever the outcome", async () => {
    const store = kind.create().open("default");
    const ids = ["a", "b", "c", "d", "e"];
    const leases = await holdAll(
      store,
      ids.map((id) => job(id, { isFreshId: id !== "e" })),
    );
    const [a, b, c, d, e] = leases as [Lease, Lease, Lease, Lease, Lease];
    const { settled } = await store.settle({
      ...settling,
      settle: [
        { to: "completed", lease: a, record: "1:completed" },
        { to: "dead", lease: b, at: now, record: "1:dead" },
        { to: "retried", lease: c, runAt: now + minute, record: "1:retried" },
        { to: "snoozed", lease: d, runAt: now, record: "1:snoozed" },
        { to: "completed", lease: e, record: "1:completed" },
      ],
    });
    expect(settled).toEqual([true, true, true, true, true]);
    const states = await Promise.all(ids.map(async (id) => (await store.find(id, now))?.state));
    expect(states).toEqual(["completed", "dead", "scheduled", "ready", "completed"]);
    expect(await claim(store)).toMatchObject([{ record: "1:snoozed", lease: { id: "d", claims: 2 } }]);
  });

  test("keeps an extended lease when its record is rewritten, and then completes", async () => {
    const { store, lease } = await hold();
    const extend = async () => {
      const [extended] = await store.extend([{ lease, endsAt: leaseEndsAt + minute, record: "1:progress" }]);
      return extended;
    };
    const longer = await extend();
    if (!longer) throw new Error("The lease was held.");
    expect(longer).toMatchObject({ id: "a", claims: 1, endsAt: leaseEndsAt + minute });
    expect(await extend()).toEqual(longer);
    expect(await store.find("a", now)).toMatchObject({ state: "running", record: "1:progress", at: longer.endsAt });
    const completed = (held: Lease) => [{ to: "completed" as const, lease: held, record: "1:done" }];
    expect((await store.settle({ ...settling, settle: completed(lease) })).settled).toEqual([false]);
    expect((await store.settle({ ...settling, settle: completed(longer) })).settled).toEqual([true]);
    expect(await store.stats(now)).toMatchObject({ running: 0, ready: 0, totals: { processed: 1 } });
  });

  test("whose id is already taken is a duplicate", async () => {
    const { store } = await hold();
    const again = [job("a", { isFreshId: false, record: "1:other" })];
    expect(await store.enqueue(again, now)).toMatchObject([{ status: "duplicate", id: "a", lease: undefined }]);
    expect(await store.find("a", now)).toMatchObject({ record: '1:{"id":"a"}' });
  });

  describe("whose lease has expired", () => {
    const later = leaseEndsAt + 1;

    test("is ready, the next claim is its second attempt, and the first result is refused", async () => {
      const { store, lease } = await hold();
      const page = { cursor: undefined, limit: 10, mostBytes: 1_000, now: later };
      expect((await store.list("ready", page)).items).toMatchObject([{ id: "a", record: '1:{"id":"a"}' }]);
      const jobs = await claim(store, later);
      expect(jobs).toMatchObject([{ record: '1:{"id":"a"}', dueAt: leaseEndsAt, lease: { id: "a", claims: 2 } }]);
      const completed = (held: Lease) => [{ to: "completed" as const, lease: held, record: "1:done" }];
      const request = { ...settling, now: later };
      expect((await store.settle({ ...request, settle: completed(lease) })).settled).toEqual([false]);
      expect((await store.settle({ ...request, settle: completed(lease), isResend: true })).settled).toEqual([false]);
      expect(await store.stats(later)).toMatchObject({ running: 1, totals: { processed: 0 } });
      expect(
        (await store.settle({ ...request, settle: jobs.flatMap((each) => completed(each.lease)) })).settled,
      ).toEqual([true]);
      expect(await store.stats(later)).toMatchObject({ running: 0, totals: { processed: 1 }, enqueued: 1 });
    });

    test("may still be settled if nothing has claimed it again", async () => {
      const { store, lease } = await hold();
      const settle = [{ to: "completed", lease, record: "1:done" }] as const;
      expect((await store.settle({ ...settling, now: later, settle })).settled).toEqual([true]);
    });

    test("can be cancelled, cleared or moved", async () => {
      const cancelled = await hold();
      expect(await cancelled.store.cancel(["a"], later)).toEqual(["cancelled"]);
      const cleared = await hold();
      expect((await cleared.store.clear("ready", later)).cleared).toBe(1);
      for (const { store } of [cancelled, cleared]) {
        expect(await store.find("a", later)).toBeUndefined();
        expect(await store.stats(later)).toMatchObject({ ready: 0, running: 0, enqueued: 1 });
      }
      const moved = await hold();
      const change = { id: "a", from: { at: leaseEndsAt, claims: 1 }, runAt: later + minute, record: undefined };
      expect(await moved.store.change(change)).toBe(true);
      expect(await moved.store.find("a", later)).toMatchObject({ state: "scheduled", record: '1:{"id":"a"}' });
      expect(await moved.store.stats(later)).toMatchObject({ scheduled: 1, ready: 0, running: 0 });
    });
  });
});
