import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { childId, totalOf } from "../../src/core/store/family.ts";
import type { NewFlow } from "../../src/core/store/flow.ts";
import { leaseScore, WAITS_FOR_CHILDREN_AT, waitingScore } from "../../src/core/store/score.ts";
import { waitsOf } from "../../src/core/store/signals.ts";
import type { ClaimRequest, ExtendReply, Lease, NewJob, Outcome, QueueStore } from "../../src/core/store/store.ts";
import { memoryStore } from "../../src/index.ts";
import { Connection } from "../../src/stores/redis/connection.ts";
import { readCounts } from "../../src/stores/redis/families.ts";
import { keysOf } from "../../src/stores/redis/keys.ts";
import { redisQueue } from "../../src/stores/redis/queue.ts";
import { start as now } from "../support/clock.ts";
import { type FailingTransport, failingTransport } from "../support/failing-scripts.ts";
import { readStored, type StoredQueue, storedBreaches } from "../support/invariants.ts";
import { leaseOf } from "../support/operations.ts";
import { plain } from "../support/plain.ts";
import { everythingIn } from "../support/queue-contents.ts";
import { RespClient } from "../support/resp.ts";
import { exchange, family, fillStore, job, minute, storeTrials } from "../support/store-trials.ts";
import { useRedis } from "../support/stores.ts";

// Lua does not roll back: each command of each script fails in turn, and earlier writes stay. Then the script is sent
// again, as the connection does. `npm test` takes the second command and every third one after it.
const [firstCommand, pace] = isForAll ? [1, 1] : [2, 3];

interface Case {
  /** Adds to a queue that `fillStore` has filled, and returns the leases of its running jobs. Default: adds nothing. */
  readonly prepare?: (store: QueueStore) => Promise<readonly Lease[]>;
  readonly run: (store: QueueStore, runs: Lease, ...more: readonly Lease[]) => Promise<unknown>;
  /** Jobs that the call should remove. */
  readonly removes?: readonly string[];
  /** Whether the call gives the same answer when it is sent again. */
  readonly answersAlike: boolean;
  /** Whether it counts children of `parent`. Counts come last: if a command fails, it may wait for ever. */
  readonly countsChildren?: boolean;
}

/** Which leases are still held. Where they end depends on how often the request was sent. */
const held = ({ leases }: ExtendReply) => leases.map((lease) => lease !== null);

/** Enqueues jobs that are leased at enqueue, and returns their leases. */
async function holdFresh(
  store: QueueStore,
  ids: readonly string[],
  leaseEndsAt = now + minute,
): Promise<readonly Lease[]> {
  const jobs = ids.map((id) => job(id, { isFreshId: true, leaseEndsAt }));
  return (await store.enqueue(jobs, now)).flatMap(({ lease }) => lease ?? []);
}

const waits = waitsOf(["paid", "late"]);

/** Settles jobs that wait for signals from now on. Returns those that need not wait. */
async function settleWaits(store: QueueStore, leases: readonly Lease[]): Promise<readonly string[]> {
  const settle = leases.map((lease): Outcome => {
    const record = `1:{"id":"${lease.id}","claims":${lease.claims},"waits":"${waits}"}`;
    return { to: "snoozed", lease, runAt: now + 60 * minute, record, waits };
  });
  return (await store.settle({ now, retentionMs: exchange.retentionMs, settle })).woken ?? [];
}

/** Jobs that wait for signals. */
async function waitFor(store: QueueStore, ids: readonly string[]): Promise<readonly Lease[]> {
  await settleWaits(store, await holdFresh(store, ids));
  return [];
}

/** Claims the jobs that were woken. */
async function claimAgain(store: QueueStore): Promise<readonly Lease[]> {
  const { jobs } = await store.exchange({ ...exchange, claim: { limit: 100, leaseMs: minute } });
  return jobs.flatMap(({ lease, record }) => (record.includes('"signal"') ? { ...lease, waits } : []));
}

const fires = [job("daily@2026-03-01T12:00:00.000Z"), job("daily@2026-03-01T12:01:00.000Z")];

/** A schedule that is due, and that an exchange fires by itself. */
function plan(store: QueueStore) {
  const jobRecord = ['1:{"made":', ',"for":', "}"] as const;
  const plan = { times: [now, now + minute], jobRecord, makesEach: false, isDeclared: false };
  return store.changeSchedules({ put: [{ key: "planned", record: "1:{}", next: now, plan }] });
}

const flow = { key: "tenant", limits: { concurrency: 8, rate: 0, periodMs: 0, ordered: false } };

const keyed = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...job(`${name}-${index}`, { isFreshId: true }), flow }));

/** A long line of a key, with four running jobs. */
async function claimKeyed(store: QueueStore, claim: Partial<ClaimRequest> = {}): Promise<readonly Lease[]> {
  await store.enqueue(keyed("line", 40), now);
  // The others that are due come first.
  const { jobs } = await store.exchange({ ...exchange, claim: { limit: 7, leaseMs: minute, ...claim } });
  return jobs.flatMap(({ lease }) => (lease.flow ? lease : []));
}

const runs = { ms: 300, jobMs: 100, startable: 100 };

/**
 * A line of a key with one slot, and its first three jobs as a run.
 *
 * @param endedFor for how long their leases are over.
 */
async function claimRun(store: QueueStore, endedFor = -minute): Promise<readonly Lease[]> {
  await store.changeFlow(flow.key, { to: "set", limits: { ...flow.limits, concurrency: 1 } }, now);
  return claimKeyed(store, { limit: 20, runs, leaseMs: -endedFor });
}

