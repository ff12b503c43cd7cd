import { afterEach, describe, expect, test, vi } from "vitest";
import { defineJob, memoryStore, Queue, type Store, TidegateError } from "../../src/index.ts";
import {
  type CloudflareOptions,
  cloudflareFree,
  cloudflarePaid,
  createWorker,
  type ExecutionContext,
} from "../../src/platforms/cloudflare.ts";
import { testClock } from "../../src/testing/index.ts";
import { aroundStore } from "../support/around-calls.ts";

const noop = defineJob({ name: "noop", perform() {} });

function contextWith(promises: Promise<unknown>[] = []): ExecutionContext {
  return { waitUntil: (promise) => void promises.push(promise), passThroughOnException() {}, props: {} };
}

function queueNamed(name: string, store: Store = memoryStore()): Queue {
  return new Queue({ name, store, jobs: [noop] });
}

function workerWith(options: Partial<CloudflareOptions>) {
  const worker = createWorker(() => ({ auth: "none", ...options }));
  const env = {};
  return {
    get: (path: string) => worker.fetch(new Request(`http://worker.test${path}`), env, contextWith()),
    tick: () => worker.scheduled({}, env, contextWith()),
  };
}

const away = aroundStore(memoryStore(), () =>
  Promise.reject(new TidegateError("store_unavailable", "The store is away.")),
);

afterEach(() => {
  vi.restoreAllMocks();
});

function catchLog() {
  return vi.spyOn(console, "error").mockImplementation(() => {});
}

describe("createWorker", () => {
  test("logs that a cron trigger has lost the lease of a job", async () => {
    const store = memoryStore();
    const loses = defineJob({
      name: "loses",
      async perform(_: undefined, { id }) {
        const opened = store.open("default");
        const endsAt = (await opened.find(id, Date.now()))?.at ?? 0;
        await opened.extend([{ lease: { id, claims: 1, endsAt }, endsAt: endsAt + 1_000 }]);
      },
    });
    const queue = new Queue({ store, jobs: [loses] });
    await queue.enqueue(loses);
    const log = catchLog();
    await workerWith({ queue }).tick();
    expect(log.mock.calls).toEqual([[expect.stringContaining('"lost":1')]]);
  });

  test("calls the options function once per environment", async () => {
    const seen: string[] = [];
    const worker = createWorker((env: { readonly name: string }) => {
      seen.push(env.name);
      return { queue: queueNamed(env.name), auth: "none" };
    });
    const [first, second] = [{ name: "first" }, { name: "second" }];
    for (const env of [first, second, first]) {
      await worker.fetch(new Request("http://worker.test/health"), env, contextWith());
      await worker.scheduled({}, env, contextWith());
    }
    expect(seen).toEqual(["first", "second"]);
  });

  test("runs a due job in the background of the request that enqueued it", async () => {
    const queue = queueNamed("default");
    const promises: Promise<unknown>[] = [];
    const worker = createWorker(() => ({ queue, auth: "none" }));
    const headers = { "Content-Type": "application/json" };
    const request = new Request("http://worker.test/jobs", { method: "POST", headers, body: '{"name":"noop"}' });
    expect((await worker.fetch(request, {}, contextWith(promises))).status).toBe(201);
    await Promise.all(promises);
    expect((await queue.getStats()).completedCount).toBe(1);
  });

  test("drains every queue on its cron trigger", async () => {
    const queues = [queueNamed("urgent"), queueNamed("bulk")];
    for (const queue of queues) await queue.enqueue(noop);
    await workerWith({ queues }).tick();
    const stats = await Promise.all(queues.map((queue) => queue.getStats()));
    expect(stats.map(({ completedCount }) => completedCount)).toEqual([1, 1]);
  });

  test("takes from `drain` the part of a budget that `scheduled` leaves out", async () => {
    let requests = 0;
    const store = aroundStore(memoryStore(), (_, run) => {
      requests++;
      return run();
    });
    const queue = queueNamed("default", store);
    await queue.enqueueMany(Array.from({ length: 50 }, () => ({ job: noop })));
    const drain = { batchSize: 5, budget: { roundTrips: 4 } };
    await workerWith({ queue, drain, scheduled: { budget: { commands: 900 } } }).tick();
    expect(requests - 1).toBeLessThanOrEqual(4);
  });

  test("limits the drain of its cron trigger by `scheduled`, and otherwise by `drain`", async () => {
    const queue = queueNamed("default");
    await queue.enqueueMany(Array.from({ length: 9 }, () => ({ job: noop })));
    await workerWith({ queue, drain: { maxJobs: 2 } }).tick();
    expect((await queue.getStats()).completedCount).toBe(2);
    await workerWith({ queue, drain: { maxJobs: 2 }, scheduled: { maxJobs: 4 } }).tick();
    expect((await queue.getStats()).completedCount).toBe(6);
  });

  test("logs nothing if all is well", async () => {
    const log = catchLog();
    await workerWith({ queue: queueNamed("default") }).tick();
    expect(log).not.toHaveBeenCalled();
  });

  test("rejects and logs one line if its cron trigger cannot reach the store", async () => {
    const log = catchLog();
    const { tick } = workerWith({ queue: queueNamed("default", away) });
    await expect(tick()).rejects.toMatchObject({ code: "store_unavailable" });
    expect(log.mock.calls).toEqual([["tidegate: a cron trigger failed. The store is away."]]);
  });
});

