import { expect, test } from "vitest";
import * as z from "zod";
import {
  type BatchItem,
  defineJob,
  type JobOptions,
  PermanentError,
  Queue,
  type QueueOptions,
  RetryAfterError,
} from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEveryStore, onMemoryAtLeast, type StoreKind } from "../support/stores.ts";

type Row = { readonly n: number };
type Items = readonly BatchItem<Row>[];

function setUp(
  kind: StoreKind,
  handler: (jobs: Items) => unknown,
  { size = 100, ...options }: JobOptions & { readonly size?: number } = {},
  more: Partial<QueueOptions> = {},
) {
  const clock = testClock(start);
  const store = clock.watch(kind.create());
  const calls: number[][] = [];
  const insertRow = defineJob({
    name: "insert_row",
    schema: z.object({ n: z.number() }),
    batch: { size },
    ...options,
    async performBatch(jobs) {
      calls.push(jobs.map(({ payload }) => payload.n));
      return handler(jobs);
    },
  });
  const queue = new Queue({
    store,
    clock,
    random: () => 0.5,
    logger: null,
    jobs: [insertRow],
    ...more,
  });
  const enqueue = async (count: number) => {
    const rows = Array.from({ length: count }, (_, n) => ({ job: insertRow, payload: { n } }));
    return (await queue.enqueueMany(rows)).map(({ id }) => id);
  };
  const lengths = () => calls.map(({ length }) => length).sort((a, b) => b - a);
  return { clock, store, queue, insertRow, calls, enqueue, lengths };
}

