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
    return { store, leases, settle, waiting };
  };
  const job = (name: string) => ({ id: name, runAt: now, record: `1:{"name":"${name}"}` });

  describe("follow-ups of an outcome", () => {
    test.each(["completed", "dead"] as const)("are made when a job is %s, and not again by a resend", async (to) => {
      const { leases, settle, waiting } = await setUp(["a"]);
      const [lease] = leases as [Lease];
      const outcome = { to, lease, at: now, record: "1:{}", followUps: [job("one"), job("two")] };
      expect(await settle([outcome])).toMatchObject({ settled: [true] });
      expect(await settle([outcome], true)).toMatchObject({ settled: [true] });
      expect(await waiting()).toEqual(['1:{"name":"one"}', '1:{"name":"two"}']);
    });

    test("are not made when the lease is lost", async () => {
      const { store, leases, settle, waiting } = await setUp(["a"]);
      const [lease] = leases as [Lease];
      await store.extend([{ lease, endsAt: now + 2 * minute }]);
      const outcome = { to: "completed", lease, record: "1:{}", followUps: [job("one")] } as const;
      expect(await settle([outcome])).toMatchObject({ settled: [false] });
      expect(await waiting()).toEqual([]);
    });

    test("are claimed by the exchange that makes them", async () => {
      const { store, leases } = await setUp(["a"]);
      const [lease] = leases as [Lease];
      const settle = [{ to: "completed", lease, record: "1:{}", followUps: [job("one")] }] as const;
      const claim = { limit: 10, leaseMs: minute };
      const { jobs } = await store.exchange({ now, settle, fire: [], retentionMs: minute, claim });
      expect(jobs).toMatchObject([{ record: '1:{"name":"one"}' }]);
    });

    test("leave a live job with their id alone", async () => {
      const { store, leases, settle, waiting } = await setUp(["a"]);
      const [lease] = leases as [Lease];
      const follows = job("one");
      await store.enqueue([{ ...follows, isFreshId: false, record: '1:{"there":1}' }], now);
      await settle([{ to: "completed", lease, record: "1:{}", followUps: [follows] }]);
      expect(await waiting()).toEqual(['1:{"there":1}']);
    });

    test("are made once if several outcomes make them, by the first that counts", async () => {
      const { store, leases, settle, waiting } = await setUp(["a", "b", "c"]);
      const [first] = leases as [Lease];
      await store.extend([{ lease: first, endsAt: now + 2 * minute }]);
      const outcomes = leases.map((lease, index) => {
        const followUps = [{ ...job(`${index}`), id: "one" }];
        return { to: "dead", lease, at: now, record: "1:{}", followUps } as const;
      });
      expect(await settle(outcomes)).toMatchObject({ settled: [false, true, true] });
      expect(await waiting()).toEqual(['1:{"name":"1"}']);
    });

    test("count as enqueued", async () => {
      const { store, leases, settle } = await setUp(["a", "b"]);
      await settle(
        leases.map((lease) => ({ to: "completed", lease, record: "1:{}", followUps: [job(`after-${lease.id}`)] })),
      );
      expect(await store.stats(now)).toMatchObject({ enqueued: 4, totals: { processed: 2 }, ready: 2 });
    });
  });
});
