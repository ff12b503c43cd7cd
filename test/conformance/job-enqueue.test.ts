import { describe, expect, test } from "vitest";
import { z } from "zod";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { type AnyJob, type CommonJobContext, defineJob, PermanentError, type QueueOptions } from "../../src/index.ts";
import { drainAll } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { withJob as openWithJob } from "../support/with-job.ts";

onEachKindOfStore((kind) => {
  const next = defineJob({ name: "next", schema: z.object({ n: z.number() }), perform: ({ n }) => n });

  const withJob = (
    perform: (job: CommonJobContext) => unknown,
    others: readonly AnyJob[] = [],
    more: Partial<QueueOptions> = {},
  ) => openWithJob(kind, perform, [next, ...others], {}, more);

  describe("job.enqueue", () => {
    test("stores a job with the outcome of a success, and the same drain runs it", async () => {
      const ids: string[] = [];
      const { queue, enqueued } = await withJob(async (job) => {
        ids.push(job.enqueue(next, { n: 7 }), job.enqueue(next, { n: 8 }, { delay: "1h", maxRetries: 9 }));
        expect(await queue.getJob(ids[0] as string)).toBeNull();
        expect(enqueued).toEqual([]);
      });
      expect(await queue.drain()).toMatchObject({ completed: 2 });
      const [now, later] = ids as [string, string];
      expect(await queue.getJob(now)).toMatchObject({ state: "completed", name: "next", result: 7 });
      const waits = { state: "scheduled", runAt: new Date(start + 3_600_000), maxRetries: 9, payload: { n: 8 } };
      expect(await queue.getJob(later)).toMatchObject(waits);
      expect(enqueued).toEqual([
        { queue: "default", id: now, name: "next", status: "enqueued", runAt: new Date(start) },
        { queue: "default", id: later, name: "next", status: "enqueued", runAt: new Date(start + 3_600_000) },
      ]);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 3, totalProcessed: 2 });
    });

    test("stores nothing for an attempt that is retried or dies, and once for the one that succeeds", async () => {
      const { clock, queue, enqueued } = await withJob((job) => {
        job.enqueue(next, { n: job.attempt });
        if (job.attempt === 1) throw new Error("no luck");
      });
      await drainAll(queue);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1, totalRetried: 1 });
      await drainAll(queue, { clock });
      expect(enqueued).toHaveLength(1);
      expect((await queue.listJobs({ state: "completed", name: "next" })).jobs).toMatchObject([{ result: 2 }]);
      const { queue: deadly } = await withJob((job) => {
        job.enqueue(next, { n: 1 });
        throw new PermanentError("no luck");
      });
      await drainAll(deadly);
      expect(await deadly.getStats()).toMatchObject({ totalEnqueued: 1, deadLetterCount: 1 });
    });

    test("stores nothing for an attempt whose lease is lost", async () => {
      const { queue, id, enqueued } = await withJob(async (job) => {
        job.enqueue(next, { n: 1 });
        await queue.cancel(job.id, { running: true });
      });
      expect(await queue.drain()).toMatchObject({ lost: 1 });
      expect(await queue.getJob(id)).toBeNull();
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1, pendingCount: 0, completedCount: 0 });
      expect(enqueued).toEqual([]);
    });

    test("stores jobs with a snooze, each time", async () => {
      const { clock, queue } = await withJob((job) => {
        job.enqueue(next, { n: 1 });
        return queue.clock() < start + 7_200_000 ? job.snooze("1h") : undefined;
      });
      await drainAll(queue, { clock });
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 4, totalProcessed: 4 });
    });

    test("stores the jobs of each job of a batch with its own outcome", async () => {
      const many = defineJob({
        name: "many",
        performBatch: (
          jobs: readonly { payload: number; job: CommonJobContext & { fail(error: unknown): void } }[],
        ) => {
          for (const { payload, job } of jobs) {
            job.enqueue(next, { n: payload });
            if (payload === 2) job.fail(new PermanentError("no luck"));
          }
        },
      });
      const { queue } = await withJob(() => {}, [many]);
      await queue.enqueueMany([1, 2, 3].map((payload) => ({ job: many, payload })));
      await drainAll(queue);
      const { jobs } = await queue.listJobs({ state: "completed", name: "next" });
      expect(jobs.map(({ result }) => result).sort()).toEqual([1, 3]);
    });

    test("makes a chain that one drain runs to its end", async () => {
      const link = defineJob({
        name: "link",
        perform: (left: number, job) => void (left > 0 && job.enqueue(link as AnyJob, left - 1)),
      });
      const { queue } = await withJob((job) => void job.enqueue(link, 5), [link]);
      expect(await queue.drain()).toMatchObject({ completed: 7, stoppedBy: "empty", backlog: false, nextRunAt: null });
    });

    test("makes a job that the next drain finds after an eager start", async () => {
      const { queue } = await withJob((job) => void job.enqueue(next, { n: 5 }));
      await queue.clear();
      const { enqueueHeld, drain } = internalsOf(queue);
      const { held } = await enqueueHeld([{ job: "first" }]);
      expect(await drain({ held, heldOnly: true })).toMatchObject({ completed: 1 });
      expect(await queue.drain()).toMatchObject({ completed: 1 });
    });

    test("makes a job that the drain finds which has run nothing but an occurrence", async () => {
      const hourly = defineJob({
        name: "hourly",
        schedule: { cron: "0 0 * * * *" },
        perform: (_: undefined, job) => void job.enqueue(next, { n: 1 }),
      });
      const { clock, queue } = await withJob(() => {}, [hourly]);
      await drainAll(queue);
      await clock.advance("1h");
      await queue.drain(); // It reads the plan of the schedule, from which the store fires the next occurrence.
      await clock.advance("1h");
      expect(await queue.drain()).toMatchObject({ rearmed: 1, completed: 2, backlog: false });
    });

    test("checks names, payloads, options and their number at the call", async () => {
      const refusals: unknown[] = [];
      const attempt = (enqueue: () => unknown) => {
        try {
          refusals.push(enqueue());
        } catch (error) {
          refusals.push((error as Error).message);
        }
      };
      const { queue } = await withJob((job) => {
        attempt(() => job.enqueue("unknown" as string, 1));
        attempt(() => job.enqueue("next", { n: "x" }));
        attempt(() => job.enqueue("next", { n: 1n }));
        attempt(() => job.enqueue(next, { n: 1 }, { dealy: "5m" } as object));
        attempt(() => job.enqueue(next, { n: 1 }, { id: "a" } as object));
        attempt(() => job.enqueue(next, { n: 1 }, { dedupe: { key: "a", ttl: "1m" } } as object));
        attempt(() => job.enqueue("next", { n: 1 }, { cron: "* * * * *" } as object));
        attempt(() => job.enqueue(next, { n: 1 }, { delay: "1m", runAt: new Date() } as object));
        attempt(() => job.enqueue("qstash_delivery", { n: 1 }));
        for (let i = 0; i < 1_000; i++) job.enqueue(next, { n: i });
        attempt(() => job.enqueue(next, { n: 1 }));
      });
      expect(await queue.drain({ maxJobs: 1 })).toMatchObject({ completed: 1 });
      expect(refusals).toEqual([
        'No job is named "unknown". This queue knows: first, next.',
        'The payload, as JSON, does not fit the schema of "next": n: Invalid input: expected number, received string',
        expect.stringContaining("payload"),
        expect.stringContaining('"dealy"'),
        expect.stringContaining("job.enqueue takes no id"),
        expect.stringContaining("job.enqueue takes no dedupe"),
        expect.stringContaining("job.enqueue takes no cron"),
        expect.stringContaining("either delay or runAt"),
        expect.stringContaining("reserved"),
        "An attempt can enqueue 1000 jobs. Use queue.enqueueMany for more.",
      ]);
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1_001, readyCount: 1_000 });
    });

    test("refuses what does not fit into one request with its own job, and keeps room for that", async () => {
      const note = defineJob({ name: "note", perform: (_: string) => {} });
      const refusals: unknown[] = [];
      const { queue, id } = await withJob(
        async (job) => {
          job.enqueue(note, "x".repeat(3_000_000));
          job.enqueue(note, "x".repeat(3_000_000));
          await Promise.all(
            [(async () => job.enqueue(note, "x".repeat(3_000_000)))(), job.progress("x".repeat(3_000_000))].map(
              (call) => call.catch(({ code }) => refusals.push(code)),
            ),
          );
          return "x".repeat(3_000_000);
        },
        [note],
      );
      expect(await queue.drain({ maxJobs: 1 })).toMatchObject({ completed: 1 });
      expect(refusals).toEqual(["payload_too_large", "payload_too_large"]);
      expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: null });
      expect(await queue.getStats()).toMatchObject({ readyCount: 2 });
    });

    test("fails the attempt if an asynchronous schema refuses the payload, and stores nothing", async () => {
      const slow = defineJob({
        name: "slow",
        schema: z.object({ n: z.number() }).refine(async ({ n }) => n > 0, { path: ["n"] }),
        perform: () => {},
      });
      const { queue, id } = await withJob(
        (job) => {
          job.enqueue(slow, { n: 1 });
          job.enqueue(slow, { n: 0 });
        },
        [slow],
      );
      expect(await drainAll(queue)).toMatchObject({ completed: 0, retried: 1 });
      const message = 'The payload, as JSON, does not fit the schema of "slow": n: Invalid input';
      expect(await queue.getJob(id)).toMatchObject({ errors: [{ name: "InvalidPayloadError", message }] });
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1 });
    });

    test("throws once the attempt has ended", async () => {
      let late: CommonJobContext | undefined;
      const { queue } = await withJob((job) => {
        late = job;
      });
      await queue.drain();
      expect(() => late?.enqueue(next, { n: 1 })).toThrow(expect.objectContaining({ code: "conflict" }));
      expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1 });
    });

    test("keeps the limits and the order of the flow control key of its own job", async () => {
      const order: number[] = [];
      const flowControl = { key: "tenant", ordered: true };
      const step = defineJob({
        name: "step",
        flowControl,
        perform: (n: number, job) => {
          order.push(n);
          if (n < 3) job.enqueue(step as AnyJob, n + 10);
        },
      });
      const { queue } = await withJob(() => {}, [step]);
      await queue.enqueueMany([1, 2, 3].map((payload) => ({ job: step, payload })));
      expect(await drainAll(queue)).toMatchObject({ completed: 6 });
      expect(order).toEqual([1, 2, 3, 11, 12]);
      expect(await queue.flowControl.get("tenant")).toBeNull();
    });

    test("sets the limits of a flow control key as enqueue does", async () => {
      const keyed = defineJob({ name: "keyed", flowControl: { key: "k", concurrency: 1 }, perform: () => {} });
      const first = defineJob({
        name: "starts",
        flowControl: { key: "k", concurrency: 9 },
        perform: (limit: number, job) => {
          job.enqueue(keyed, undefined, { delay: "1h", flowControl: limit > 0 ? { concurrency: limit } : {} });
        },
      });
      const { queue } = await withJob(() => {}, [keyed, first]);
      for (const [limit, concurrency] of [
        [3, 3],
        [0, 1],
      ] as const) {
        await queue.enqueue(first, limit);
        await queue.drain();
        expect(await queue.flowControl.get("k")).toMatchObject({ concurrency });
      }
      expect(await queue.flowControl.get("k")).toMatchObject({ waiting: 2, running: 0 });
    });
  });
});
