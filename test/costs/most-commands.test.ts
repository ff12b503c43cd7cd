import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { encodeRecord } from "../../src/core/job/record.ts";
import { childName } from "../../src/core/store/family.ts";
import type { Meter } from "../../src/core/store/meter.ts";
import type { ExchangeRequest, FollowUpJob, LeasedJob, Outcome } from "../../src/core/store/store.ts";
import { sizeOf } from "../../src/core/store/store.ts";
import type { Store } from "../../src/index.ts";
import { start as now } from "../support/clock.ts";
import { leaseOf } from "../support/operations.ts";
import { RespClient } from "../support/resp.ts";
import { family } from "../support/store-trials.ts";
import { useRedis } from "../support/stores.ts";

// A drain reserves for a request the most that it can be billed: a script that is billed more would exceed the budget.

const record = encodeRecord({ name: "noop", payload: undefined, enqueuedAt: now });
const fates = ["completed", "retried", "snoozed", "dead"] as const;
/** What jobs make when they end, if there are so many. */
const names = (count: number) => (count === 999 ? [] : ["a", "b"]);
/** The same, as a family: the first one waits for the others. */
const familyOf = (id: string, made: readonly string[]): readonly FollowUpJob[] => {
  const [parent, ...children] = made.map((name) => ({ id: `${id}:${name}`, runAt: now + 60_000, record }));
  if (!parent || children.length === 0) return parent ? [parent] : [];
  const members = children.map((job, index) => ({ ...job, id: `${parent.id}/${childName(index)}`, isChild: true }));
  return [{ ...parent, parent: { waitFor: "ended", total: members.length } }, ...members];
};

/** A queue whose meter knows what was reserved for the latest request, and what it was billed. */
function open(store: Store, name: string) {
  let setAside = 0;
  const meter: Meter = {
    roundTrips: 0,
    commands: 0,
    allows: ({ roundTrips, commands }) => {
      if (roundTrips === 1) setAside = commands;
      return true;
    },
  };
  const queue = store.open(name, meter);
  const base = { now, settle: [], fire: [], retentionMs: 60_000 };
  const leaseMs = 60_000;
  return {
    queue,
    async spend(action: () => Promise<unknown>) {
      const before = { ...meter };
      await action();
      // A script that Redis does not have yet takes two requests, the first of which is billed as one command.
      const refused = meter.roundTrips - before.roundTrips - 1;
      return { billed: meter.commands - before.commands - refused, setAside };
    },
    async exchange({ limit, ...part }: Partial<ExchangeRequest> & { readonly limit?: number }) {
      const request = { ...base, ...part, ...(limit && { claim: { limit, leaseMs, countBacklog: true } }) };
      const before = meter.commands;
      const reply = await queue.exchange(request);
      const billed = meter.commands - before;
      const bound = queue.local.mostOfExchange(sizeOf(request)).commands;
      expect(billed, JSON.stringify(sizeOf(request))).toBeLessThanOrEqual(bound);
      return { reply, billed, bound };
    },
  };
}