describe("a Worker that cannot be set up", () => {
  test.for([
    ["a token is missing", {}],
    ["a bound of its cron trigger makes no sense", { auth: "none", scheduled: { maxJobs: 0 } }],
  ] as const)("answers every request with 503 if %s", async ([, options]) => {
    catchLog();
    const worker = createWorker(() => ({ queue: queueNamed("default"), auth: {}, ...options }));
    for (const path of ["/", "/health", "/jobs"]) {
      const response = await worker.fetch(new Request(`http://worker.test${path}`), {}, contextWith());
      expect(response.status).toBe(503);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(await response.json()).toMatchObject({ status: 503, title: "The Worker is misconfigured" });
    }
  });

  test("shows the message of a TidegateError", async () => {
    catchLog();
    const worker = createWorker(() => {
      throw new TidegateError("invalid_request", "Set REDIS_URL.");
    });
    const response = await worker.fetch(new Request("http://worker.test/"), {}, contextWith());
    expect(await response.json()).toMatchObject({ detail: "Set REDIS_URL." });
  });

  test("does not show the message of any other error, not even in the log", async () => {
    const log = catchLog();
    const worker = createWorker(() => {
      throw new RangeError("token abc is too short");
    });
    const response = await worker.fetch(new Request("http://worker.test/"), {}, contextWith());
    const { detail } = (await response.json()) as { detail: string };
    expect(detail).toContain("RangeError");
    expect(detail + JSON.stringify(log.mock.calls)).not.toContain("abc");
  });

  test("fails its cron trigger", async () => {
    catchLog();
    await expect(workerWith({}).tick()).rejects.toThrow("queue");
  });

  test("recovers once it can be set up", async () => {
    catchLog();
    const env: { token?: string } = {};
    const worker = createWorker(({ token }: { token?: string }) => ({
      queue: queueNamed("default"),
      auth: { admin: token ? [token] : [] },
    }));
    const get = () => worker.fetch(new Request("http://worker.test/health"), env, contextWith());
    expect((await get()).status).toBe(503);
    env.token = "a-long-secret";
    expect((await get()).status).toBe(200);
  });
});

test.each([cloudflareFree, cloudflarePaid])(
  "a preset leaves connections to the queue: six may be open at once",
  async (preset) => {
    const clock = testClock();
    let open = 0;
    let most = 0;
    const connected = async (ms: number) => {
      most = Math.max(most, ++open);
      await clock.sleep(ms);
      open--;
    };
    const fetches = defineJob({ name: "fetches", perform: () => connected(70) });
    const store = aroundStore(memoryStore(), async (_, run) => {
      await connected(40);
      return run();
    });
    const queue = new Queue({ store, clock, jobs: [fetches] });
    const enqueued = queue.enqueueMany(Array(300).fill({ job: fetches }));
    await clock.advance(40);
    await enqueued;
    const drained = queue.drain(preset);
    await clock.advance("1m");
    expect(await drained).toMatchObject({ retried: 0 });
    expect(most).toBeLessThanOrEqual(6);
  },
);

test("a function of createWorker that returns a promise is refused, and the answer says why", async () => {
  const log = vi.spyOn(console, "error").mockReturnValue();
  const queue = new Queue({ store: memoryStore() });
  const worker = createWorker((async () => ({ queue, auth: "none" })) as never);
  const context = { waitUntil() {}, passThroughOnException() {}, props: {} };
  const response = await worker.fetch(new Request("https://queue.test/health"), {}, context);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ detail: expect.stringMatching(/returned a promise.*without async/) });
  log.mockRestore();
});

test("fetch with only a request works if the options function needs no environment", async () => {
  const queue = new Queue({ store: memoryStore() });
  const { fetch } = createWorker(() => ({ queue, auth: "none" }));
  const alone = fetch as unknown as (request: Request) => Promise<Response>;
  expect((await alone(new Request("https://queue.test/health"))).status).toBe(200);
});
