import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type AnyJob, type CommonJobContext, defineJob, type EnqueueEvent, PermanentError } from "../../src/index.ts";
import { drainAll } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { withJob as openWithJob } from "../support/with-job.ts";

const none = { pending: 0, completed: 0, dead: 0, dropped: 0 };

onEachKindOfStore((kind) => {
  /** A queue with a waiting job whose handler does this. `report` notes what it gets of its children. */
  async function withJob(
    perform: (job: CommonJobContext) => unknown,
    { others = [], key }: { readonly others?: readonly AnyJob[]; readonly key?: string } = {},
  ) {
    const reports: unknown[] = [];
    const jobs = [row, reportTo(reports), keyed, ...others];
    const opened = await openWithJob(kind, perform, jobs, key === undefined ? {} : { flowControl: { key } });
    return { ...opened, reports };
  }

  const row = defineJob({
    name: "row",
    maxRetries: 0,
    schema: z.object({ n: z.number() }),
    perform({ n }) {
      if (n < 0) throw new PermanentError("no luck");
      return n;
    },
  });
  const reportTo = (reports: unknown[]) =>
    defineJob({ name: "report", perform: (name: string, job) => void reports.push([name, job.children]) });
  const report = reportTo([]);
  const keyed = defineJob({
    name: "keyed",
    flowControl: { key: "k", concurrency: 1 },
    perform: (_: undefined, job) => job.children,
  });
  const rows = (...numbers: readonly number[]) => numbers.map((n) => ({ job: row, payload: { n } }));

  describe("job.enqueue with children", () => {
    test("stores the family with the outcome, and the parent runs when its children have ended", async () => {
      let id = "";
      const { queue, reports } = await withJob(async (job) => {
        id = job.enqueue(report, "May", { children: rows(1, -1, 3) });
        expect(await queue.getJob(id)).toBeNull();
      });
      await queue.drain({ maxJobs: 1 });
      expect(await queue.getJob(id)).toMatchObject({
        state: "scheduled",
        runAt: null,
        children: { ...none, total: 3, pending: 3 },
      });
      const { jobs } = await queue.listChildren(id);
      expect(jobs.map(({ id: child, payload }) => [child.startsWith(`${id}/`), payload])).toEqual([
        [true, { n: 1 }],
        [true, { n: -1 }],
        [true, { n: 3 }],
      ]);
      await drainAll(queue);
      expect(reports).toEqual([["May", { ...none, total: 3, completed: 2, dead: 1 }]]);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 5, totalProcessed: 4, pendingCount: 0 });
    });

    test("one drain runs the family to its end", async () => {
      const { queue, reports } = await withJob((job) => void job.enqueue(report, "May", { children: rows(1, 2) }));
      expect(await queue.drain()).toMatchObject({ completed: 4, stoppedBy: "empty", backlog: false, nextRunAt: null });
      expect(reports).toEqual([["May", { ...none, total: 2, completed: 2 }]]);
    });

    test("stores nothing of an attempt that fails or has lost its lease, and once of the one that succeeds", async () => {
      const { clock, queue, reports } = await withJob((job) => {
        job.enqueue(report, `attempt ${job.attempt}`, { children: rows(1) });
        if (job.attempt === 1) throw new Error("no luck");
      });
      await drainAll(queue);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1, totalRetried: 1 });
      await drainAll(queue, { clock });
      expect(reports).toEqual([["attempt 2", { ...none, total: 1, completed: 1 }]]);
      const { queue: other } = await withJob(async (job) => {
        job.enqueue(report, "May", { children: rows(1) });
        await other.cancel(job.id, { running: true });
      });
      expect(await other.drain()).toMatchObject({ lost: 1 });
      expect(await other.getStats()).toMatchObject({ totalEnqueued: 1, pendingCount: 0 });
    });

    test("a snooze stores the family as well", async () => {
      const { clock, queue, reports } = await withJob((job) => {
        job.enqueue(report, "May", { children: rows(1) });
        return queue.clock() < start + 3_600_000 ? job.snooze("1h") : undefined;
      });
      await drainAll(queue, { clock });
      expect(reports).toHaveLength(2);
    });

    test("children may have children and keys, and the parent a delay, a key and waitFor", async () => {
      let [id, held] = ["", ""];
      const { clock, queue, reports } = await withJob(fan, { key: "k" });
      function fan(job: CommonJobContext) {
        const nested = { job: report, payload: "inner", children: rows(1, 2) };
        id = job.enqueue(keyed, undefined, {
          delay: "10m",
          children: [nested, { job: keyed }, { job: keyed }, { job: row, payload: { n: 5 }, delay: "1m" }],
        });
        held = job.enqueue(report, "held", { waitFor: "completed", children: rows(-1) });
      }
      await drainAll(queue);
      expect(reports).toEqual([["inner", { ...none, total: 2, completed: 2 }]]);
      expect(await queue.getJob(id)).toMatchObject({ children: { ...none, total: 4, pending: 1, completed: 3 } });
      await clock.advance("1m");
      await drainAll(queue);
      expect(await queue.getJob(id)).toMatchObject({
        state: "scheduled",
        children: { ...none, total: 4, completed: 4 },
      });
      await clock.advance("9m");
      await drainAll(queue);
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: { ...none, total: 4, completed: 4 } });
      expect(await queue.getJob(held)).toMatchObject({ children: { ...none, total: 1, dead: 1 } });
      await queue.retryFromDeadLetter({ all: true }, { payload: { n: 1 } });
      await drainAll(queue);
      expect(reports[1]).toEqual(["held", { ...none, total: 1, completed: 1 }]);
    });

    test("children of a key run in the order in which they are given", async () => {
      const order: number[] = [];
      const step = defineJob({
        name: "step",
        flowControl: { key: "ordered", ordered: true },
        perform: (n: number) => void order.push(n),
      });
      const { queue } = await withJob(
        (job) => void job.enqueue(report, "May", { children: [1, 2, 3].map((payload) => ({ job: step, payload })) }),
        { others: [step], key: "ordered" },
      );
      await drainAll(queue);
      expect(order).toEqual([1, 2, 3]);
    });

    test("a job without any children runs at once", async () => {
      const { queue, reports } = await withJob((job) => void job.enqueue(report, "May", { children: [] }));
      await drainAll(queue);
      expect(reports).toEqual([["May", { ...none, total: 0 }]]);
    });

    test("an attempt stores a thousand jobs, children included, and refuses one more at the call", async () => {
      const refusals: string[] = [];
      const attempt = (enqueue: () => unknown) => {
        try {
          enqueue();
        } catch (error) {
          refusals.push((error as Error).message);
        }
      };
      const thousand = Array.from({ length: 998 }, (_, n) => ({ job: row, payload: { n } }));
      const { queue, reports } = await withJob((job) => {
        attempt(() => job.enqueue(report, "large", { children: [...thousand, ...rows(1, 2)] }));
        attempt(() => job.enqueue(report, "May", { children: [{ job: row, payload: { n: "x" as never } }] }));
        attempt(() => job.enqueue(report, "May", { children: [{ job: row, payload: { n: 1 }, id: "a" } as never] }));
        attempt(() => job.enqueue(report, "May", { children: rows(1), id: "may" } as never));
        job.enqueue(report, "May", { children: thousand });
        job.enqueue(row, { n: 1 });
        attempt(() => job.enqueue(row, { n: 1 }));
      });
      await drainAll(queue);
      expect(refusals).toEqual([
        "An attempt can enqueue 1000 jobs, all children included. Use queue.enqueue for more.",
        expect.stringContaining('Child 0: The payload, as JSON, does not fit the schema of "row"'),
        expect.stringContaining("Child 0: A child takes neither id nor dedupe"),
        expect.stringContaining("job.enqueue takes no id"),
        "An attempt can enqueue 1000 jobs. Use queue.enqueueMany for more.",
      ]);
      expect(reports).toEqual([["May", { ...none, total: 998, completed: 998 }]]);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1_001, totalProcessed: 1_001 });
    });

    test("an asynchronous schema that refuses a child fails the attempt, and nothing is stored", async () => {
      const slow = defineJob({
        name: "slow",
        schema: z.object({ n: z.number() }).refine(async ({ n }) => n > 0, { path: ["n"] }),
        perform: () => {},
      });
      const { queue, id } = await withJob(
        (job) => void job.enqueue(report, "May", { children: [1, 0].map((n) => ({ job: slow, payload: { n } })) }),
        { others: [slow] },
      );
      expect(await drainAll(queue)).toMatchObject({ completed: 0, retried: 1 });
      const message = 'Child 1: The payload, as JSON, does not fit the schema of "slow": n: Invalid input';
      expect(await queue.getJob(id)).toMatchObject({ errors: [{ name: "InvalidPayloadError", message }] });
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1 });
    });

    test("onEnqueue is called for the parent and for each child, as for queue.enqueue", async () => {
      const { queue, enqueued } = await withJob((job) => {
        job.enqueue(report, "May", { children: [...rows(1), { job: row, payload: { n: 2 }, delay: "1h" }] });
      });
      await queue.drain({ maxJobs: 1 });
      const byHandler = enqueued.splice(0);
      await queue.enqueue(report, "May", {
        children: [...rows(1), { job: row, payload: { n: 2 }, delay: "1h" }],
      });
      const withoutIds = (events: readonly EnqueueEvent[]) => events.map(({ id: _, ...event }) => event);
      expect(withoutIds(byHandler)).toEqual([
        { queue: "default", name: "report", status: "enqueued", runAt: null },
        { queue: "default", name: "row", status: "enqueued", runAt: new Date(start) },
        { queue: "default", name: "row", status: "enqueued", runAt: new Date(start + 3_600_000) },
      ]);
      expect(withoutIds(enqueued)).toEqual(withoutIds(byHandler));
      expect(byHandler.map(({ id }) => id)).toEqual([
        byHandler[0]?.id,
        expect.stringContaining(`${byHandler[0]?.id}/000000`),
        expect.stringContaining(`${byHandler[0]?.id}/000001`),
      ]);
    });

    test("the children of each job of a batch come with its own outcome", async () => {
      const many = defineJob({
        name: "many",
        performBatch: (
          jobs: readonly { payload: string; job: CommonJobContext & { fail(error: unknown): void } }[],
        ) => {
          for (const { payload, job } of jobs) {
            job.enqueue(report, payload, { children: rows(1) });
            if (payload === "fails") job.fail(new PermanentError("no luck"));
          }
        },
      });
      const { queue, reports } = await withJob(() => {}, { others: [many] });
      await queue.enqueueMany(["a", "fails", "c"].map((payload) => ({ job: many, payload })));
      await drainAll(queue);
      expect(reports.map((each) => (each as [string])[0]).sort()).toEqual(["a", "c"]);
    });
  });

  test("an expired child is dropped, and its parent gets to know", async () => {
    const { clock, queue, reports } = await withJob((job) => {
      const children = [{ job: row, payload: { n: 1 }, expires: "1m" as const }, ...rows(2)];
      job.enqueue(report, "enqueued by a handler", { children });
    });
    await queue.drain({ maxJobs: 1 });
    const { id } = await queue.enqueue(report, "enqueued", {
      children: [{ job: row, payload: { n: 1 }, expires: "1m" }, ...rows(-1)],
    });
    await clock.advance("2m");
    await drainAll(queue);
    expect(await queue.getJob(id)).toMatchObject({ children: { ...none, total: 2, dead: 1, dropped: 1 } });
    expect(new Map(reports as [string, unknown][])).toEqual(
      new Map([
        ["enqueued by a handler", { ...none, total: 2, completed: 1, dropped: 1 }],
        ["enqueued", { ...none, total: 2, dead: 1, dropped: 1 }],
      ]),
    );
  });

  test("a job whose children have all expired runs, whatever it waits for", async () => {
    const { clock, queue, reports } = await withJob(() => {});
    await drainAll(queue);
    const children = [1, 2].map((n) => ({ job: row, payload: { n }, expires: "1m" as const }));
    await queue.enqueue(report, "ended", { children });
    await queue.enqueue(report, "completed", { waitFor: "completed", children });
    await clock.advance("2m");
    await drainAll(queue);
    expect(new Map(reports as [string, unknown][])).toEqual(
      new Map([
        ["ended", { ...none, total: 2, dropped: 2 }],
        ["completed", { ...none, total: 2, dropped: 2 }],
      ]),
    );
  });

  test("performBatch gets the children of each of its jobs", async () => {
    const received: unknown[] = [];
    const summary = defineJob({
      name: "summary",
      performBatch(jobs: readonly { payload: string; job: CommonJobContext }[]) {
        received.push(...jobs.map(({ payload, job }) => [payload, job.children]));
      },
    });
    const { queue } = await withJob(() => {}, { others: [summary] });
    await queue.enqueue(summary, "one", { children: rows(1) });
    await queue.enqueue(summary, "two", { children: rows(1, -1) });
    await queue.enqueue(summary, "none");
    await drainAll(queue);
    expect(new Map(received as [string, unknown][])).toEqual(
      new Map([
        ["none", undefined],
        ["one", { ...none, total: 1, completed: 1 }],
        ["two", { ...none, total: 2, completed: 1, dead: 1 }],
      ]),
    );
  });
});
