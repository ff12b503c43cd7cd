import { describe, expect, test } from "vitest";
import type { Lease, Outcome } from "../../src/core/store/store.ts";
import { start as now } from "../support/clock.ts";
import { onEveryStore } from "../support/stores.ts";

const minute = 60_000;

onEveryStore((kind) => {
  /** A queue in which some jobs run. */
  const setUp = async (ids: readonly string[]) => {
    const store = kind.create().open("default");
    const jobs = ids.map((id) => ({ id, isFreshId: false, runAt: now, record: "1:{}", leaseEndsAt: now + minute }));
    const leases = (await store.enqueue(jobs, now)).flatMap(({ lease }) => lease ?? []);
    const beside = (lease: Lease, name: string) => {
      let made = 0;
      return {
        id: store.local.idBeside(lease.id, () => `${name}.${made++}`),
        runAt: now,
        record: `1:{"name":"${name}"}`,
      };
    };
    const settle = (settle: readonly Outcome[], isResend = false) =>
      store.settle({ now, settle, retentionMs: minute, isResend });
    const waiting = async () => {
      const lists = [];
      for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
        const page = await store.list("ready", { cursor, limit: 100, mostBytes: 10_000, now });
        lists.push(...page.items);
        cursor = page.cursor;
      }
      return lists.map(({ record }) => record).sort();
    };
    return { store, leases, beside, settle, waiting };
  };

  describe("follow-ups of an outcome", () => {
    test.each(["completed", "dead"] as const)("are made when a job is %s, and not again by a resend", async (to) => {
      const { leases, beside, settle, waiting } = await setUp(["a"]);
      const [lease] = leases as [Lease];
      const outcome = { to, lease, at: now, record: "1:{}", followUps: [beside(lease, "one"), beside(lease, "two")] };
      expect(await settle([outcome])).toMatchObject({ settled: [true] });
      expect(await settle([outcome], true)).toMatchObject({ settled: [true] });
      expect(await waiting()).toEqual(['1:{"name":"one"}', '1:{"name":"two"}']);
    });

    test("are not made when the lease is lost", async () => {
      const { store, leases, beside, settle, waiting } = await setUp(["a"]);
      const [lease] = leases as [Lease];
      await store.extend([{ lease, endsAt: now + 2 * minute }]);
      const outcome = { to: "completed", lease, record: "1:{}", followUps: [beside(lease, "one")] } as const;
      expect(await settle([outcome])).toMatchObject({ settled: [false] });
      expect(await waiting()).toEqual([]);
    });

    test("are claimed by the exchange that makes them", async () => {
      const { store, leases, beside } = await setUp(["a"]);
      const [lease] = leases as [Lease];
      const settle = [{ to: "completed", lease, record: "1:{}", followUps: [beside(lease, "one")] }] as const;
      await store.peek(now);
      const claim = { limit: 10, leaseMs: minute };
      let { jobs } = await store.exchange({ now, settle, fire: [], retentionMs: minute, claim });
      // A claim of a queue in partitions may be of another one.
      if (jobs.length === 0)
        ({ jobs } = await store.exchange({ now, settle: [], fire: [], retentionMs: minute, claim }));
      expect(jobs).toMatchObject([{ record: '1:{"name":"one"}' }]);
    });

    test("leave a live job with their id alone", async () => {
      const { store, leases, beside, settle, waiting } = await setUp(["a"]);
      const [lease] = leases as [Lease];
      const follows = beside(lease, "one");
      await store.enqueue([{ ...follows, isFreshId: false, record: '1:{"there":1}' }], now);
      await settle([{ to: "completed", lease, record: "1:{}", followUps: [follows] }]);
      expect(await waiting()).toEqual(['1:{"there":1}']);
    });

    test("are made once if several outcomes make them, by the first that counts", async () => {
      const { store, leases, beside, settle, waiting } = await setUp(["a", "b", "c"]);
      const here = leases.filter(({ id }) => store.local.partitionOf({ id, isFreshId: false, runAt: now }) === 0);
      const group = here.length > 1 ? here : leases.slice(0, 1);
      const [first] = group as [Lease];
      const { id } = beside(first, "one");
      await store.extend([{ lease: first, endsAt: now + 2 * minute }]);
      const outcomes = group.map((lease, index) => {
        const followUps = [{ id, runAt: now, record: `1:{"name":"${index}"}` }];
        return { to: "dead", lease, at: now, record: "1:{}", followUps } as const;
      });
      expect(await settle(outcomes)).toMatchObject({ settled: group.map((_, index) => index > 0) });
      expect(await waiting()).toEqual(group.length > 1 ? ['1:{"name":"1"}'] : []);
    });

    test("count as enqueued", async () => {
      const { store, leases, beside, settle } = await setUp(["a", "b"]);
      await settle(
        leases.map((lease) => ({ to: "completed", lease, record: "1:{}", followUps: [beside(lease, lease.id)] })),
      );
      expect(await store.stats(now)).toMatchObject({ enqueued: 4, processed: 2, ready: 2 });
    });
  });
});