const single = { ...flow, key: "single" };
const limited = { key: "limited", limits: { concurrency: 1, rate: 5, periodMs: minute, ordered: false } };

/** Keys with one job each: it waits, runs, is dead, or its lease has run out. Gives the leases that hold. */
async function fillKeys(store: QueueStore): Promise<readonly Lease[]> {
  const held = (id: string, flow: NewFlow, leaseEndsAt = now + minute) => ({ ...job(id, { leaseEndsAt }), flow });
  const replies = await store.enqueue(
    [
      held("runs-alone", single),
      held("runs-limited", limited),
      held("dies-alone", { ...single, key: "of the dead" }),
      held("lapsed", { ...single, key: "lapsed" }, now - 1),
      { ...job("waits-alone"), flow: { ...single, key: "waiting" } },
    ],
    now,
  );
  const [runs, limitedRuns, dies] = replies.flatMap(({ lease }) => lease ?? []) as [Lease, Lease, Lease];
  await store.exchange({ ...exchange, settle: [{ to: "dead", lease: dies, at: now, record: '1:{"dead":1}' }] });
  return [runs, limitedRuns];
}

const ended = (lease: Lease): Outcome => ({ to: "completed", lease, record: `1:{"id":"${lease.id}","end":1}` });

/** Each method that can empty a key, or end a lease of it, on keys with one job each. */
const onSingleJobs: Readonly<Record<string, Omit<Case, "prepare">>> = {
  "settle of the only job of a key": {
    run: async (store, runs) => (await store.exchange({ ...exchange, settle: [ended(runs)] })).settled,
    answersAlike: true,
  },
  "settle of the only job of a key whose window stays open": {
    run: async (store, _, limitedRuns) => (await store.exchange({ ...exchange, settle: [ended(limitedRuns)] })).settled,
    answersAlike: true,
  },
  "settle of the only jobs of two keys, and a claim of what is due": {
    run: async (store, runs, limitedRuns) =>
      (
        await store.exchange({
          ...exchange,
          settle: [ended(runs), ended(limitedRuns)],
          claim: { limit: 10, leaseMs: 2 * minute },
        })
      ).settled,
    answersAlike: true,
  },
  "settle of the only jobs of two keys, which make jobs of these and of a new one, and a claim": {
    run: async (store, runs, limitedRuns) => {
      const made = (id: string, flow: NewFlow) => ({ ...job(id), flow });
      const settle = [
        { ...ended(runs), followUps: [made("goes-on", single), made("is-new", { ...single, key: "new" })] },
        { ...ended(limitedRuns), followUps: [made("is-limited", limited), job("has-no-key")] },
      ];
      return (await store.exchange({ ...exchange, settle, claim: { limit: 10, leaseMs: 2 * minute } })).settled;
    },
    answersAlike: true,
  },
  "snooze of the only job of a key, which makes a job of another one": {
    run: async (store, runs) => {
      const followUps = [{ ...job("is-new"), flow: { ...single, key: "new" } }];
      const snoozed: Outcome = { to: "snoozed", lease: runs, runAt: now + minute, record: "1:{}", followUps };
      return (await store.exchange({ ...exchange, settle: [snoozed] })).settled;
    },
    answersAlike: true,
  },
  "settle of the only job of a key, which makes more jobs of a new one than one command adds": {
    run: async (store, runs) => {
      const flow = { ...single, key: "new" };
      const followUps = Array.from({ length: 501 }, (_, index) => ({ ...job(`follows-${index}`), flow }));
      return (await store.exchange({ ...exchange, settle: [{ ...ended(runs), followUps }] })).settled;
    },
    answersAlike: true,
  },
  "claim of a job with a key whose lease has run out": {
    run: (store) => store.exchange({ ...exchange, claim: { limit: 10, leaseMs: 2 * minute } }),
    answersAlike: false,
  },
  "firing of jobs with keys": {
    run: async (store) => {
      const jobs = fires.map((each, index) => ({ ...each, flow: index ? single : { ...single, key: "fired" } }));
      const fire = [{ key: "daily", occurrence: now, next: now + minute, record: "1:fired", jobs }];
      return (await store.exchange({ ...exchange, fire })).fired;
    },
    answersAlike: false,
  },
  "cancel of the only job of a key": {
    run: (store) => store.cancel(["waits-alone"], now),
    removes: ["waits-alone"],
    answersAlike: false,
  },
  "cancel of jobs with and without keys": {
    run: (store) => store.cancel(["waits-alone", "lapsed", "nobody"], now),
    removes: ["waits-alone", "lapsed"],
    answersAlike: false,
  },
  "rescheduling of jobs with keys": {
    run: (store) => store.reschedule(["waits-alone", "lapsed", "nobody"], now + minute, now),
    answersAlike: true,
  },
  "cancel of a running job with a key": {
    run: (store) => store.cancel(["runs-alone"], now, true),
    removes: ["runs-alone"],
    answersAlike: false,
  },
  "cancel of a job with a key whose lease has run out": {
    run: (store) => store.cancel(["lapsed"], now),
    removes: ["lapsed"],
    answersAlike: false,
  },
  "change of the only job of a key": {
    run: (store) =>
      store.change({
        id: "waits-alone",
        from: { at: now, claims: 0 },
        runAt: now + minute,
        record: '1:{"changed":1}',
        flow: { ...single, key: "waiting", order: 0 },
      }),
    answersAlike: true,
  },
  "change of a job with a key whose lease has run out": {
    run: (store) =>
      store.change({
        id: "lapsed",
        from: { at: now - 1, claims: 1 },
        runAt: now + minute,
        record: '1:{"changed":1}',
        flow: { ...single, key: "lapsed", order: 0 },
      }),
    answersAlike: true,
  },
  "retry of a dead job with a key": {
    run: (store) =>
      store.retryDead(
        [
          {
            id: "dies-alone",
            deadSince: now,
            claims: 1,
            runAt: now,
            record: '1:{"again":1}',
            flow: { ...single, key: "of the dead", order: 0 },
          },
        ],
        now,
      ),
    answersAlike: true,
  },
  "clear of what waits, jobs with keys among it": {
    run: (store) => store.clear("pending", now).then(({ cleared }) => cleared),
    removes: ["waits", "waits-2", "later", "waits-alone", "lapsed"],
    answersAlike: false,
  },
  "pause of a key": { run: (store) => store.changeFlow("waiting", { to: "paused" }, now), answersAlike: true },
  "pause of a key without jobs": {
    run: (store) => store.changeFlow("nobody's", { to: "paused" }, now),
    answersAlike: true,
  },
  "limits set on a key": {
    run: (store) => store.changeFlow("single", { to: "set", limits: limited.limits }, now),
    answersAlike: true,
  },
};

