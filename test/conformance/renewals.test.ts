import { Redis, type Requester } from "@upstash/redis";
import { describe, expect, test, vi } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import type { Lease, QueueStore } from "../../src/core/store/store.ts";
import { defineJob, type JobContext, memoryStore, PermanentError, Queue, type Store } from "../../src/index.ts";
import * as scripts from "../../src/stores/redis/scripts.generated.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { faultyStore, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { shasOf } from "../support/scripts.ts";
import { onEachKindOfStore, useRedis } from "../support/stores.ts";

const minute = 60_000;

interface Failure {
  readonly fault?: "before" | "after";
  readonly call?: number | readonly number[];
}

/** A queue of one job, and a store that fails renewals: those whose turns these are, from 1. */
function setUp(inner: Store, perform: (job: JobContext) => unknown, ...failures: readonly Failure[]) {
  const clock = testClock(start);
  const plan = (failures.length > 0 ? failures : [{}]).map(({ fault = "after", call = 1 }: Failure) => ({
    ...{ on: "extend" as const, call, fault },
  }));
  const store = faultyStore(clock.watch(inner), plan);
  const job = defineJob({ name: "job", timeout: "30s", perform: (_: undefined, context) => perform(context) });
  const queue = new Queue({ store, clock, jobs: [job], random: () => 0.5, logger: null });
  return { clock, store, job, queue };
}

const inVain = (work: Promise<void>) => expect(work).rejects.toMatchObject({ code: "store_unavailable" });