onMemoryAtLeast((kind) => {
  test("one call performs up to its size of jobs, and takes one slot", async () => {
    let running = 0;
    let most = 0;
    const { queue, enqueue, lengths } = setUp(
      kind,
      async () => {
        most = Math.max(most, ++running);
        await undefined;
        running--;
      },
      { size: 40 },
    );
    await enqueue(100);
    expect(await queue.drain({ concurrency: 2 })).toMatchObject({ completed: 100, released: 0 });
    expect(lengths().reduce((sum, length) => sum + length, 0)).toBe(100);
    expect(lengths()[0]).toBeGreaterThan(20);
    expect(Math.max(...lengths())).toBeLessThanOrEqual(40);
    expect(most).toBeLessThanOrEqual(2);
  });

  test("each job gets its own result, which may be a snooze", async () => {
    const { queue, enqueue } = setUp(kind, (jobs) =>
      jobs.map(({ payload, job }) => (payload.n === 1 ? job.snooze("1h") : payload.n * 10)),
    );
    const ids = await enqueue(3);
    expect(await queue.drain()).toMatchObject({ completed: 2, snoozed: 1 });
    expect(await Promise.all(ids.map((id) => queue.getJob(id)))).toMatchObject([
      { state: "completed", result: 0 },
      { state: "scheduled", attempts: 0 },
      { state: "completed", result: 20 },
    ]);
  });

  test("job.fail fails one job, even permanently or until a given time, and overrides what the call returns or throws", async () => {
    const errors = [new Error("no luck"), new PermanentError("wrong row"), new RetryAfterError("busy", "7m")];
    let throws = false;
    const { queue, enqueue } = setUp(kind, (jobs) => {
      for (const { payload, job } of jobs) if (errors[payload.n]) job.fail(errors[payload.n]);
      if (throws) throw new Error("all of them");
      return jobs.map(({ payload }) => payload.n);
    });
    for (const of of [false, true]) {
      throws = of;
      const ids = await enqueue(4);
      expect(await queue.drain()).toMatchObject({ retried: of ? 3 : 2, deadLettered: 1, completed: of ? 0 : 1 });
      expect(await Promise.all(ids.map((id) => queue.getJob(id)))).toMatchObject([
        { state: "scheduled", runAt: new Date(start + 60_000), errors: [{ message: "no luck" }] },
        { state: "dead", error: { name: "PermanentError" } },
        { state: "scheduled", runAt: new Date(start + 7 * 60_000), errors: [{ message: "busy" }] },
        of ? { state: "scheduled", errors: [{ message: "all of them" }] } : { state: "completed", result: 3 },
      ]);
    }
  });

  test("after a throw the jobs are retried alone, so that one bad row does not fail the others again", async () => {
    const { queue, clock, enqueue, calls } = setUp(kind, (jobs) => {
      if (jobs.some(({ payload }) => payload.n === 2)) throw new PermanentError("row 2 is wrong");
    });
    await enqueue(5);
    const first = await queue.drain();
    expect(first.retried + first.completed).toBe(5);
    await clock.advance("60s");
    const second = await queue.drain();
    expect(second).toMatchObject({ completed: first.retried - 1, deadLettered: 1 });
    expect(calls.slice(-first.retried).every(({ length }) => length === 1)).toBe(true);
  });

  test("an array of results must have one for each job: a wrong length fails all", async () => {
    const { queue, enqueue } = setUp(kind, () => ["one"]);
    const ids = await enqueue(2);
    expect(await queue.drain({ concurrency: 1 })).toMatchObject({ retried: 2 });
    expect(await queue.getJob(ids[0] ?? "")).toMatchObject({
      errors: [
        {
          message:
            "performBatch must return nothing, or an array with a result for each of the 2 jobs that it was given.",
        },
      ],
    });
  });

  test("jobs whose payloads no longer fit are dead-lettered before the call, and the others are performed", async () => {
    const { clock, store, queue, calls } = setUp(kind, () => {});
    const older = defineJob({ name: "insert_row", perform(_: unknown) {} });
    const before = new Queue({ store, clock, jobs: [older] });
    await before.enqueueMany([{ n: 1 }, { n: "two" }, { n: 3 }].map((payload) => ({ job: older, payload })));
    expect(await queue.drain()).toMatchObject({ completed: 2, deadLettered: 1 });
    expect(calls.flat().sort()).toEqual([1, 3]);
  });

  test("a call has the shortest timeout of its jobs, and exceeding it fails them all", async () => {
    const { clock, queue, insertRow } = setUp(kind, () => new Promise(() => {}), { timeout: "5m" });
    await queue.enqueueMany([
      { job: insertRow, payload: { n: 1 }, timeout: "2m" },
      { job: insertRow, payload: { n: 2 } },
    ]);
    const drained = queue.drain({ timeBudget: "10m" });
    await clock.advance("2m");
    await clock.advance("3m");
    expect(await drained).toMatchObject({ retried: 2 });
  });

  test("job.extend moves the timeout and the leases of all jobs in the call", async () => {
    const { clock, queue, enqueue } = setUp(kind, async (jobs) => {
      await jobs[0]?.job.extend("10m");
      await clock.sleep?.(5 * 60_000);
    });
    await enqueue(3);
    const drained = queue.drain({ timeBudget: "20m", concurrency: 1 });
    await clock.advance("4m");
    const other = await queue.drain();
    for (let minute = 0; minute < 16; minute++) await clock.advance("1m");
    expect(await drained).toMatchObject({ completed: 3, lost: 0 });
    expect(other).toMatchObject({ claimed: 0 });
  });
});

onEveryStore((kind) => {
  test("a lost lease loses one job of the call, and no other", async () => {
    const { store, queue, enqueue } = setUp(kind, async ([first]) => {
      const opened = store.open("default");
      const id = first?.job.id ?? "";
      const endsAt = (await opened.find(id, start))?.at ?? 0;
      await opened.extend([{ lease: { id, claims: 1, endsAt }, endsAt: endsAt + 1_000 }]);
    });
    await enqueue(3);
    expect(await queue.drain()).toMatchObject({ completed: 2, lost: 1 });
  });
});

test("a job has perform or performBatch, and a batch only with the latter", () => {
  const perform = () => {};
  expect(() => defineJob({ name: "a", perform, performBatch: perform } as never)).toThrow(
    /both perform and performBatch/,
  );
  expect(() => defineJob({ name: "a" } as never)).toThrow(/perform must be a function/);
  expect(() => defineJob({ name: "a", performBatch: 7 } as never)).toThrow(/performBatch must be a function/);
  expect(() => defineJob({ name: "a", perform, batch: { size: 2 } } as never)).toThrow(
    /batch is for a job with performBatch/,
  );
  for (const size of [0, 1.5, 1_001, "9"]) {
    expect(() => defineJob({ name: "a", performBatch: perform, batch: { size } } as never)).toThrow(/batch\.size/);
  }
  expect(() => defineJob({ name: "a", performBatch: perform, batch: { sise: 9 } } as never)).toThrow(/"sise"/);
});