/** What the jobs have that replace others. */
const replacements: readonly (readonly [string, Partial<NewJob>])[] = [
  ["jobs under the key that they have", { flow }],
  ["jobs that come under another key", { flow: { ...flow, key: "other" } }],
  ["jobs that are without a key from then on", {}],
  ["jobs, and leases them", { flow: { ...flow, key: "other" }, leaseEndsAt: now + minute }],
];

/** A family whose children run. Gives their leases. */
async function claimFamily(store: QueueStore, more: Parameters<typeof family>[1] = {}): Promise<readonly Lease[]> {
  await store.enqueueFamily(family("parent", more), now);
  const { jobs } = await store.exchange({ ...exchange, claim: { limit: 1_000, leaseMs: minute } });
  return jobs.map(leaseOf).filter(({ id }) => id.startsWith("parent/"));
}

const dies = (lease: Lease): Outcome => ({ to: "dead", lease, at: now, record: `1:{"id":"${lease.id}","end":1}` });

/** A dead child, and one that has completed, of a parent that waits for both to complete. */
async function buryChild(store: QueueStore): Promise<readonly Lease[]> {
  const [first, second] = (await claimFamily(store, { waitFor: "completed" })) as [Lease, Lease];
  await store.exchange({ ...exchange, settle: [dies(first), ended(second)] });
  return [];
}

/** Each method that concerns children and their parents. */
const onFamilies: Readonly<Record<string, Case>> = {
  enqueueFamily: { run: storeTrials.enqueueFamily, answersAlike: true },
  "enqueueFamily of jobs with keys, and a nested one": {
    run: (store) => {
      const ofParent = { runAt: now, record: "1:{}", flow: { ...single, key: "of the parent" } };
      const inner = { ...job("parent/000001"), parent: { waitFor: "ended" as const, total: 1 } };
      const members = [
        { id: "parent", ...ofParent, parent: { waitFor: "ended" as const, total: 2 } },
        { ...job("parent/000000"), flow },
        inner,
        job("parent/000001/000000"),
      ] as const;
      return store.enqueueFamily({ isFreshId: true, members }, now);
    },
    answersAlike: true,
  },
  "settle of the children of a parent": {
    prepare: (store) => claimFamily(store),
    run: async (store, first, second) =>
      (await store.settle({ ...exchange, settle: [ended(first), dies(second as Lease)] })).settled,
    answersAlike: true,
    countsChildren: true,
  },
  "settle of one child of two": {
    prepare: (store) => claimFamily(store),
    run: async (store, _, second) => (await store.settle({ ...exchange, settle: [ended(second as Lease)] })).settled,
    answersAlike: true,
    countsChildren: true,
  },
  "exchange that settles the last child, and claims its parent": {
    prepare: async (store) => {
      const [first, second] = (await claimFamily(store)) as [Lease, Lease];
      await store.exchange({ ...exchange, settle: [ended(first)] });
      return [second];
    },
    run: (store, last) =>
      store.exchange({ ...exchange, settle: [ended(last)], claim: { limit: 10, leaseMs: 2 * minute } }),
    answersAlike: false,
    countsChildren: true,
  },
  "exchange that settles the last child, and puts its parent in the line of its key": {
    prepare: async (store) => {
      const ofParent = { ...single, key: "of the parent" };
      await store.enqueue([{ ...keyed("other", 1)[0], flow: ofParent, runAt: now + minute } as NewJob], now);
      return claimFamily(store, { flow: ofParent });
    },
    run: (store, first, second) =>
      store.exchange({
        ...exchange,
        settle: [ended(first), ended(second as Lease)],
        claim: { limit: 10, leaseMs: 2 * minute },
      }),
    answersAlike: false,
    countsChildren: true,
  },
  "settle of a job that makes a family, some of whose jobs have keys": {
    run: async (store, runs) => {
      const followUps = [
        { ...job("made"), flow: { ...single, key: "of the parent" }, parent: { waitFor: "ended" as const, total: 2 } },
        { ...job("made/000000"), parent: { waitFor: "completed" as const, total: 1 } },
        job("made/000000/000000"),
        { ...job("made/000001"), flow },
      ];
      return (await store.settle({ ...exchange, settle: [{ ...ended(runs), followUps }] })).settled;
    },
    answersAlike: true,
  },
  "settle of a snoozed job that makes a family of four hundred": {
    run: async (store, runs) => {
      const { members } = family("made", { total: 400 });
      const record = '1:{"id":"runs","snoozed":1}';
      const snoozed: Outcome = { to: "snoozed", lease: runs, runAt: now + minute, record, followUps: members };
      return (await store.settle({ ...exchange, settle: [snoozed] })).settled;
    },
    answersAlike: true,
  },
  "cancel of the last child": {
    prepare: (store) => claimFamily(store),
    run: (store, first) => store.cancel([first.id, "parent/000001"], now, true),
    removes: ["parent/000000", "parent/000001"],
    answersAlike: false,
    countsChildren: true,
  },
  "clear of children that are ready": {
    prepare: (store) => store.enqueueFamily(family("parent"), now).then(() => []),
    run: (store) => store.clear("ready", now),
    removes: ["parent/000000", "parent/000001", "waits", "waits-2"],
    answersAlike: false,
    countsChildren: true,
  },
  "change of a parent": {
    prepare: (store) => store.enqueueFamily(family("parent"), now).then(() => []),
    async run(store) {
      const parent = await store.find("parent", now);
      if (!parent) throw new Error("The parent is gone.");
      const { at, claims } = parent;
      return store.change({ id: "parent", from: { at, claims }, runAt: now + minute, record: "1:changed" });
    },
    answersAlike: true,
  },
  "retry of a dead child": {
    prepare: buryChild,
    run: (store) =>
      store.retryDead([{ id: "parent/000000", deadSince: now, claims: 1, runAt: now, record: '1:{"again":1}' }], now),
    answersAlike: true,
    countsChildren: true,
  },
  "retry of a dead child whose parent has not begun": {
    async prepare(store) {
      const leases = await claimFamily(store, { runAt: now + minute, flow: { ...single, key: "of the parent" } });
      await store.exchange({ ...exchange, settle: leases.map(dies) });
      return [];
    },
    run: (store) =>
      store.retryDead([{ id: "parent/000000", deadSince: now, claims: 1, runAt: now, record: '1:{"again":1}' }], now),
    answersAlike: true,
    countsChildren: true,
  },
  "removal of a dead child": {
    prepare: buryChild,
    run: (store) => store.removeDead(["parent/000000"], now),
    removes: ["parent/000000"],
    answersAlike: false,
    countsChildren: true,
  },
  "clear of dead children": {
    prepare: buryChild,
    run: (store) => store.clear("dead", now),
    removes: ["parent/000000", "dies"],
    answersAlike: false,
    countsChildren: true,
  },
};

