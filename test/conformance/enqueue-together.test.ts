import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, test } from "vitest";
import { decodeRecord } from "../../src/core/job/record.ts";
import { defineJob, InvalidPayloadError, isTidegateError, Queue } from "../../src/index.ts";
import { aroundStore } from "../support/around-calls.ts";
import { start } from "../support/clock.ts";
import { gate } from "../support/gate.ts";
import { onMemoryAtLeast, type StoreKind } from "../support/stores.ts";
import { dies, greet, note, openQueue } from "./open-queue.ts";

/** A schema that takes every payload, once `answer` settles. */
function schemaThat(answer: () => unknown): StandardSchemaV1 {
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: async (value) => {
        await answer();
        return { value };
      },
    },
  };
}

/**
 * A queue that records the payloads of each request that stores jobs. `before` may delay a request, or throw instead.
 * Moving its clock by 0 waits until everything has happened that waits for neither a gate nor a timer.
 */
function recordingQueue(kind: StoreKind, before: (request: number) => unknown = () => {}) {
  const stored: unknown[][] = [];
  const { clock, store } = openQueue(kind);
  const recording = aroundStore(clock.watch(store), async ({ method, parameters: [jobs] }, run) => {
    if (method !== "enqueue") return run();
    stored.push((jobs as { record: string }[]).map(({ record }) => decodeRecord(record)?.payload));
    await before(stored.length);
    return run();
  });
  const later = (name: string, answer: () => unknown) =>
    defineJob({ name, schema: schemaThat(answer), perform: (payload: unknown) => payload });
  return { clock, stored, store, later, queue: new Queue({ store: recording, clock }) };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

onMemoryAtLeast((kind) => {
  describe("calls of enqueue in one turn", () => {
    test("are stored by one request, in order, and each gets its own answer", async () => {
      const { queue, stored } = recordingQueue(kind);
      const results = await Promise.all(numbers(100).map((n) => queue.enqueue(note, n, { delay: `${n}s` })));
      expect(stored).toEqual([numbers(100)]);
      expect(results.map(({ status }) => status)).toEqual(Array(100).fill("enqueued"));
      expect(results.map(({ runAt }) => runAt?.getTime())).toEqual(numbers(100).map((n) => start + n * 1_000));
      for (const n of [0, 99]) expect(await queue.getJob(results[n]?.id ?? "")).toMatchObject({ payload: n });
    });

    test("share a request even if the code awaits a few settled promises between them", async () => {
      const { queue, stored } = recordingQueue(kind);
      const afterMicrotasks = async (count: number) => {
        for (let i = 0; i < count; i++) await undefined;
        return queue.enqueue(note, count);
      };
      await Promise.all([0, 3, 9, 15, 21].map(afterMicrotasks));
      expect(stored).toEqual([[0, 3, 9, 15, 21]]);
    });

    test("are stored in pieces of 1,000", async () => {
      const { queue, stored } = recordingQueue(kind);
      const results = await Promise.all(numbers(2_500).map((n) => queue.enqueue(note, n)));
      expect(stored.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
      expect(stored.flat()).toEqual(numbers(2_500));
      expect(new Set(results.map(({ id }) => id)).size).toBe(2_500);
      expect(await queue.getStats()).toMatchObject({ readyCount: 2_500 });
    });

    test("are stored in pieces of 4 MiB, and a larger job alone", async () => {
      const { queue, stored } = recordingQueue(kind);
      const mebibytes = (count: number) => "x".repeat(count * 1024 * 1024);
      const sizes = [1.5, 1.5, 1.5, 4.5, 0.5, 0.5];
      const results = await Promise.all(sizes.map((size) => queue.enqueue(note, mebibytes(size))));
      const counts = stored.map((payloads) => payloads.map((text) => String(text).length / 1024 / 1024));
      expect(counts).toEqual([[1.5, 1.5], [1.5], [4.5], [0.5, 0.5]]);
      expect(results.map(({ status }) => status)).toEqual(Array(6).fill("enqueued"));
    });

    test("fail alone if one is invalid, and the others are stored", async () => {
      const { queue, stored } = recordingQueue(kind);
      const wrong = [
        () => queue.enqueue(note, 1n),
        () => queue.enqueue(greet, { to: 7 } as never),
        () => queue.enqueue({ job: "note" } as never, 1 as never),
        () => queue.enqueue(note, 1, { delay: "soon" as never }),
        () => queue.enqueue(note, "x".repeat(6_000_000)),
        () => queue.enqueue(note, 1, null as never),
      ];
      const calls = wrong.flatMap((call) => [call(), queue.enqueue(note, "right")]);
      const results = await Promise.allSettled(calls);
      const codes = results.map((result) => (result.status === "rejected" ? result.reason.code : result.value.status));
      expect(codes.filter((_, index) => index % 2 === 0)).toEqual([
        "invalid_request",
        "invalid_payload",
        "invalid_request",
        "invalid_request",
        "payload_too_large",
        "invalid_request",
      ]);
      expect(codes.filter((_, index) => index % 2 === 1)).toEqual(Array(6).fill("enqueued"));
      const [, , misfit] = results;
      expect(misfit).toMatchObject({ reason: expect.any(InvalidPayloadError) });
      expect(misfit).toMatchObject({
        reason: { issues: [{ path: ["to"] }], message: expect.stringMatching(/^The pay/) },
      });
      expect(stored).toEqual([Array(6).fill("right")]);
    });

    test("store the payload as it was at the call", async () => {
      const { queue } = recordingQueue(kind);
      const payload = { list: [1] };
      const first = queue.enqueue(note, payload);
      payload.list.push(2);
      const second = queue.enqueue(note, payload);
      payload.list = [];
      const jobs = await Promise.all([first, second].map(async (call) => queue.getJob((await call).id)));
      expect(jobs.map((job) => job?.payload)).toEqual([{ list: [1] }, { list: [1, 2] }]);
    });

    test("with one id, or one dedupe key, store one job: the first call's", async () => {
      const { queue } = recordingQueue(kind);
      const dedupe = { key: "user-7", ttl: "10m" } as const;
      const [first, second, third, fourth] = await Promise.all([
        queue.enqueue(note, "first", { id: "order-7", delay: "1m" }),
        queue.enqueue(note, "second", { id: "order-7" }),
        queue.enqueue(note, "third", { dedupe, delay: "1m" }),
        queue.enqueue(note, "fourth", { dedupe }),
      ]);
      expect([first.status, second.status, third.status, fourth.status]).toEqual([
        "enqueued",
        "duplicate",
        "enqueued",
        "duplicate",
      ]);
      expect(second).toMatchObject({ id: "order-7", runAt: first.runAt });
      expect(fourth).toMatchObject({ id: third.id, runAt: third.runAt });
      expect(await queue.getJob("order-7")).toMatchObject({ payload: "first" });
      expect(await queue.getJob(third.id)).toMatchObject({ payload: "third" });
    });

    test("with one id store the first call's job even if its piece is slower than the others", async () => {
      const { open, opened } = gate();
      const { clock, queue } = recordingQueue(kind, (request) => request === 1 && opened);
      const calls = numbers(3_001).map((n) => queue.enqueue(note, n, n % 2_000 === 0 ? { id: "order-7" } : {}));
      await calls[1_500];
      await clock.advance(0);
      open();
      const results = await Promise.all(calls);
      expect([0, 2_000].map((n) => results[n]?.status)).toEqual(["enqueued", "duplicate"]);
      expect(await queue.getJob("order-7")).toMatchObject({ payload: 0 });
    });

    test("leave out a recurring one, which is sent alone", async () => {
      const { queue, stored } = recordingQueue(kind);
      const [first, recurring, last] = await Promise.all([
        queue.enqueue(note, 1),
        queue.enqueue("note", 2, { cron: "0 13 * * *", id: "daily" }),
        queue.enqueue(note, 3),
      ]);
      expect([first.status, recurring.id, last.status]).toEqual(["enqueued", "daily", "enqueued"]);
      expect(stored).toEqual([[1, 3]]);
    });

    test("of two queues are stored by one request per queue", async () => {
      const { queue, store, clock, stored } = recordingQueue(kind);
      const other = new Queue({ name: "other", store, clock, jobs: [note] });
      const names = await Promise.all(
        [queue, other, queue, other].map(async (each) => {
          const { id } = await each.enqueue(note);
          return (await each.getJob(id))?.queue;
        }),
      );
      expect(names).toEqual(["default", "other", "default", "other"]);
      expect(stored).toHaveLength(1);
    });

    test("that follow the answers of others share a request too", async () => {
      const { queue, stored } = recordingQueue(kind);
      await Promise.all(
        numbers(5).map(async (n) => {
          const { id } = await queue.enqueue(note, n);
          return queue.enqueue(note, id);
        }),
      );
      expect(stored.map(({ length }) => length)).toEqual([5, 5]);
    });

    test("from handlers that run concurrently share a request", async () => {
      const { queue, store, clock, stored } = recordingQueue(kind);
      const parent = defineJob({ name: "parent", perform: (n: number) => queue.enqueue(note, n) });
      const working = new Queue({ store, clock, jobs: [parent] });
      await working.enqueueMany(numbers(5).map((payload) => ({ job: parent, payload })));
      expect(await working.drain({ concurrency: 5 })).toMatchObject({ completed: 5 });
      expect(stored).toEqual([numbers(5)]);
    });

    test("call onEnqueue once each, with their own answer", async () => {
      const events: unknown[] = [];
      const { queue } = openQueue(kind, {
        hooks: { onEnqueue: ({ name, id, status }) => void events.push({ name, id, status }) },
      });
      const results = await Promise.all([
        queue.enqueue(note, 1, { id: "a" }),
        queue.enqueue(dies),
        queue.enqueue(note, 3, { id: "a" }),
      ]);
      expect(events).toHaveLength(3);
      expect(new Set(events)).toEqual(
        new Set([
          { name: "note", id: "a", status: "enqueued" },
          { name: "dies", id: results[1].id, status: "enqueued" },
          { name: "note", id: "a", status: "duplicate" },
        ]),
      );
    });
  });

  describe("a store that fails", () => {
    const fault = (requests: readonly number[]) => (request: number) => {
      if (requests.includes(request)) throw Object.assign(new RangeError("store down"), { detail: { request } });
    };

    test("rejects every call of the piece, each with its own error, and no call of another piece", async () => {
      const { queue } = recordingQueue(kind, fault([2]));
      const results = await Promise.allSettled(numbers(2_500).map((n) => queue.enqueue(note, n)));
      const rejected = results.map(({ status }) => status === "rejected");
      expect(rejected).toEqual(numbers(2_500).map((n) => n >= 1_000 && n < 2_000));
      const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
      expect(new Set(errors).size).toBe(1_000);
      for (const error of [errors[0], errors[999]]) {
        expect(error).toBeInstanceOf(RangeError);
        expect(error).toMatchObject({ message: "store down", detail: { request: 2 } });
        expect(error.stack).toContain("store down");
      }
      expect(await queue.enqueue(note, 1)).toMatchObject({ status: "enqueued" });
    });

    test("rejects with errors that are recognized as Tidegate's", async () => {
      const { queue } = recordingQueue(kind, () => {
        throw new InvalidPayloadError("odd", [{ message: "odd", path: [] }]);
      });
      const calls = await Promise.allSettled([queue.enqueue(note), queue.enqueue(note)]);
      for (const call of calls) {
        const error: unknown = call.status === "rejected" ? call.reason : undefined;
        expect(isTidegateError(error)).toBe(true);
        expect(error).toBeInstanceOf(InvalidPayloadError);
        expect(error).toMatchObject({ code: "invalid_payload", issues: [{ path: [] }] });
      }
    });
  });

  describe("a call whose schema is asynchronous", () => {
    test("shares a request with the other asynchronous ones of its turn, in the order of the calls", async () => {
      const { clock, queue, stored, later } = recordingQueue(kind);
      const gates = numbers(6).map(gate);
      const jobs = gates.map(({ opened }, n) => later(`later-${n}`, () => opened));
      const results = Promise.all([
        ...jobs.slice(0, 3).map((job, n) => queue.enqueue(job, n)),
        queue.enqueue(note, "at once"),
        ...jobs.slice(3).map((job, n) => queue.enqueue(job, n + 3)),
      ]);
      for (const n of [4, 2, 5, 0, 1]) {
        await clock.advance(0);
        gates[n]?.open();
      }
      await clock.advance(0);
      expect(stored).toEqual([["at once"]]);
      gates[3]?.open();
      const ids = (await results).map(({ id }) => id);
      expect(stored).toEqual([["at once"], [0, 1, 2, 3, 4, 5]]);
      expect([...ids].sort()).toEqual(ids);
    });

    test("but takes only microtasks shares one request with all others like it", async () => {
      const { queue, stored, later } = recordingQueue(kind);
      const job = later("later", async () => {
        for (let i = 0; i < 50; i++) await undefined;
      });
      await Promise.all(numbers(100).map((n) => queue.enqueue(job, n)));
      expect(stored).toEqual([numbers(100)]);
    });

    test("is decided before a later call of the same id, which waits for it", async () => {
      const { clock, queue, stored, later } = recordingQueue(kind);
      const { open, opened } = gate();
      const slow = later("slow", () => opened);
      const calls = Promise.all([
        queue.enqueue(slow, "first", { id: "order-7" }),
        queue.enqueue(note, "second", { id: "order-7" }),
        queue.enqueue(note, "third"),
      ]);
      await clock.advance(0);
      expect(stored).toEqual([["third"]]);
      open();
      expect((await calls).map(({ status }) => status)).toEqual(["enqueued", "duplicate", "enqueued"]);
      expect(stored).toEqual([["third"], ["first", "second"]]);
      expect(await queue.getJob("order-7")).toMatchObject({ name: "slow" });
    });

    test("is decided before a later call of the same dedupe key, and after an earlier one", async () => {
      const { queue, later } = recordingQueue(kind);
      const { open, opened } = gate();
      const slow = later("slow", () => opened);
      const dedupe = (key: string) => ({ dedupe: { key, ttl: "10m" } }) as const;
      const calls = Promise.all([
        queue.enqueue(slow, 1, dedupe("a")),
        queue.enqueue(note, 2, dedupe("a")),
        queue.enqueue(note, 3, dedupe("b")),
        queue.enqueue(slow, 4, dedupe("b")),
      ]);
      open();
      expect((await calls).map(({ status }) => status)).toEqual(["enqueued", "duplicate", "enqueued", "duplicate"]);
    });

    test("is stored before a later call of the same ordered flow control key", async () => {
      const { clock, queue, store, later } = recordingQueue(kind);
      const { open, opened } = gate();
      const flowControl = { key: "line", ordered: true } as const;
      const calls = Promise.all([
        queue.enqueue(
          later("slow", () => opened),
          1,
          { flowControl },
        ),
        queue.enqueue(note, 2, { flowControl }),
      ]);
      await clock.advance(0);
      open();
      const [first, second] = await calls;
      const ran: string[] = [];
      const slow = defineJob({ name: "slow", perform: (_: unknown, job) => void ran.push(job.id) });
      const quick = defineJob({ name: "note", perform: (_: unknown, job) => void ran.push(job.id) });
      await new Queue({ store, clock, jobs: [slow, quick] }).drain();
      expect(ran).toEqual([first.id, second.id]);
    });

    test("and refuses fails alone, and holds up no other", async () => {
      const { queue, stored, later } = recordingQueue(kind);
      const rejects = later("rejects", () => Promise.reject(new TypeError("secret")));
      const calls = await Promise.allSettled([
        queue.enqueue(rejects, 1, { id: "order-7" }),
        queue.enqueue(note, 2, { id: "order-7" }),
        queue.enqueue(note, 3),
      ]);
      expect(calls).toMatchObject([
        { reason: { code: "invalid_payload", issues: [{ message: "the schema threw a TypeError" }] } },
        { value: { status: "enqueued" } },
        { value: { status: "enqueued" } },
      ]);
      expect(stored.flat().sort()).toEqual([2, 3]);
    });

    test("or never answers holds up no synchronous call, and the others for one second", async () => {
      const { queue, stored, later, clock } = recordingQueue(kind);
      const { open, opened } = gate();
      const never = later("never", () => new Promise(() => {}));
      const slow = later("slow", () => opened);
      void queue.enqueue(never, "never", { id: "order-7" });
      const behind = queue.enqueue(note, "behind", { id: "order-7" });
      const slowly = queue.enqueue(slow, "slow");
      expect(await queue.enqueue(note, "at once")).toMatchObject({ status: "enqueued" });
      open();
      await clock.advance(0);
      await clock.advance(999);
      await clock.advance(0);
      expect(stored).toEqual([["at once"]]);
      await clock.advance(1);
      expect([await behind, await slowly]).toMatchObject([{ status: "enqueued" }, { status: "enqueued" }]);
      expect(new Set(stored.flat())).toEqual(new Set(["at once", "behind", "slow"]));
    });

    test("is stored alone if it takes longer than the second that the others wait", async () => {
      const { queue, stored, later, clock } = recordingQueue(kind);
      const { open, opened } = gate();
      const calls = ["a", "b"].map((name) =>
        queue.enqueue(
          later(name, () => opened),
          name,
        ),
      );
      const quick = queue.enqueue(
        later("quick", () => {}),
        "quick",
      );
      await clock.advance(0);
      await clock.advance("1s");
      await quick;
      open();
      await Promise.all(calls);
      expect(stored).toEqual([["quick"], ["a"], ["b"]]);
    });

    test("holds up no call of a later turn", async () => {
      const { clock, queue, later } = recordingQueue(kind);
      const never = later("never", () => new Promise(() => {}));
      void queue.enqueue(never, 1, { id: "order-7" });
      await clock.advance(0);
      expect(await queue.enqueue(note, 2, { id: "order-7" })).toMatchObject({ status: "enqueued" });
    });
  });

  test("a call of enqueue waits for no request of another turn", async () => {
    const { store, clock } = openQueue(kind);
    const { open, opened } = gate();
    let requests = 0;
    const slow = aroundStore(clock.watch(store), async ({ method }, run) => {
      if (method === "enqueue" && requests++ === 0) await opened;
      return run();
    });
    const queue = new Queue({ store: slow, clock, jobs: [note] });
    const first = queue.enqueue(note, 1);
    await clock.advance(0);
    expect(await queue.enqueue(note, 2)).toMatchObject({ status: "enqueued" });
    open();
    expect(await first).toMatchObject({ status: "enqueued" });
  });

  test("a lone call of enqueue reaches the store before any timer", async () => {
    const { queue, stored } = recordingQueue(kind);
    const call = queue.enqueue(note, 1);
    // Meanwhile no timer fires, and no reply arrives.
    for (let turn = 0; turn < 100; turn++) await undefined;
    expect(stored).toHaveLength(1);
    await call;
  });
});
