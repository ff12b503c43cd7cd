import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { defineJob, memoryStore, Queue, type QueueOptions } from "../../src/index.ts";
import { type CloudflareOptions, createWakeObject, durableObjectWake } from "../../src/platforms/cloudflare.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { objectStorage } from "../support/wake-object.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ran: string[] = [];
const note = defineJob({ name: "note", perform: (id: string) => void ran.push(id) });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: start });
  ran.splice(0);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A wake object, and what its alarm does. Times are ms since the start. */
function setUp(options: Partial<QueueOptions> = {}, worker: Partial<CloudflareOptions> = {}) {
  const storage = objectStorage();
  const store = memoryStore();
  const queue = new Queue({ store, jobs: [note], logger: null, ...options });
  const Wake = createWakeObject(() => ({ queue, auth: "none", ...worker }) as CloudflareOptions);
  let object = new Wake({ storage }, {});
  const wake = durableObjectWake({
    idFromName: (name) => name,
    get: () => ({ fetch: (url) => object.fetch(new Request(url)) }),
  });
  return {
    queue,
    store,
    wake: (ms: number) => wake(start + ms),
    /** The time of the alarm. */
    alarm: () => storage.alarm && storage.alarm - start,
    /** Lets the alarm ring, at its time. */
    async ring() {
      vi.setSystemTime(Math.max(Date.now(), storage.alarm ?? Date.now()));
      storage.alarm = null;
      await object.alarm();
    },
    evict() {
      object = new Wake({ storage }, {});
    },
  };
}

describe("the alarm of a wake object", () => {
  test("is set for the earliest of the times that were asked for, and then for the next ones", async () => {
    const { wake, alarm, ring } = setUp();
    for (const ms of [HOUR, MINUTE, 2 * HOUR]) await wake(ms);
    const times: (number | null)[] = [];
    for (; alarm() !== null; await ring()) times.push(alarm());
    expect(times).toEqual([MINUTE, HOUR, 2 * HOUR]);
  });

  test("drains, without lingering, and is set for what is due next", async () => {
    const { queue, wake, alarm, ring } = setUp({}, { scheduled: { linger: "10m" } });
    await queue.enqueue(note, "now");
    await queue.enqueue(note, "soon", { delay: "5m" });
    await wake(0);
    await ring();
    expect(ran).toEqual(["now"]);
    expect(alarm()).toBe(5 * MINUTE);
    await ring();
    expect(ran).toEqual(["now", "soon"]);
    expect(alarm()).toBeNull();
  });

  test("is set at once while a backlog moves", async () => {
    const { queue, wake, alarm, ring } = setUp({}, { scheduled: { maxJobs: 1 } });
    await queue.enqueueMany(["a", "b"].map((payload) => ({ job: note, payload })));
    await wake(0);
    await ring();
    expect(alarm()).toBe(0);
    await ring();
    expect(ran).toEqual(["a", "b"]);
    expect(alarm()).toBeNull();
  });

  test("is not set for a paused queue, but for the others", async () => {
    const store = memoryStore();
    const queues = ["a", "b"].map((name) => new Queue({ store, name, jobs: [note], logger: null }));
    const { wake, alarm, ring } = setUp({}, { queue: undefined, queues });
    await queues[0]?.enqueue(note, "a");
    await queues[0]?.pause();
    await queues[1]?.enqueue(note, "b", { delay: "1h" });
    await wake(0);
    await ring();
    expect(alarm()).toBe(HOUR);
  });

  test("does not fail with the store: it is set for a minute later, then for twice as long, also after an eviction", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const store = faultyStore(memoryStore(), "before");
    const { wake, alarm, ring, evict } = setUp({ store });
    await wake(0);
    const waits: number[] = [];
    for (let failures = 1; failures <= 8; failures++) {
      await ring();
      waits.push((alarm() ?? 0) - (Date.now() - start));
      evict();
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((minutes) => minutes * MINUTE));
    expect(log).toHaveBeenCalledTimes(8);
    store.plan(undefined);
    await ring();
    expect(alarm()).toBeNull();
    store.plan("before");
    await wake(Date.now() - start);
    await ring();
    expect((alarm() ?? 0) - (Date.now() - start)).toBe(MINUTE);
  });

  test("does not fail with its configuration, and logs why", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { wake, alarm, ring } = setUp({}, { auth: {} });
    await wake(0);
    await ring();
    expect(alarm()).toBe(MINUTE);
    expect(log).toHaveBeenCalledWith(expect.stringMatching(/^tidegate: a wake-up has failed\. .*token/));
  });
});

describe("durableObjectWake", () => {
  test("asks again once, because a deployment resets the object", async () => {
    let calls = 0;
    const fails = (times: number) =>
      durableObjectWake({
        idFromName: (name) => name,
        get: () => ({
          async fetch() {
            if (++calls <= times) throw new Error("The object was reset.");
            return new Response(null);
          },
        }),
      });
    await fails(1)(start);
    expect(calls).toBe(2);
    calls = 0;
    await expect(fails(2)(start)).rejects.toThrow("The object was reset.");
    expect(calls).toBe(2);
  });

  test("refuses a time that is none", async () => {
    const storage = objectStorage();
    const object = new (createWakeObject(() => ({ auth: "none" })))({ storage }, {});
    for (const query of ["", "?at=", "?at=soon", "?at=-1"])
      expect((await object.fetch(new Request(`https://wake/${query}`))).status).toBe(400);
    expect(storage.alarm).toBeNull();
  });

  test("says what is missing without a binding", () => {
    expect(() => durableObjectWake(undefined as never)).toThrow(/durable_objects\.bindings in wrangler\.toml/);
  });
});