onEachKindOfStore((kind) => {
  for (const fault of ["before", "after"] as const) {
    test(`a job whose extend gets no answer is settled once, lost ${fault} the store`, async () => {
      const ends = [
        () => "done",
        (job: JobContext) => job.snooze("1h"),
        () => Promise.reject(new Error("no luck")),
        () => Promise.reject(new PermanentError("no hope")),
      ];
      const perform = async (job: JobContext) => {
        await inVain(job.extend("10m"));
        return ends.pop()?.(job);
      };
      const { queue, job } = setUp(kind.create(), perform, { fault, call: [1, 2, 3, 4] });
      await queue.enqueueMany(Array.from({ length: 4 }, () => ({ job })));
      const report = await queue.drain({ concurrency: 1 });
      expect(report).toMatchObject({ completed: 1, snoozed: 1, retried: 1, deadLettered: 1, lost: 0 });
      expect(await queue.getStats()).toMatchObject({ runningCount: 0, scheduledCount: 2 });
    });

    test(`a job that was enqueued for an eager start is settled if its progress gets no answer, lost ${fault} the store`, async () => {
      const { queue, job } = setUp(kind.create(), (context) => inVain(context.progress(1)), { fault });
      const { held } = await internalsOf(queue).enqueueHeld([{ job }]);
      expect(await internalsOf(queue).drain({ held })).toMatchObject({ completed: 1, lost: 0 });
      expect(await queue.getStats()).toMatchObject({ runningCount: 0, pendingCount: 0 });
    });

    test(`an extend after one that got no answer moves the lease, lost ${fault} the store`, async () => {
      let end: Date | undefined;
      const { queue, job } = setUp(
        kind.create(),
        async (context) => {
          await inVain(context.extend("10m"));
          await inVain(context.extend("20m"));
          await context.extend("30m");
          end = (await queue.getJob(context.id))?.leaseEndsAt;
        },
        { fault, call: [1, 2] },
      );
      await queue.enqueue(job);
      expect(await queue.drain()).toMatchObject({ completed: 1, lost: 0 });
      expect(end).toEqual(new Date(start + 30 * minute + 5_000));
    });
  }

  test("a job is settled under the end of an extend that was made but got no answer, after another one was not made", async () => {
    const perform = async (context: JobContext) => {
      await inVain(context.extend("10m"));
      await inVain(context.extend("20m"));
    };
    const { queue, job } = setUp(kind.create(), perform, { fault: "after", call: 1 }, { fault: "before", call: 2 });
    await queue.enqueue(job);
    expect(await queue.drain()).toMatchObject({ completed: 1, lost: 0 });
  });

  test("an extend ends a lease a millisecond after each end that an unanswered one may still give it", async () => {
    let end: Date | undefined;
    const { queue, job } = setUp(kind.create(), async (context) => {
      await inVain(context.extend("10m"));
      await context.extend("1m");
      end = (await queue.getJob(context.id))?.leaseEndsAt;
    });
    await queue.enqueue(job);
    expect(await queue.drain()).toMatchObject({ completed: 1, lost: 0 });
    // Each of the three sends ends a lease a millisecond later than the one before.
    expect(end).toEqual(new Date(start + 10 * minute + 5_000 + 3));
  });

  test("a job that is given back since the extend before its start got no answer uses no attempt", async () => {
    // No claim foresees its timeout.
    const seen: number[] = [];
    const { queue, job } = setUp(kind.create(), ({ attempt }) => seen.push(attempt));
    await queue.enqueue(job, undefined, { timeout: "10m" });
    expect(await queue.drain({ maxJobs: 1, timeBudget: "20m" })).toMatchObject({ released: 1, lost: 0 });
    expect(await queue.drain({ timeBudget: "20m" })).toMatchObject({ completed: 1 });
    expect(seen).toEqual([1]);
  });

  test("an extend that the handler does not await leaves no timer when its drain has ended", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const job = defineJob({ name: "job", perform: (_: undefined, { extend }) => void extend("8h") });
      const queue = new Queue({ store: memoryStore(), jobs: [job] });
      await queue.enqueue(job);
      expect(await queue.drain()).toMatchObject({ completed: 1 });
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

onEachKindOfStore((kind) => {
  /** A job that is leased until a minute after the start. */
  async function hold(): Promise<{ store: QueueStore; lease: Lease }> {
    const store = kind.create().open("default");
    const job = { id: "a", isFreshId: true, runAt: start, record: "1:{}", leaseEndsAt: start + minute };
    const [reply] = await store.enqueue([job], start);
    if (!reply?.lease) throw new Error("The job was not leased.");
    return { store, lease: reply.lease };
  }

  const outcome = (lease: Lease) => ({ to: "completed" as const, lease, record: "1:done" });
  const settling = { now: start, retentionMs: minute };

  test("an outcome counts under each possible end of its lease, and under no other one", async () => {
    for (const [endsAt, isHeld] of [
      [undefined, true],
      [start + 2 * minute, true],
      [start + 3 * minute, false],
    ] as const) {
      const { store, lease } = await hold();
      if (endsAt !== undefined) await store.extend([{ lease, endsAt, record: "1:progress" }]);
      const settle = [outcome({ ...lease, mayEndAt: [start + 2 * minute] })];
      expect((await store.settle({ ...settling, settle })).settled).toEqual([isHeld]);
      expect((await store.settle({ ...settling, settle, isResend: true })).settled).toEqual([isHeld]);
      expect(await store.stats(start)).toMatchObject({ totals: { processed: isHeld ? 1 : 0 } });
    }
  });
});

describe("on upstashStore", () => {
  const redis = useRedis();

  test("a renewal that arrives after its resend, and after newer progress, overwrites nothing", async () => {
    const client = new Redis({ url: redis.shim.url, token: redis.shim.token });
    const late: (() => Promise<unknown>)[] = [];
    const store = upstashStore({ redis: losingFirst(client, shasOf(scripts.extend), late), prefix: "late-renewal" });
    const job = defineJob({
      name: "job",
      async perform(_: undefined, context) {
        await context.progress(1);
        await context.progress(2);
        await late[0]?.();
        shown = (await queue.getJob(context.id))?.progress;
      },
    });
    let shown: unknown;
    const queue = new Queue({ store, jobs: [job] });
    await queue.enqueue(job);
    expect(await queue.drain()).toMatchObject({ completed: 1, lost: 0 });
    expect(late).toHaveLength(1);
    expect(shown).toBe(2);
  });
});

/** A client that loses the first request with this script, and makes it possible to send that later. */
function losingFirst(client: Redis, shas: readonly string[], late: (() => Promise<unknown>)[]): Redis {
  const { client: requester } = client as unknown as { client: Requester };
  const request = requester.request.bind(requester);
  requester.request = ((sent: Parameters<typeof request>[0]) => {
    if (late.length > 0 || !(Array.isArray(sent.body) && shas.includes(sent.body[1]))) return request(sent);
    late.push(() => request({ ...sent, signal: new AbortController().signal }));
    return Promise.reject(new TypeError("fetch failed"));
  }) as typeof request;
  return client;
}
