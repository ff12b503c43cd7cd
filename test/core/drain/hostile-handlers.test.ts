import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SharedSlots } from "../../../src/core/drain/slots.ts";
import { encode } from "../../../src/core/job/codec.ts";
import { internalsOf } from "../../../src/core/queue/internals.ts";
import { CLAIM_CYCLE } from "../../../src/core/store/store.ts";
import { defineJob, type JobContext, memoryStore, PermanentError, Queue, RetryAfterError } from "../../../src/index.ts";
import { testClock } from "../../../src/testing/index.ts";
import { start } from "../../support/clock.ts";

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeEach(() => void process.on("unhandledRejection", note));
afterEach(async () => {
  // Node reports a rejection once the microtasks are done.
  await new Promise(setImmediate);
  process.off("unhandledRejection", note);
  expect(unhandled.splice(0)).toEqual([]);
});

const boom = () => {
  throw new Error("boom");
};

/** This many nested arrays: deeper than `JSON.stringify` can follow. */
function nested(levels: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

function withJob(perform: (job: JobContext) => unknown) {
  const clock = testClock(start);
  const job = defineJob({ name: "job", timeout: "2s", perform: (_: undefined, context) => perform(context) });
  return { clock, job, queue: new Queue({ store: memoryStore(), jobs: [job], clock }) };
}

describe("progress", () => {
  const endings = { fails: boom, snoozes: (job: JobContext) => job.snooze("1h"), returns: () => 1 };
  const spoilt = { "a BigInt": 10n, "a toJSON that throws": { toJSON: boom } };

  test.each(
    Object.entries(endings).flatMap(([ending, end]) =>
      Object.entries(spoilt).map(([what, value]) => [ending, what, end, value] as const),
    ),
  )("is kept as it was reported if the job %s after %s is put into the object", async (ending, _, end, value) => {
    const { queue, job } = withJob(async (context) => {
      const state: Record<string, unknown> = { done: 1 };
      await context.progress(state);
      state["done"] = value;
      return end(context);
    });
    const { id } = await queue.enqueue(job);
    expect(await queue.drain()).toMatchObject({ claimed: 1 });
    expect((await queue.getJob(id))?.progress).toEqual(ending === "returns" ? undefined : { done: 1 });
  });

  test.each([
    ["a BigInt", 10n],
    ["a value that is nested too deeply", nested(100_000)],
  ])("with %s in it throws in the handler, and earlier progress stays", async (_, value) => {
    const refused: unknown[] = [];
    const { queue, job } = withJob(async (context) => {
      await context.progress(1);
      await context.progress(value).catch((error: unknown) => refused.push(error));
      boom();
    });
    const { id } = await queue.enqueue(job);
    await queue.drain();
    expect(refused).toMatchObject([
      { code: "invalid_request", message: expect.stringContaining("The progress cannot") },
    ]);
    expect(await queue.getJob(id)).toMatchObject({ state: "scheduled", progress: 1 });
  });

  test("that is refused and not awaited does not crash the process", async () => {
    const { queue, job } = withJob((context) => void context.progress(10n));
    await queue.enqueue(job);
    expect(await queue.drain()).toMatchObject({ completed: 1 });
  });
});

describe("a payload that this process cannot serialize again", () => {
  /** A queue with one such job, which is due. */
  async function withDeepPayload(perform: (job: JobContext) => unknown, fields: object = {}) {
    const clock = testClock(start);
    const store = memoryStore();
    const job = defineJob({ name: "job", perform: (_: unknown, context) => perform(context) });
    const shallow = encode({ name: "job", enqueuedAt: start, ...fields });
    const record = `${shallow.slice(0, -1)},"payload":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    await store.open("default").enqueue([{ id: "deep", isFreshId: false, runAt: start, record }], start);
    return { clock, queue: new Queue({ store, jobs: [job], clock }) };
  }

  test("dead-letters the job at its first failure, with the reason and the failure", async () => {
    const { queue } = await withDeepPayload(boom);
    expect(await queue.drain()).toMatchObject({ deadLettered: 1, stoppedBy: "empty" });
    const { error } = (await queue.getJob("deep")) ?? {};
    expect(error?.message).toMatch(/nested too deeply to be stored again\. It failed with Error: boom/);
  });

  test("lets the job complete, or snooze with no attempt used", async () => {
    const attempts: number[] = [];
    const { queue, clock } = await withDeepPayload((job) => {
      attempts.push(job.attempt);
      return attempts.length === 1 ? job.snooze("1m") : "done";
    });
    expect(await queue.drain()).toMatchObject({ snoozed: 1 });
    await clock.advance("1m");
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect(attempts).toEqual([1, 1]);
    expect(await queue.getJob("deep")).toMatchObject({ state: "completed", result: "done" });
  });

  test("dead-letters the job if its invocations died each time", async () => {
    const { queue } = await withDeepPayload(boom, { maxRetries: 0, returned: CLAIM_CYCLE - 1 });
    expect(await queue.drain()).toMatchObject({ deadLettered: 1 });
    expect(await queue.getJob("deep")).toMatchObject({ error: { name: "LeaseExpired" } });
  });
});

describe("a drain rejects or ends", () => {
  test("with the error if the clock fails while a job runs", async () => {
    let isBroken = false;
    const job = defineJob({
      name: "job",
      async perform() {
        await new Promise(setImmediate);
        isBroken = true;
      },
    });
    const clock = () => {
      if (isBroken) throw new RangeError("the clock is broken");
      return start;
    };
    const queue = new Queue({ store: memoryStore(), jobs: [job], clock });
    await queue.enqueue(job);
    const slots = new SharedSlots(2);
    await expect(internalsOf(queue).drain({ slots: slots.for(0) })).rejects.toThrow("the clock is broken");
    // The drains of other queues go on.
    expect(slots.freeFor(1)).toBe(2);
  });

  test("with the error if the clock fails when a job times out", async () => {
    let isBroken = false;
    const clock = () => {
      if (isBroken) throw new RangeError("the clock is broken");
      return start;
    };
    const job = defineJob({
      name: "job",
      timeout: "20ms",
      async perform() {
        await new Promise(setImmediate);
        isBroken = true;
        return new Promise(() => {});
      },
    });
    const queue = new Queue({ store: memoryStore(), jobs: [job], clock });
    await queue.enqueue(job);
    await expect(queue.drain()).rejects.toThrow("the clock is broken");
  });

  test("on time if the clock's sleep rejects on abort, as timers with a signal do", async () => {
    const job = defineJob({
      name: "job",
      timeout: "20ms",
      perform: (isQuick: boolean) => isQuick || new Promise(() => {}),
    });
    const clock = Object.assign(() => Date.now(), {
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          const timer = setTimeout(resolve, ms);
          signal?.addEventListener("abort", () => {
            clearTimeout(timer);
            reject(signal.reason);
          });
        }),
    });
    const queue = new Queue({ store: memoryStore(), jobs: [job], clock });
    await queue.enqueueMany([true, false].map((payload) => ({ job, payload })));
    expect(await queue.drain()).toMatchObject({ completed: 1, retried: 1 });
  });
});

/** An object with a `then` of this kind. */
function thenable(descriptor: PropertyDescriptor): object {
  const then = "then";
  return Object.defineProperty({}, then, descriptor);
}

const hostile: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  undefined: () => undefined,
  NaN: () => Number.NaN,
  bigint: () => 10n,
  symbol: () => Symbol("s"),
  function: () => boom,
  cycle: () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    return cycle;
  },
  deep: () => nested(100_000),
  hugeText: () => "x".repeat(6_000_000),
  map: () => new Map([["a", 1]]),
  noDate: () => new Date("none"),
  throwingGetter: () => Object.defineProperty({}, "a", { enumerable: true, get: boom }),
  throwingToJson: () => ({ toJSON: boom }),
  throwingProxy: () => new Proxy({}, { get: boom, has: boom, ownKeys: boom, getPrototypeOf: boom }),
  revokedProxy: () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  endlessThenable: () => thenable({ value() {} }),
  throwingThenable: () => thenable({ value: boom }),
  unreadableThenable: () => thenable({ get: boom }),
  unreadableMessage: () => Object.defineProperty(new Error(), "message", { get: boom }),
  unreadableName: () => Object.defineProperty(new Error(), "name", { get: boom }),
  unreadableStack: () => Object.defineProperty(new Error(), "stack", { get: boom }),
  oddFields: () => Object.assign(new Error(), { name: Symbol("n"), message: Object.create(null), stack: 7 }),
  ownCause: () => {
    const error = new Error("own cause");
    error.cause = error;
    return error;
  },
  frozenError: () => Object.freeze(new Error("frozen")),
  proxiedError: () => new Proxy(new Error("proxied"), { get: boom }),
  permanent: () => new PermanentError("no use"),
  retryNonsense: () => new RetryAfterError("wait", "soon" as never),
  retryUnreadable: () => Object.defineProperty(new RetryAfterError("wait", 1), "when", { get: boom }),
};

test("a drain ends with a report, and each job in a valid state, whatever handlers return, throw and report as progress", async () => {
  const value = fc.constantFrom(...Object.keys(hostile));
  const behaviour = fc.record({
    progress: fc.option(value),
    isAwaited: fc.boolean(),
    ending: fc.constantFrom("returns", "throws", "rejects", "snoozes", "resolves"),
    value,
    maxRetries: fc.constantFrom(0, 3),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(behaviour, { minLength: 1, maxLength: 12 }), async (behaviours) => {
      const clock = testClock(start);
      const job = defineJob({
        name: "job",
        timeout: "2s",
        async perform(index: number, context) {
          const { progress, isAwaited, ending, value } = behaviours[index] as (typeof behaviours)[number];
          const given = hostile[value]?.();
          if (progress) {
            const reported = context.progress(hostile[progress]?.());
            if (isAwaited) await reported;
          }
          if (ending === "throws") throw given;
          if (ending === "rejects") return Promise.reject(given);
          if (ending === "snoozes") return context.snooze(given as never);
          if (ending === "resolves") return thenable({ value: (resolve: (value: unknown) => void) => resolve(given) });
          return given;
        },
      });
      const queue = new Queue({ store: memoryStore(), jobs: [job], clock });
      const bulk = behaviours.map(({ maxRetries }, payload) => ({ job, payload, maxRetries }));
      const enqueued = await queue.enqueueMany(bulk);
      const drained = queue.drain({ concurrency: 20 });
      await clock.advance("3s");
      const { claimed, completed, retried, deadLettered, snoozed } = await drained;
      expect(claimed).toBe(behaviours.length);
      expect(completed + retried + deadLettered + snoozed).toBe(behaviours.length);
      for (const { id } of enqueued) {
        expect((await queue.getJob(id))?.state).toMatch(/completed|dead|scheduled|ready/);
      }
      expect(await queue.getStats()).toMatchObject({ runningCount: 0, completedCount: completed });
    }),
    { numRuns: 60 },
  );
});