function suite(title: string, forbidden: string) {
  describe(title, () => {
    const redis = useRedis();
    let client: RespClient;
    let store: Store;
    let queues = 0;
    beforeAll(async () => {
      client = await RespClient.connect(redis.server.port);
      await client.send(["ACL", "SETUSER", "default", forbidden]);
      // Detects what the server does not support.
      store = redis.store();
      const { queue, exchange } = open(store, "first");
      await queue.enqueue([{ id: "a", isFreshId: true, runAt: now, record }], now);
      const { reply } = await exchange({ limit: 1 });
      const settle = reply.jobs.map(({ lease }): Outcome => ({ to: "completed", lease, record }));
      await queue.exchange({ now, settle, fire: [], retentionMs: 60_000 });
    });
    afterAll(() => client.close());

    test.each(isForAll ? [1, 2, 3, 249, 251, 499, 501, 999, 1_000] : [1, 2, 251, 501, 999])(
      "claiming and settling %i jobs stays below it, even when repeated",
      async (count) => {
        for (const fate of [...fates, undefined]) {
          for (const retentionMs of [60_000, 0]) {
            const { queue, spend, exchange } = open(store, `queue-${queues++}`);
            const ids = Array.from({ length: count }, (_, index) => `job-${index}`);
            await queue.enqueue(
              ids.map((id) => ({ id, isFreshId: true, runAt: now, record })),
              now,
            );
            const { reply } = await exchange({ limit: count });
            expect(reply.jobs).toHaveLength(count);
            const settle = reply.jobs.map(({ lease }, index): Outcome => {
              const to = fate ?? fates[index % fates.length] ?? "dead";
              const timing = { waitedMs: index, ranMs: index };
              const base = {
                lease,
                record,
                timing,
                followUps: familyOf(lease.id, names(count)),
              };
              if (to === "dead") return { to, at: now, ...base };
              return to === "completed" ? { to, ...base } : { to, runAt: now, ...base };
            });
            await exchange({ settle, retentionMs, limit: count });
            const again = await exchange({ settle, retentionMs, limit: count, isResend: true });
            expect(again.reply.settled).toHaveLength(count);
            const alone = await spend(() => queue.settle({ now, settle, retentionMs, isResend: true }));
            const followUps = count * names(count).length;
            expect(alone.billed).toBeLessThanOrEqual(
              queue.local.mostOfExchange({ settles: count, followUps }).commands,
            );
          }
        }
      },
    );

    test.each([1, 17, 100])(
      "counting the children of %i parents stays below what is set aside for it",
      async (count) => {
        for (const waitFor of ["ended", "completed"] as const) {
          const { queue, spend } = open(store, `queue-${queues++}`);
          for (let parent = 0; parent < count; parent++)
            await queue.enqueueFamily(family(`p-${parent}`, { isFreshId: true, waitFor }), now);
          const claim = { limit: 2 * count, leaseMs: 60_000 };
          const base = { now, fire: [], retentionMs: 60_000 };
          let jobs: readonly LeasedJob[] = [];
          ({ jobs } = await queue.exchange({ ...base, settle: [], claim }));
          const settle = jobs.map((job, index): Outcome => {
            const lease = leaseOf(job);
            return index % 2 === 0 ? { to: "completed", lease, record } : { to: "dead", lease, at: now, record };
          });
          // One of each family at a time, so that each must be counted.
          for (const part of [0, 1]) {
            const some = settle.filter((_, index) => index % 2 === part);
            const first = await spend(() => queue.exchange({ ...base, settle: some, claim }));
            expect(first.billed).toBeLessThanOrEqual(first.setAside);
          }
          for (let look = 1; look < 4; look++) {
            const later = await spend(() =>
              queue.exchange({ ...base, now: now + look * 3_600_000, settle: [], claim }),
            );
            expect(later.billed).toBeLessThanOrEqual(later.setAside);
          }
        }
      },
    );

    test.each([1, 100])(
      "settling the last children of %i parents takes a budget without room to count them",
      async (count) => {
        let most = Number.POSITIVE_INFINITY;
        const meter: Meter = { roundTrips: 0, commands: 0, allows: ({ commands }) => commands <= most };
        // A new connection does not know yet whether the server has HSETEX.
        const queue = redis.store().open(`queue-${queues++}`, meter);
        for (let parent = 0; parent < count; parent++)
          await queue.enqueueFamily(family(`p-${parent}`, { isFreshId: true }), now);
        const claim = { limit: 2 * count, leaseMs: 60_000 };
        const { jobs } = await queue.exchange({ now, settle: [], fire: [], retentionMs: 60_000, claim });
        const settle = jobs.map((job, index): Outcome => {
          const base = { lease: leaseOf(job), record, timing: { waitedMs: index, ranMs: index } };
          return index % 2 === 0 ? { to: "completed", ...base } : { to: "dead", at: now, group: "a", ...base };
        });
        for (const isResend of [false, true]) {
          const request = { now, settle, fire: [], retentionMs: 60_000, observe: true, claim, isResend };
          most = queue.local.mostOfExchange(sizeOf(request)).commands;
          const before = meter.commands;
          const { settled } = await queue.exchange(request);
          expect(settled).toEqual(jobs.map(() => true));
          expect(meter.commands - before).toBeLessThanOrEqual(most);
        }
      },
    );

    test.each([1, 95, 300])(
      "settling %i jobs, each of another name, takes a budget without room for their figures",
      async (count) => {
        const ids = Array.from({ length: count }, (_, index) => `job-${index}`);
        const settleWith = async (room: number) => {
          let most = Number.POSITIVE_INFINITY;
          const meter: Meter = { roundTrips: 0, commands: 0, allows: ({ commands }) => commands <= most };
          const queue = store.open(`queue-${queues++}`, meter);
          await queue.enqueue(
            ids.map((id) => ({ id, isFreshId: false, runAt: now, record })),
            now,
          );
          const claim = { limit: count, leaseMs: 60_000 };
          const { jobs } = await queue.exchange({ now, settle: [], fire: [], retentionMs: 60_000, claim });
          const timing = (index: number) => ({ waitedMs: index, ranMs: index });
          const settle = jobs.map(({ lease }, index): Outcome => {
            return { to: "completed", lease, record, name: `${index}`, timing: timing(index) };
          });
          most = queue.local.mostOfExchange({ settles: count }).commands + room;
          const before = meter.commands;
          const { settled } = await queue.settle({ now, settle, retentionMs: 60_000, observe: true });
          expect(settled).toEqual(ids.map(() => true));
          expect(meter.commands - before).toBeLessThanOrEqual(most);
          return (await queue.figures(now, 1)).length;
        };
        expect(await settleWith(0)).toBe(0);
        expect(await settleWith(100)).toBe(Math.min(count, 101));
      },
    );

    test.each([
      [1, 0],
      [1, 100],
      [55, 1],
      [55, 100],
      [600, 2],
    ])("firing %i schedules with %i jobs each stays below it", async (count, jobs) => {
      const { queue, exchange } = open(store, `queue-${queues++}`);
      const keys = Array.from({ length: count }, (_, index) => `schedule-${index}`);
      const put = keys.map((key) => ({ key, record, next: now, revision: 0, from: undefined }));
      await queue.declare({ from: undefined, manifest: "{}", put, remove: [] });
      const { reply } = await exchange({ limit: 1_000 });
      expect(reply.schedules).toHaveLength(count);
      const fire = reply.schedules.map(({ key, occurrence, revision }) => ({
        ...{ key, occurrence, revision, record, next: now + 60_000 },
        jobs: Array.from({ length: jobs }, (_, index) => ({ id: `${key}@${index}`, runAt: now, record })),
        unless: { id: "none", skippedRecord: record },
      }));
      const fired = await exchange({ fire, limit: 1_000 });
      expect(fired.reply.fired).toHaveLength(count);
    });

    test("exchanges with nothing to settle, nothing to claim, or members without a record stay below it", async () => {
      const { queue, spend, exchange } = open(store, `queue-${queues++}`);
      expect(await spend(() => queue.settle({ now, settle: [], retentionMs: 60_000 }))).toMatchObject({ billed: 1 });
      expect(queue.local.mostOfExchange({}).commands).toBe(2);
      await exchange({});
      const ids = Array.from({ length: 600 }, (_, index) => `job-${index}`);
      await queue.enqueue(
        ids.map((id) => ({ id, isFreshId: true, runAt: now, record })),
        now,
      );
      const keys = String(await client.send(["KEYS", `*queue-${queues - 1}*:jobs`]));
      await client.send(["DEL", keys]);
      const { reply } = await exchange({ limit: 1_000 });
      expect(reply.jobs).toEqual([]);
    });

    test.each([1, 2, 999, 1_000])("outcomes of %i jobs whose renewals got no answer stay below it", async (count) => {
      for (const to of ["completed", "retried", "dead"] as const)
        for (const isRenewed of [false, true]) {
          const { queue, exchange } = open(store, `queue-${queues++}`);
          const jobs = Array.from({ length: count }, (_, index) => {
            return { id: `job-${index}`, isFreshId: true, runAt: now, record, leaseEndsAt: now + 60_000 };
          });
          const leases = (await queue.enqueue(jobs, now)).flatMap(({ lease }) => lease ?? []);
          const endsAt = now + 90_000;
          if (isRenewed) await queue.extend(leases.map((lease) => ({ lease, endsAt })));
          const settle = leases.map((held): Outcome => {
            const lease = { ...held, mayEndAt: [endsAt, endsAt + 1, endsAt + 2] };
            return to === "retried" ? { to, lease, runAt: now, record } : { to, lease, at: now, record };
          });
          const { settled } = (await exchange({ settle })).reply;
          expect(settled.filter(Boolean)).toHaveLength(count);
          await exchange({ settle, isResend: true });
        }
    });

    test.each([1, 100])("extending the leases of %i jobs that leave their runs stays below it", async (count) => {
      const { queue, spend } = open(store, `queue-${queues++}`);
      const limits = { concurrency: 1, rate: 0, periodMs: 0, ordered: false };
      const ids = Array.from({ length: 3 * count }, (_, index) => `job-${index}`);
      await queue.enqueue(
        ids.map((id, index) => ({
          ...{ id, isFreshId: true, runAt: now, record },
          flow: { key: `key-${index % count}`, limits },
        })),
        now,
      );
      const claim = { limit: 3 * count, leaseMs: 60_000, runs: { ms: 300, jobMs: 100, startable: count } };
      const { jobs } = await queue.exchange({ now, settle: [], fire: [], retentionMs: 60_000, claim });
      expect(jobs).toHaveLength(3 * count);
      const renewals = jobs.map(({ lease }) => ({ lease, endsAt: lease.endsAt + 1_000, record }));
      const { billed, setAside } = await spend(() => queue.extend(renewals));
      expect(billed).toBeLessThanOrEqual(setAside);
    });

    test("extending leases, and reading and declaring schedules, stay below it", async () => {
      const { queue, spend, exchange } = open(store, `queue-${queues++}`);
      await queue.enqueue([{ id: "a", isFreshId: true, runAt: now, record }], now);
      const [job] = (await exchange({ limit: 1 })).reply.jobs;
      if (!job) throw new Error("A job is due.");
      const put = Array.from({ length: 1_200 }, (_, index) => ({
        ...{ key: `schedule-${index}`, record, next: now, revision: 0, from: undefined },
      }));
      const calls = [
        () => queue.extend([{ lease: job.lease, endsAt: job.lease.endsAt + 1_000, record }]),
        () => queue.listSchedules(),
        () => queue.declare({ from: undefined, manifest: "1", put, remove: [] }),
        () => queue.listSchedules(),
        () => queue.declare({ from: "1", manifest: "2", put: [], remove: put.map(({ key }) => key) }),
        () => queue.peekWithManifest(now),
      ];
      for (const call of calls) {
        const { billed, setAside } = await spend(call);
        expect(billed).toBeLessThanOrEqual(setAside);
      }
    });
  });
}

suite("what is set aside for a request", "+@all");
suite("what is set aside for a request where HSETEX is missing", "-hsetex");
