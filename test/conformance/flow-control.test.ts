import { describe, expect, test } from "vitest";
import type { ExchangeReply, LeasedJob, Outcome, QueueStore } from "../../src/core/store/store.ts";
import { defineJob, type FlowControlOptions, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { allPages } from "../support/all-pages.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore, onEveryStore, type StoreKind } from "../support/stores.ts";

const second = 1_000;
const minute = 60 * second;

type Keyed = FlowControlOptions & { readonly key: string };

const names = (count: number) => Array.from({ length: count }, (_, index) => `job-${index}`);

/** A queue whose jobs record what they did, in order, and take a while by the clock. */
function setUpOn(kind: StoreKind, flowControl: Keyed) {
  const clock = testClock(start);
  const store = clock.watch(kind.create());
  const ran: string[] = [];
  let running = 0;
  let most = 0;
  const work = defineJob({
    name: "work",
    flowControl,
    backoff: { type: "fixed", base: "10s" },
    async perform(payload: { readonly name: string; readonly takes?: number }, job) {
      most = Math.max(most, ++running);
      if (payload.takes) await clock.sleep(payload.takes);
      running--;
      ran.push(`${payload.name}#${job.attempt}`);
      if (payload.name.startsWith("fails") && job.attempt === 1) throw new Error("no luck");
      if (payload.name.startsWith("snoozes") && job.enqueuedAt.getTime() === clock()) return job.snooze("10s");
      return undefined;
    },
  });
  const free = defineJob({ name: "free", perform: (name: string) => void ran.push(name) });
  const open = () => new Queue({ store, clock, jobs: [work, free], logger: null, random: () => 0.5 });
  return { clock, store, work, free, ran, open, queue: open(), most: () => most };
}

onEachKindOfStore((kind) => {
  const setUp = (flowControl: Keyed) => setUpOn(kind, flowControl);

  describe("concurrency", () => {
    test("no more jobs of a key run at once than its concurrency, over several drains", async () => {
      const { clock, work, open, queue, ran, most } = setUp({ key: "tenant", concurrency: 2 });
      await queue.enqueueMany(names(12).map((name) => ({ job: work, payload: { name, takes: 5 * second } })));
      const drains = [1, 2, 3].map(() => open().drain({ timeBudget: "5m" }));
      await clock.advance("2m");
      await Promise.all(drains);
      expect(ran).toHaveLength(12);
      expect(most()).toBe(2);
      expect(await queue.flowControl.get("tenant")).toBe(null);
    });

    test("a free slot never waits for the place of a job that has ended, however long others run", async () => {
      const { store, work, ran, clock } = setUp({ key: "tenant", concurrency: 1 });
      const long = defineJob({ name: "long", timeout: "10m", perform: () => clock.sleep(minute) });
      const queue = new Queue({ store, clock, jobs: [work, long], logger: null });
      await queue.enqueue(long);
      await queue.enqueueMany(names(5).map((name) => ({ job: work, payload: { name } })));
      const drain = queue.drain({ concurrency: 3, timeBudget: "5m" });
      await clock.advance(1);
      expect(ran).toEqual(names(5).map((name) => `${name}#1`));
      await clock.advance("5m");
      expect(await drain).toMatchObject({ completed: 6 });
    });

    test("a key has the concurrency of the last enqueue", async () => {
      const { clock, work, queue, most } = setUp({ key: "tenant", concurrency: 1 });
      await queue.enqueueMany(names(6).map((name) => ({ job: work, payload: { name, takes: second } })));
      await queue.enqueue(work, { name: "last" }, { flowControl: { concurrency: 4 } });
      expect(await queue.flowControl.get("tenant")).toMatchObject({ concurrency: 4, waiting: 7 });
      const drain = queue.drain();
      await clock.advance("10s");
      await drain;
      expect(most()).toBe(4);
    });

    test("a job that keeps the limits of its key changes none, and sets them for a key of which nothing is known", async () => {
      const { clock, store } = setUp({ key: "tenant" });
      const opened = store.open("default");
      const limited = { concurrency: 1, rate: 10, periodMs: minute, ordered: true };
      const other = { concurrency: 0, rate: 2, periodMs: second, ordered: false };
      const enqueue = (key: string, limits: typeof limited, keepsLimits: boolean, more: object = {}) => {
        const id = `job-${Math.random()}`;
        const job = { id, isFreshId: true, runAt: clock() + second, record: `1:{"name":"work","id":"${id}"}` };
        return opened.enqueue([{ ...job, flow: { key, limits }, keepsLimits, ...more }], clock());
      };
      const limitsOf = async (key: string) => (await opened.findFlow(key, clock()))?.limits;
      await enqueue("known", limited, false);
      await enqueue("known", other, true);
      const dedupe = { key: "row", ttlMs: minute, replaces: ':{"name":"work",' };
      await enqueue("known", other, true, { dedupe });
      expect(await enqueue("known", other, true, { dedupe })).toMatchObject([{ status: "replaced" }]);
      expect(await limitsOf("known")).toEqual(limited);
      await enqueue("new", other, true);
      expect(await limitsOf("new")).toEqual(other);
      await enqueue("new", limited, false);
      expect(await limitsOf("new")).toEqual(limited);
    });

    test("a job whose invocation died holds its slot until its lease expires, and then takes it again", async () => {
      const { clock, work, queue, store, ran } = setUp({ key: "tenant", concurrency: 1 });
      await queue.enqueueMany(names(2).map((name) => ({ job: work, payload: { name } })));
      const { jobs } = await claim(store.open("default"), clock());
      expect(jobs).toHaveLength(1);
      expect(await queue.drain()).toMatchObject({ claimed: 0, backlog: false });
      await clock.advance(2 * minute);
      await queue.drain();
      expect(ran).toEqual(["job-0#2", "job-1#1"]);
    });
  });

  describe("rate", () => {
    test("no more attempts of a key begin in a window than its rate, and the window opens with the first", async () => {
      const { clock, work, queue, ran } = setUp({ key: "api", rate: 3, period: "1m" });
      await queue.enqueueMany(names(7).map((name) => ({ job: work, payload: { name } })));
      await clock.advance("20s");
      const report = await queue.drain();
      expect(report).toMatchObject({ completed: 3, backlog: false, nextRunAt: new Date(start + 80 * second) });
      expect(await queue.flowControl.get("api")).toMatchObject({
        startedInWindow: 3,
        windowEndsAt: new Date(start + 80 * second),
        waiting: 4,
        running: 0,
      });
      await clock.advance("59s");
      expect(await queue.drain()).toMatchObject({ claimed: 0 });
      await clock.advance("1s");
      await queue.drain();
      expect(ran).toHaveLength(6);
    });

    test("a retry counts against the rate", async () => {
      const { clock, work, queue, ran } = setUp({ key: "api", rate: 1, period: "1m" });
      await queue.enqueue(work, { name: "fails" });
      await queue.drain();
      await clock.advance("30s");
      expect(await queue.drain()).toMatchObject({ claimed: 0 });
      await clock.advance("30s");
      await queue.drain();
      expect(ran).toEqual(["fails#1", "fails#2"]);
    });

    test("a window outlives the last job of its key", async () => {
      const { clock, work, queue, ran } = setUp({ key: "api", rate: 1, period: "1m" });
      await queue.enqueue(work, { name: "one" });
      await queue.drain();
      await queue.enqueue(work, { name: "two" }, { id: "two" });
      expect(await queue.drain()).toMatchObject({ claimed: 0 });
      await clock.advance("1m");
      await queue.drain();
      expect(ran).toEqual(["one#1", "two#1"]);
    });
  });

  describe("order", () => {
    test("of two jobs that both ran when their key became ordered, the first starts again first", async () => {
      const { clock, work, queue, store } = setUp({ key: "account", ordered: true });
      await queue.enqueueMany(names(2).map((name) => ({ job: work, payload: { name } })));
      await queue.flowControl.set("account", { concurrency: 2 });
      // The first of two claims may do no more than give a job its place in the line.
      const claimAll = async () => {
        const opened = store.open("default");
        const claims = [await claim(opened, clock()), await claim(opened, clock())];
        return claims.flatMap(({ jobs }) => jobs.map(({ lease }) => lease.id));
      };
      const leased = await claimAll();
      expect(leased).toHaveLength(2);
      await queue.flowControl.set("account", { ordered: true });
      await clock.advance(2 * minute);
      // The second lease is met by itself, and must leave its place to the first.
      expect(await claimAll()).toEqual([leased[0]]);
    });

    test("a page that ends among the jobs of lines is not the last one", async () => {
      const { work, free, queue } = setUp({ key: "account", ordered: true });
      await queue.enqueueMany([
        ...names(3).map((name) => ({ job: free, payload: name })),
        ...names(3).map((name) => ({ job: work, payload: { name } })),
      ]);
      const pages = await allPages((cursor) => queue.listJobs({ state: "ready", limit: 4, cursor }));
      expect(new Set(pages.flatMap(({ jobs }) => jobs.map(({ id }) => id))).size).toBe(6);
    });

    test("jobs run in the order of enqueuing, whatever their run times, and a delayed one holds up the others", async () => {
      const { clock, work, queue, ran } = setUp({ key: "account", ordered: true });
      await queue.enqueue(work, { name: "one" }, { delay: "1m" });
      await queue.enqueue(work, { name: "two" }, { id: "two" });
      expect(await queue.drain()).toMatchObject({ claimed: 0, nextRunAt: new Date(start + minute) });
      await clock.advance("1m");
      await queue.drain();
      expect(ran).toEqual(["one#1", "two#1"]);
    });

    test.each(["fails", "snoozes"])("one that %s stays at the head", async (name) => {
      const { clock, work, queue, ran } = setUp({ key: "account", ordered: true });
      await queue.enqueue(work, { name });
      await queue.enqueue(work, { name: "next" });
      await queue.drain();
      expect(ran).toEqual([`${name}#1`]);
      await clock.advance("10s");
      await queue.drain();
      expect(ran).toHaveLength(3);
      expect(ran[2]).toBe("next#1");
    });

    test.each(["set", "enqueue"])("a key that %s makes no longer ordered lets jobs pass one that waits", async (by) => {
      const { clock, work, queue, ran } = setUp({ key: "account", ordered: true });
      await queue.enqueue(work, { name: "fails" });
      for (const name of names(40)) await queue.enqueue(work, { name: `later-${name}` }, { delay: "1h" });
      await queue.enqueueMany(names(3).map((name) => ({ job: work, payload: { name } })));
      await queue.drain();
      expect(ran).toEqual(["fails#1"]);
      if (by === "set") await queue.flowControl.set("account", { concurrency: 5 });
      else
        await queue.enqueue(work, { name: "last" }, { flowControl: { ordered: false, concurrency: 5 }, delay: "1h" });
      await queue.drain();
      expect(ran.slice(1).sort()).toEqual(["job-0#1", "job-1#1", "job-2#1"]);
      await clock.advance("10s");
      await queue.drain();
      expect(ran.at(-1)).toBe("fails#2");
      const { jobs } = await queue.listJobs({ state: "scheduled", limit: 100 });
      for (const { id } of jobs) await queue.cancel(id);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0 });
      if (by === "set") await queue.flowControl.unset("account");
      expect(await queue.flowControl.get("account")).toBe(null);
    });

    test("a retried dead job joins at the end", async () => {
      const { clock, work, queue, ran } = setUp({ key: "account", ordered: true });
      const { id } = await queue.enqueue(work, { name: "fails" }, { maxRetries: 0 });
      await queue.drain();
      await queue.enqueue(work, { name: "two" }, { id: "two" });
      await queue.enqueue(work, { name: "three" });
      await queue.retryFromDeadLetter(id);
      await clock.advance("1s");
      await queue.drain();
      expect(ran).toEqual(["fails#1", "two#1", "three#1", "fails#1"]);
    });

    test("long lines keep their order, even when the first jobs are cancelled and rescheduled", async () => {
      const { clock, work, queue, ran } = setUp({ key: "account", ordered: true });
      const results = await queue.enqueueMany(names(60).map((name) => ({ job: work, payload: { name } })));
      const cancelled = [0, 7, 20, 41, 59];
      for (const index of cancelled) await queue.cancel(results[index]?.id ?? "");
      await queue.reschedule(results[30]?.id ?? "", "5s");
      await queue.drain({ maxJobs: 1_000, budget: { roundTrips: 1_000, commands: 10_000 } });
      await clock.advance("5s");
      await queue.drain({ maxJobs: 1_000, budget: { roundTrips: 1_000, commands: 10_000 } });
      expect(ran).toEqual(names(60).flatMap((name, index) => (cancelled.includes(index) ? [] : [`${name}#1`])));
    });
  });

  describe("eager starts", () => {
    test("a job is leased at enqueue only if its key has a free slot and no job waits", async () => {
      const { clock, store } = setUp({ key: "tenant" });
      const opened = store.open("default");
      const limits = { concurrency: 1, rate: 0, periodMs: 0, ordered: false };
      const eager = async (id: string) => {
        const flow = { key: "tenant", limits };
        const job = { id, isFreshId: true, runAt: clock(), record: "1:{}", flow };
        const [reply] = await opened.enqueue([{ ...job, leaseEndsAt: clock() + minute }], clock());
        return reply?.lease;
      };
      const first = await eager("a");
      expect(first).toMatchObject({ flow: { key: "tenant", limits } });
      expect(await eager("b")).toBe(undefined);
      await opened.settle({ now: clock(), settle: [completed(first as never)], retentionMs: 0 });
      expect(await eager("c")).toBe(undefined);
    });
  });

  describe("keys", () => {
    test("a paused key starts nothing until it is resumed, and costs others nothing", async () => {
      const { work, free, queue, ran } = setUp({ key: "tenant" });
      await queue.flowControl.pause("tenant");
      await queue.enqueue(work, { name: "held" });
      await queue.enqueue(free, "free");
      expect(await queue.drain()).toMatchObject({ completed: 1, nextRunAt: null, backlog: false });
      expect(await queue.flowControl.get("tenant")).toMatchObject({ paused: true, waiting: 1 });
      expect(await queue.flowControl.resume("tenant")).toEqual({ resumed: true });
      expect(await queue.flowControl.resume("tenant", { by: "ada" })).toEqual({ resumed: false });
      expect((await queue.listChanges()).changes).toEqual([]);
      await queue.drain();
      expect(ran).toEqual(["free", "held#1"]);
    });

    test("limits that are set stay pinned until they are unset", async () => {
      const { work, queue } = setUp({ key: "tenant", concurrency: 5 });
      await queue.flowControl.set("tenant", { concurrency: 1, rate: 2, period: "1m" });
      await queue.enqueue(work, { name: "one" });
      const pinned = { concurrency: 1, rate: 2, period: minute, ordered: false, pinned: true, waiting: 1 };
      expect(await queue.flowControl.get("tenant")).toMatchObject(pinned);
      await queue.flowControl.unset("tenant");
      expect(await queue.flowControl.get("tenant")).toMatchObject({ ...pinned, pinned: false });
      await queue.enqueue(work, { name: "two" }, { id: "two" });
      expect(await queue.flowControl.get("tenant")).toMatchObject({ concurrency: 5, rate: null, period: null });
    });

    test("set returns the key as it pinned it, even if another caller unsets it at once", async () => {
      const { queue } = setUp({ key: "tenant" });
      const { flowControl } = queue;
      const [key] = await Promise.all([flowControl.set("k", { concurrency: 2 }), flowControl.unset("k")]);
      expect(key).toMatchObject({ key: "k", concurrency: 2, rate: null, waiting: 0, paused: false, pinned: true });
    });

    test("keys are listed in pages, whatever characters they have", async () => {
      const { work, queue } = setUp({ key: "a" });
      const keys = ["a", "b:c", "100%", "%3A", "ü/é", "with space", "😀"];
      for (const key of keys) await queue.enqueue(work, { name: key }, { flowControl: { key } });
      const listed = await keysOf(queue);
      expect(listed.sort()).toEqual([...keys].sort());
      await queue.drain();
      expect(await keysOf(queue)).toEqual([]);
    });

    test("jobs that are cancelled, cleared or dead leave nothing of a key", async () => {
      const { work, queue } = setUp({ key: "tenant", concurrency: 1 });
      const { id } = await queue.enqueue(work, { name: "one" });
      await queue.enqueueMany(names(40).map((name) => ({ job: work, payload: { name } })));
      await queue.cancel(id);
      expect(await queue.clear()).toEqual({ cleared: 40 });
      await queue.enqueue(work, { name: "fails" }, { maxRetries: 0 });
      await queue.drain();
      expect(await queue.flowControl.get("tenant")).toBe(null);
      expect(await queue.getStats()).toMatchObject({ pendingCount: 0, runningCount: 0, deadLetterCount: 1 });
    });

    test("a retried dead job restores its limits if its key has none", async () => {
      const { clock, work, queue, most } = setUp({ key: "tenant", concurrency: 1 });
      await queue.enqueueMany(
        names(4).map((name) => ({ job: work, payload: { name: `fails-${name}`, takes: second }, maxRetries: 0 })),
      );
      const dying = queue.drain();
      await clock.advance("10s");
      await dying;
      await queue.retryFromDeadLetter({ all: true });
      expect(await queue.flowControl.get("tenant")).toMatchObject({ concurrency: 1, waiting: 4 });
      const retried = queue.drain();
      await clock.advance("10s");
      await retried;
      expect(most()).toBe(1);
    });
  });

  describe("what is held back", () => {
    test("getJob shows the key, the reason, since when and until when", async () => {
      const { clock, work, queue } = setUp({ key: "k" });
      const held = async (flowControl: FlowControlOptions) => {
        const key = flowControl.key ?? "";
        await queue.enqueue(work, { name: "first", takes: 10 * second }, { flowControl });
        const { id } = await queue.enqueue(work, { name: "second" }, { flowControl });
        const drain = queue.drain();
        await clock.advance("1s");
        const job = await queue.getJob(id);
        await clock.advance("20s");
        await drain;
        return { key, ...job?.heldBack };
      };
      expect(await held({ key: "c", concurrency: 1 })).toEqual({
        key: "c",
        reason: "concurrency",
        since: new Date(start),
        until: null,
      });
      expect(await held({ key: "o", ordered: true })).toMatchObject({ key: "o", reason: "order", until: null });
      const now = clock();
      expect(await held({ key: "r", rate: 1, period: "15s" })).toEqual({
        key: "r",
        reason: "rate",
        since: new Date(now),
        until: new Date(now + 15 * second),
      });
      await queue.flowControl.pause("p");
      expect(await held({ key: "p" })).toMatchObject({ key: "p", reason: "paused", until: null });
    });

    test("a job that may start is not held back, and neither is one that is not due", async () => {
      const { work, queue } = setUp({ key: "k", concurrency: 1 });
      const ready = await queue.enqueue(work, { name: "one" });
      const later = await queue.enqueue(work, { name: "two" }, { delay: "1m" });
      for (const { id } of [ready, later]) expect(await queue.getJob(id)).not.toHaveProperty("heldBack");
    });

    test("a held-back job is ready, and counts neither as backlog, nor as next run, nor as late", async () => {
      const { clock, work, queue } = setUp({ key: "k" });
      await queue.flowControl.pause("k");
      await queue.enqueueMany(names(30).map((name) => ({ job: work, payload: { name } })));
      await queue.enqueue(work, { name: "later" }, { delay: "1h" });
      await clock.advance("10m");
      expect(await queue.getStats()).toMatchObject({
        readyCount: 30,
        scheduledCount: 1,
        pendingCount: 31,
        nextRunAt: null,
        oldestReadyAgeMs: null,
      });
      expect(await queue.drain()).toMatchObject({ claimed: 0, backlog: false, nextRunAt: null });
      await queue.flowControl.resume("k");
      expect(await queue.getStats()).toMatchObject({ readyCount: 30, nextRunAt: new Date(start) });
    });

    test("jobs in lines are listed by their state", async () => {
      const { work, free, queue } = setUp({ key: "k", concurrency: 1 });
      await queue.enqueueMany(names(5).map((name) => ({ job: work, payload: { name } })));
      await queue.enqueue(free, "free");
      await queue.enqueue(work, { name: "later" }, { delay: "1h" });
      const count = async (state: "ready" | "scheduled", limit: number) => {
        const pages = await allPages((cursor) => queue.listJobs({ state, limit, cursor }));
        return pages.flatMap(({ jobs }) => jobs).length;
      };
      for (const limit of [1, 2, 3, 100]) {
        expect(await count("ready", limit)).toBe(6);
        expect(await count("scheduled", limit)).toBe(1);
      }
    });
  });

  describe("schedules", () => {
    test("occurrences have the key of their job, and change no limits", async () => {
      const { clock, store, work, ran } = setUp({ key: "k", concurrency: 1 });
      const key = "beats";
      const beat = defineJob({
        name: "beat",
        flowControl: { key, concurrency: 3 },
        perform: (_: unknown, job) => void ran.push(`beat#${job.attempt}`),
      });
      const withBeat = new Queue({ store, clock, jobs: [work, beat], logger: null });
      await withBeat.flowControl.pause(key);
      await withBeat.schedules.upsert("each-minute", { job: beat, cron: "* * * * *", payload: { name: "beat" } });
      await clock.advance("1m");
      await withBeat.drain();
      expect(await withBeat.flowControl.get(key)).toMatchObject({ waiting: 1 });
      expect(ran).toEqual([]);
      await withBeat.flowControl.resume(key);
      await withBeat.drain();
      expect(ran).toEqual(["beat#1"]);
    });
  });
});