const cases: Readonly<Record<string, Case>> = {
  ...onFamilies,
  "enqueue of several": { run: storeTrials.enqueue, answersAlike: true },
  "enqueue of one without an id": {
    run: (store) => store.enqueue([job("fresh", { isFreshId: true })], now),
    answersAlike: true,
  },
  "enqueue of one with an id made for it": {
    run: (store) => store.enqueue([job("019c8a5e-0000-7000-8000-000000000000", { isFreshId: true })], now),
    answersAlike: true,
  },
  "exchange that retries, fires and claims": { run: storeTrials.exchange, answersAlike: false },
  "exchange that settles in every way": {
    async prepare(store) {
      const held = ["a", "b", "c", "d"].map((id) => job(id, { leaseEndsAt: now + minute }));
      return (await store.enqueue(held, now)).flatMap(({ lease }) => lease ?? []);
    },
    async run(store, a, b, c, d) {
      const timing = { waitedMs: 5, ranMs: 7 };
      const settle = [
        {
          to: "completed",
          lease: a,
          record: '1:{"id":"a","end":1}',
          timing,
          name: "work",
          followUps: [job("after-a")],
        },
        {
          to: "dead",
          lease: b,
          at: now,
          group: "0123456789ab",
          record: '1:{"id":"b","end":1}',
          timing,
          followUps: [job("after-b"), job("b-too")],
        },
        { to: "retried", lease: c, runAt: now + minute, record: '1:{"id":"c","errors":1}', timing, name: "more" },
        { to: "released", lease: d, runAt: now + minute, record: '1:{"id":"d","returned":1}' },
      ] as Outcome[];
      const fire = [{ key: "daily", occurrence: now, next: now + minute, record: "1:fired", jobs: fires }];
      const request = { ...exchange, settle, fire, observe: true, claim: { limit: 1, leaseMs: 2 * minute } };
      return (await store.exchange(request)).settled;
    },
    answersAlike: true,
  },
  "exchange that drops expired jobs, one of them leased as it was made": {
    async prepare(store) {
      const held = await store.enqueue([job("a", { leaseEndsAt: now + minute })], now);
      return [...held.flatMap(({ lease }) => lease ?? []), ...(await holdFresh(store, ["b"]))];
    },
    async run(store, a, b) {
      const settle = [a, b].map((lease) => ({ to: "expired", lease, record: "" }) as Outcome);
      return (await store.exchange({ ...exchange, settle })).settled;
    },
    removes: ["a", "b"],
    answersAlike: true,
  },
  "exchange in which a job dies that is dead already, in another group": {
    async prepare(store) {
      // A schedule can make the job of an occurrence anew.
      const dies = async (at: number, group: string) => {
        await store.changeSchedules({ put: [{ key: "again", record: "1:{}", next: now }] });
        const fire = [{ key: "again", occurrence: now, next: undefined, record: "1:fired", jobs: [job("again@now")] }];
        await store.exchange({ ...exchange, fire });
        const { jobs } = await store.exchange({ ...exchange, claim: { limit: 10, leaseMs: minute } });
        const lease = jobs.find(({ lease }) => lease.id === "again@now")?.lease as Lease;
        const record = `1:{"died":${at}}`;
        if (group) await store.settle({ ...exchange, settle: [{ to: "dead", lease, at, record, group }] });
        return lease;
      };
      await dies(now - minute, "0123456789ab");
      await store.changeSchedules({ remove: ["again"] });
      return [await dies(now, "")];
    },
    run: async (store, lease) => {
      const record = '1:{"died":"again"}';
      const settle = [{ to: "dead" as const, lease, at: now, record, group: "ba9876543210" }];
      return (await store.exchange({ ...exchange, settle })).settled;
    },
    answersAlike: true,
  },
  "enqueue of jobs with keys, some of them in long lines": {
    run: (store) => store.enqueue(keyed("new", 20), now),
    answersAlike: true,
  },
  "enqueue of one with a key": {
    run: (store) => store.enqueue(keyed("new", 1), now),
    answersAlike: true,
  },
  ...Object.fromEntries(
    replacements.map(([name, options]): [string, Case] => [
      `enqueue that replaces ${name}`,
      {
        async prepare(store) {
          const dedupe = (key: string) => ({ key, ttlMs: 10 * minute });
          await store.enqueue(keyed("line", 40), now);
          await store.enqueue(
            [
              job("plain", { dedupe: dedupe("plain") }),
              { ...job("in-line", { dedupe: dedupe("in-line") }), flow },
              { ...job("alone", { dedupe: dedupe("alone") }), flow: { ...flow, key: "one job" } },
            ],
            now,
          );
          return [];
        },
        run: (store) =>
          store.enqueue(
            ["plain", "in-line", "alone"].map((key) => ({
              ...job(`newer-${key}`, { isFreshId: true, runAt: now + minute }),
              ...options,
              dedupe: { key, ttlMs: 10 * minute, replaces: ":{" },
            })),
            now,
          ),
        answersAlike: true,
      },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(onSingleJobs).map(([name, one]): [string, Case] => [name, { ...one, prepare: fillKeys }]),
  ),
  "resumption of a key without jobs": {
    async prepare(store) {
      await store.changeFlow("nobody's", { to: "paused" }, now);
      return [];
    },
    run: (store) => store.changeFlow("nobody's", { to: "resumed" }, now),
    answersAlike: true,
  },
  "change of a job in a long line": {
    prepare: (store) => claimKeyed(store),
    run: (store) =>
      store.change({
        id: "line-30",
        from: { at: now, claims: 0 },
        runAt: now + minute,
        record: '1:{"changed":1}',
        flow: { ...flow, order: 0 },
      }),
    answersAlike: true,
  },
  "pause of a key with a long line": {
    prepare: (store) => claimKeyed(store),
    run: (store) => store.changeFlow(flow.key, { to: "paused" }, now),
    answersAlike: true,
  },
  "clear of a long line": {
    prepare: (store) => claimKeyed(store),
    run: (store) => store.clear("ready", now).then(({ cleared }) => cleared),
    removes: ["waits", "waits-2", ...keyed("line", 40).map(({ id }) => id)],
    answersAlike: false,
  },
  "exchange that settles jobs with keys in every way, and claims more of them": {
    prepare: (store) => claimKeyed(store),
    async run(store, a, b, c, d) {
      const settle = [
        { to: "completed", lease: a, record: '1:{"id":"a","end":1}' },
        { to: "dead", lease: b, at: now, record: '1:{"id":"b","end":1}' },
        { to: "retried", lease: c, runAt: now + minute, record: '1:{"id":"c","errors":1}' },
        { to: "released", lease: d, runAt: now + minute, record: '1:{"id":"d","returned":1}' },
      ] as Outcome[];
      return (await store.exchange({ ...exchange, settle, claim: { limit: 6, leaseMs: 2 * minute } })).settled;
    },
    answersAlike: true,
  },
  "claim of a long line": {
    async prepare(store) {
      const limits = { ...flow.limits, concurrency: 0 };
      await store.enqueue(
        keyed("line", 60).map((each) => ({ ...each, flow: { ...flow, limits } })),
        now,
      );
      return [];
    },
    run: (store) => store.exchange({ ...exchange, claim: { limit: 100, leaseMs: 2 * minute } }),
    answersAlike: false,
  },
  "exchange that settles a part of a run": {
    prepare: (store) => claimRun(store),
    async run(store, a, b) {
      const settle = [
        { to: "completed", lease: a, record: '1:{"id":"a","end":1}' },
        { to: "retried", lease: b, runAt: now + minute, record: '1:{"id":"b","errors":1}' },
      ] as Outcome[];
      return (await store.exchange({ ...exchange, settle, claim: { limit: 6, leaseMs: 2 * minute, runs } })).settled;
    },
    answersAlike: true,
  },
  "claim of a run": {
    prepare: async (store) => (await claimRun(store)).slice(3),
    async run(store) {
      await store.changeFlow(flow.key, { to: "set", limits: { ...flow.limits, concurrency: 2 } }, now);
      return store.exchange({ ...exchange, claim: { limit: 20, leaseMs: 2 * minute, runs } });
    },
    answersAlike: false,
  },
  "claim that gives a run back whose leases have run out": {
    prepare: (store) => claimRun(store, 1).then(() => []),
    run: (store) => store.exchange({ ...exchange, claim: { limit: 20, leaseMs: 2 * minute, runs } }),
    answersAlike: false,
  },
  "extension of a job that leaves its run": {
    prepare: (store) => claimRun(store),
    run: async (store, first) => held(await store.extend([{ lease: first, endsAt: now + 3 * minute }])),
    answersAlike: true,
  },
  "cancel of a job of a run": {
    prepare: (store) => claimRun(store),
    run: (store) => store.cancel(["line-1"], now, true),
    removes: ["line-1"],
    answersAlike: false,
  },
  "rescheduling of jobs in a long line": {
    prepare: (store) => claimKeyed(store),
    run: (store) => store.reschedule(["line-30", "line-31", "line-12"], now + minute, now),
    answersAlike: true,
  },
  "cancel of a job with a key": {
    prepare: (store) => claimKeyed(store),
    run: (store) => store.cancel(["line-30"], now),
    removes: ["line-30"],
    answersAlike: false,
  },
  "settle of one that was leased as it was made, which completes": {
    prepare: (store) => holdFresh(store, ["a"]),
    run: (store, a) =>
      store.settle({
        now,
        retentionMs: exchange.retentionMs,
        observe: true,
        settle: [{ to: "completed", lease: a, record: '1:{"id":"a","end":1}', name: "work" }],
      }),
    answersAlike: true,
  },
  "settle of one that was leased as it was made, which completes and makes another": {
    prepare: (store) => holdFresh(store, ["a"]),
    run: (store, a) =>
      store.settle({
        now,
        retentionMs: exchange.retentionMs,
        observe: true,
        settle: [{ to: "completed", lease: a, record: '1:{"id":"a","end":1}', followUps: [job("after-a")] }],
      }),
    answersAlike: true,
  },
  "exchange that settles some that were leased as they were made in every way": {
    prepare: (store) => holdFresh(store, ["a", "b", "c"]),
    async run(store, a, b, c) {
      const settle = [
        { to: "completed", lease: a, record: '1:{"id":"a","end":1}' },
        { to: "dead", lease: b, at: now, record: '1:{"id":"b","end":1}' },
        { to: "retried", lease: c, runAt: now + minute, record: '1:{"id":"c","errors":1}' },
      ] as Outcome[];
      return (await store.exchange({ ...exchange, settle })).settled;
    },
    answersAlike: true,
  },
  "exchange that claims one that was leased as it was made, and whose lease has run out": {
    prepare: (store) => holdFresh(store, ["a"], now - 1),
    run: (store) => store.exchange({ ...exchange, claim: { limit: 10, leaseMs: 2 * minute } }),
    answersAlike: false,
  },
  "exchange that fires a schedule and claims its job": {
    prepare: (store) => plan(store).then(() => []),
    run: (store) => store.exchange({ ...exchange, claim: { limit: 10, leaseMs: 2 * minute } }),
    answersAlike: false,
  },
  "settle of jobs whose renewals got no answer": {
    prepare: (store) => holdFresh(store, ["a", "b", "c", "d"]),
    async run(store, ...held) {
      const endsAt = now + 2 * minute;
      // Two of the renewals were made.
      const made = held.slice(2).map((lease) => ({ lease, endsAt, record: `1:{"id":"${lease.id}","progress":1}` }));
      await store.extend(made);
      const settle = held.map(({ id, ...lease }, index): Outcome => {
        const outcome = {
          lease: { id, ...lease, mayEndAt: [endsAt, endsAt + 1] },
          record: `1:{"id":"${id}","ended":1}`,
          at: now,
        };
        if (index === 0) return { to: "completed", ...outcome, name: "work" };
        if (index === 1) return { to: "retried", ...outcome, runAt: now + minute };
        return index === 2 ? { to: "completed", ...outcome, followUps: [job("after-c")] } : { to: "dead", ...outcome };
      });
      const { settled } = await store.settle({ now, retentionMs: exchange.retentionMs, observe: true, settle });
      return settled;
    },
    answersAlike: true,
  },
  "settle of a job that an exchange has fired": {
    async prepare(store) {
      await plan(store);
      const { jobs } = await store.exchange({ ...exchange, claim: { limit: 10, leaseMs: 2 * minute } });
      return jobs.flatMap(({ lease, isFired }) => (isFired ? lease : []));
    },
    run: (store, a) =>
      store.settle({
        now,
        retentionMs: exchange.retentionMs,
        observe: true,
        settle: [{ to: "completed", lease: a, record: '1:{"id":"a","end":1}', name: "work" }],
      }),
    answersAlike: true,
  },
  "extend of one that was leased as it was made": {
    prepare: (store) => holdFresh(store, ["a"]),
    run: async (store, a) =>
      held(await store.extend([{ lease: a, endsAt: now + 2 * minute, record: '1:{"id":"a","progress":1}' }])),
    answersAlike: true,
  },
  "change of one whose first lease has run out": {
    prepare: (store) => holdFresh(store, ["a"], now - 1),
    run: (store) =>
      store.change({ id: "a", from: { at: now - 1, claims: 1 }, runAt: now + minute, record: '1:{"id":"a","n":1}' }),
    answersAlike: true,
  },
  "rescheduling of one whose first lease has run out": {
    prepare: (store) => holdFresh(store, ["a"], now - 1),
    run: (store) => store.reschedule(["a", "waits"], now + minute, now),
    answersAlike: true,
  },
  "cancel of one whose first lease has run out": {
    prepare: (store) => holdFresh(store, ["a"], now - 1),
    run: (store) => store.cancel(["a"], now),
    removes: ["a"],
    answersAlike: false,
  },
  extend: {
    run: async (store, runs) => held((await storeTrials.extend(store, runs)) as ExtendReply),
    answersAlike: true,
  },
  signal: { run: storeTrials.signal, answersAlike: true },
  "signal that wakes jobs": {
    prepare: (store) => waitFor(store, ["a", "b"]),
    run: async (store) => {
      const reply = await storeTrials.signal(store, {} as Lease);
      // It is not kept as well.
      return [reply, await settleWaits(store, await claimAgain(store))];
    },
    answersAlike: true,
  },
  "settle of a job for which a signal was kept": {
    async prepare(store) {
      await storeTrials.signal(store, {} as Lease);
      return holdFresh(store, ["a", "b"]);
    },
    // The signal is for one of them.
    run: async (store, a, b) => [await settleWaits(store, [a]), await settleWaits(store, b ? [b] : [])],
    answersAlike: true,
  },
  change: { run: storeTrials.change, answersAlike: true },
  rewrite: { run: storeTrials.rewrite, answersAlike: true },
  "rewrite of completed jobs": {
    run: (store) => store.rewrite("completed", [{ id: "ends", from: "1:ended", record: "1:rewritten" }]),
    answersAlike: true,
  },
  retryDead: { run: storeTrials.retryDead, answersAlike: true },
  cancel: { run: storeTrials.cancel, removes: ["waits"], answersAlike: false },
  "cancel of a running job": {
    run: (store) => store.cancel(["runs"], now, true),
    removes: ["runs"],
    answersAlike: false,
  },
  "cancel of a running job that was leased as it was made": {
    prepare: (store) => holdFresh(store, ["a"]),
    run: (store) => store.cancel(["a"], now, true),
    removes: ["a"],
    answersAlike: false,
  },
  removeDead: { run: storeTrials.removeDead, removes: ["dies"], answersAlike: false },
  "clear of what waits": {
    run: storeTrials.clear,
    removes: ["waits", "waits-2", "later"],
    answersAlike: false,
  },
  "clear of what is dead": {
    run: (store) => store.clear("dead", now),
    removes: ["dies"],
    answersAlike: false,
  },
  changeSchedules: { run: storeTrials.changeSchedules, answersAlike: true },
  "changeSchedules of a deployment": {
    run(store) {
      const from = { next: now, revision: 0 };
      const put = [{ key: "daily", record: "1:declared", next: now + minute, from }];
      return store.changeSchedules({ manifest: { from: "m1", to: "m2" }, put, remove: ["hourly"] });
    },
    answersAlike: true,
  },
  changeDocuments: { run: storeTrials.changeDocuments, answersAlike: true },
  "changeDocuments where a document has expired": {
    async prepare(store) {
      const passed = { kind: "notes", name: "passed", text: "1:passed", mark: "m0", expiresAt: now - 1 };
      await store.changeDocuments([passed], now - minute);
      return [];
    },
    run: (store) =>
      store.changeDocuments([{ kind: "notes", name: "new", text: "1:new", mark: "m1", expiresAt: now + minute }], now),
    answersAlike: true,
  },
};

/** The jobs that are complete in at least one place: those that can be found, run or retried. */
function wholeJobs({ due, jobs, born, dead, deadJobs, done }: StoredQueue): ReadonlySet<string> {
  const live = [...jobs.keys()].filter((id) => due.has(id));
  const lying = [...deadJobs.keys()].filter((id) => dead.has(id));
  return new Set([...live, ...born.keys(), ...lying, ...done.keys()]);
}

/** Of a parent that waits: whether it waits for as many children as are live, or for more. */
function waitsLongEnough({ due, families }: StoredQueue): boolean {
  const counts = readCounts(families.get("parent") ?? "");
  const children = Array.from({ length: totalOf(counts) }, (_, index) => childId("parent", index));
  return counts.pending >= children.filter((id) => due.has(id)).length;
}

/** What can be read, except for the counters: they are written last, and a failure there loses a count, not a job. */
async function visibleIn(store: QueueStore) {
  const everything = await everythingIn(store, now, { limit: 100, mostBytes: 1_000_000 });
  // A resent claim leases for one millisecond longer.
  const rounded = (key: string, value: unknown) => (key === "at" ? Math.floor(Number(value) / 10) : value);
  const counters = { stats: undefined, figures: undefined, history: undefined };
  return JSON.parse(JSON.stringify({ ...(everything as object), ...counters }, rounded));
}

describe.each([
  ["with HSETEX", true],
  ["without HSETEX", false],
])("a command that fails half-way through a script, %s", (_, knowsHsetex) => {
  const redis = useRedis();
  let client: RespClient;
  let transport: FailingTransport;
  let connection: Connection;
  let prefixes = 0;
  beforeAll(async () => {
    client = await RespClient.connect(redis.server.port);
    transport = failingTransport(client, knowsHsetex);
    connection = new Connection(transport, async () => {});
  });
  afterAll(() => client.close());

  test.each(Object.entries(cases))("%s loses no job, and completes when it is sent again", async (_, one) => {
    const { prepare, run, removes = [], answersAlike, countsChildren = false } = one;
    const filled = async (store: QueueStore): Promise<[Lease, ...Lease[]]> => {
      const runs = await fillStore(store);
      const [first = runs, ...more] = (await prepare?.(store)) ?? [];
      return [first, ...more];
    };
    const memory = memoryStore().open("default");
    const expectedAnswer = await run(memory, ...(await filled(memory)));
    const expected = await visibleIn(memory);
    let failures = 0;
    for (let k = firstCommand; ; k += pace) {
      const prefix = `half-way-${prefixes++}`;
      const store = redisQueue(connection, keysOf(prefix, "default"), undefined, () => 0.5);
      const leases = await filled(store);
      const before = wholeJobs(await readStored(client, prefix));
      let lost: readonly string[] = [];
      transport.failNext(k, async () => {
        const stored = await readStored(client, prefix);
        const whole = wholeJobs(stored);
        lost = [...before].filter((id) => !whole.has(id) && !removes.includes(id));
      });
      const answer = await run(store, ...leases);
      const about = `where command ${k} fails`;
      expect(lost, about).toEqual([]);
      if (answersAlike) expect(plain(answer), about).toEqual(plain(expectedAnswer));
      const after = await readStored(client, prefix);
      const waits = after.due.get("parent") === waitingScore(WAITS_FOR_CHILDREN_AT);
      if (countsChildren && transport.hasFailed && waits) expect(waitsLongEnough(after), about).toBe(true);
      else expect(await visibleIn(store), about).toEqual(expected);
      // What a parent that was released has waited for may be left, and is in nobody's way.
      const breaches = storedBreaches(
        countsChildren && transport.hasFailed ? { ...after, families: new Map() } : after,
        now,
      );
      expect(
        breaches.filter((breach) => !(waits && breach.includes("families"))),
        about,
      ).toEqual([]);
      if (!transport.hasFailed) break;
      failures++;
    }
    expect(failures).toBeGreaterThan(0);
  });

  test.each(Object.keys(cases).filter((name) => /key|long line/.test(name)))(
    "%s leaves no key that counts a lease which nobody holds, where a permission is missing",
    async (name) => {
      const { prepare, run } = cases[name] as Case;
      for (const command of ["ZREM", "HSET", "HDEL", "ZADD"]) {
        const store = redisQueue(connection, keysOf(`refused-${prefixes++}`, "default"), undefined, () => 0.5);
        const runs = await fillStore(store);
        const [first = runs, ...more] = (await prepare?.(store)) ?? [];
        transport.refuse(command);
        await run(store, first, ...more).catch(() => {});
        transport.refuse(undefined);
        const claim = { limit: 100, leaseMs: minute };
        for (let at = now + 60 * minute, settle: Outcome[] = [], isQuiet = false; !isQuiet; at += minute) {
          const { jobs } = await store.exchange({ ...exchange, now: at, settle, claim });
          isQuiet = jobs.length + settle.length === 0;
          settle = jobs.map(({ lease }) => ended(lease));
        }
        const { items } = await store.listFlows({ cursor: undefined, limit: 100, now });
        const stuck = items.filter(({ running, waiting, paused }) => running > 0 || (waiting > 0 && !paused));
        expect(stuck, `${command} is refused`).toEqual([]);
      }
    },
  );

  test("enqueue stores all of its jobs or none", async () => {
    for (let k = firstCommand, hasFailed = true; hasFailed; k += pace) {
      const prefix = `all-or-none-${prefixes++}`;
      const store = redisQueue(connection, keysOf(prefix, "default"), undefined, () => 0.5);
      const many = Array.from({ length: 1_100 }, (_, index) => job(`job-${index}`, { isFreshId: index % 2 === 0 }));
      const left: number[] = [];
      transport.failNext(k, async () => {
        const { due, jobs } = await readStored(client, prefix);
        left.push(due.size, jobs.size);
      });
      await store.enqueue(many, now);
      hasFailed = transport.hasFailed;
      expect(left, `where command ${k} fails`).toEqual(hasFailed ? [0, 0] : []);
    }
  });

  test.each(["completed", "snoozed"] as const)(
    "%s: no parent without its counts, and all before the lease ends",
    async (to) => {
      // One command adds some of them, and the next one the others.
      const size = 1_000;
      const followUps = ["made-0", "made-1", "made-2"].flatMap((id) => family(id, { total: size }).members);
      const halves = new Set<number>();
      for (let k = 1, hasFailed = true; hasFailed; k++) {
        const prefix = `families-${prefixes++}`;
        const store = redisQueue(connection, keysOf(prefix, "default"), undefined, () => 0.5);
        const lease = await fillStore(store);
        const early: string[] = [];
        transport.failNext(k, async () => {
          const { due, families } = await readStored(client, prefix);
          const made = followUps.filter(({ id }) => due.has(id));
          halves.add(made.length);
          for (const { id, parent } of made)
            if (parent && readCounts(families.get(id) ?? "").pending < size) early.push(id);
          if (due.get(lease.id) !== leaseScore(lease) && made.length < followUps.length) early.push(lease.id);
        });
        const outcome: Outcome = to === "snoozed" ? { to, lease, runAt: now + minute, record: "1:{}" } : ended(lease);
        await store.settle({ ...exchange, settle: [{ ...outcome, followUps }] });
        hasFailed = transport.hasFailed;
        expect(early, `where command ${k} fails`).toEqual([]);
        expect(storedBreaches(await readStored(client, prefix), now), `where command ${k} fails`).toEqual([]);
      }
      expect([...halves].some((count) => count > 0 && count < followUps.length)).toBe(true);
    },
  );
});