onEveryStore((kind) => {
  test("clearing the ready jobs of a long line leaves a scheduled one, which then runs", async () => {
    const { clock, queue, work, ran } = setUpOn(kind, { key: "k", concurrency: 2 });
    await queue.enqueueMany(names(60).map((name) => ({ job: work, payload: { name } })));
    await queue.enqueue(work, { name: "later" }, { delay: "10s" });
    expect(await queue.clear({ state: "ready" })).toEqual({ cleared: 60 });
    await clock.advance("10s");
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect(ran).toEqual(["later#1"]);
  });

  test.each(["update", "reschedule"] as const)(
    "a job whose lease has run out takes no slot after %s, however its key counts them",
    async (change) => {
      const { clock, queue, work, ran, store } = setUpOn(kind, { key: "k", concurrency: 1 });
      await queue.enqueue(work, { name: "one" }, { id: "one" });
      await queue.enqueue(work, { name: "two" }, { id: "two" });
      // The invocation of this claim is killed.
      expect((await claim(store.open("default"), clock(), 1)).jobs).toHaveLength(1);
      await clock.advance("1h");
      if (change === "update") await queue.update("one", { payload: { name: "changed" } });
      else await queue.reschedule("one", "1h");
      await queue.flowControl.resume("k");
      expect(await queue.flowControl.get("k")).toMatchObject({ running: 0, waiting: 2 });
      await clock.advance("1h");
      await queue.drain();
      expect(ran).toHaveLength(2);
    },
  );

  describe("fairness", () => {
    test("a long line delays neither another key's job nor one without a key", async () => {
      const { clock, work, free, queue, store } = setUpOn(kind, { key: "big" });
      await queue.enqueueMany(names(200).map((name) => ({ job: work, payload: { name } })));
      await clock.advance(1);
      const small = await queue.enqueue(work, { name: "small" }, { flowControl: { key: "small" } });
      const alone = await queue.enqueue(free, "free");
      const { jobs } = await claim(store.open("default"), clock(), 10);
      const ids = jobs.map(({ lease }) => lease.id);
      expect(ids).toContain(small.id);
      expect(ids).toContain(alone.id);
    });
  });
});

/** The keys of a queue, read in small pages. */
async function keysOf(queue: Queue): Promise<string[]> {
  const pages = await allPages((cursor) => queue.flowControl.list({ cursor, limit: 3 }));
  return pages.flatMap(({ keys }) => keys.map(({ key }) => key));
}

function completed(lease: LeasedJob["lease"]): Outcome {
  return { to: "completed", lease, record: "1:{}" };
}

function claim(store: QueueStore, now: number, limit = 5): Promise<Pick<ExchangeReply, "jobs">> {
  return store.exchange({ now, settle: [], fire: [], retentionMs: 0, claim: { limit, leaseMs: minute } });
}
