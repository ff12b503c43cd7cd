import { describe, expect, test } from "vitest";
import type { HandlerOptions } from "../../src/http/handler.ts";
import { defineJob, memoryStore } from "../../src/index.ts";
import { faultyStore, testClock } from "../../src/testing/index.ts";
import { aroundStore } from "../support/around-calls.ts";
import { fails, type SetUp, setUp, withBackground } from "./memory-handler.ts";

const email = { name: "send_email", payload: { to: "ada" } };

describe("after POST /jobs", () => {
  test("a due job runs in the background", async () => {
    const { call, queue, settled, promises } = withBackground();
    const { status, body } = await call("POST", "/jobs", email);
    expect(status).toBe(201);
    expect(promises).toHaveLength(1);
    await settled();
    expect(await queue.getJob(String(body["id"]))).toMatchObject({ state: "completed", attempts: 1 });
  });

  test("a job runs with the platform's own waitUntil if none is given", async () => {
    const { app, queue } = setUp();
    const promises: Promise<unknown>[] = [];
    const context = {
      waitUntil: (promise: Promise<unknown>) => void promises.push(promise),
      passThroughOnException() {},
      props: {},
    };
    const init = { method: "POST", body: JSON.stringify(email), headers: { "Content-Type": "application/json" } };
    await app.fetch(new Request("http://queue.test/jobs", init), {}, context);
    await Promise.all(promises);
    expect((await queue.getStats()).completedCount).toBe(1);
  });

  test("what its handler enqueues, and is due, runs in the same invocation, and so does what that enqueues", async () => {
    const steps: number[] = [];
    const step = defineJob({
      name: "step",
      async perform(number: number): Promise<void> {
        steps.push(number);
        if (number < 3) await queue.enqueue("step", number + 1);
        else await queue.enqueue("step", 4, { delay: "1m" });
      },
    });
    const { call, queue, settled, promises } = withBackground({ queue: { jobs: [step] } });
    await call("POST", "/jobs", { name: "step", payload: 1 });
    await settled();
    expect(promises).toHaveLength(1);
    expect(steps).toEqual([1, 2, 3]);
    expect(await queue.getStats()).toMatchObject({ completedCount: 3, scheduledCount: 1 });
  });

  test.each([{ concurrency: 1 }, { ordered: true }])(
    "jobs that wait for a place of their key run in the same invocations: %o",
    async (limits) => {
      const ran: number[] = [];
      let open = () => {};
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      const keyed = defineJob({
        name: "keyed",
        flowControl: { key: "k", ...limits },
        async perform(number: number) {
          ran.push(number);
          await opened;
        },
      });
      const { call, queue, settled } = withBackground({ queue: { jobs: [keyed] } });
      await Promise.all([1, 2, 3].map((payload) => call("POST", "/jobs", { name: "keyed", payload })));
      open();
      await settled();
      expect(ran.sort()).toEqual([1, 2, 3]);
      expect(await queue.getStats()).toMatchObject({ completedCount: 3, readyCount: 0 });
    },
  );

  test("a job that is due later is left alone", async () => {
    const { call, queue, promises } = withBackground();
    await call("POST", "/jobs", { ...email, delay: "1m" });
    expect(promises).toEqual([]);
    expect((await queue.getStats()).scheduledCount).toBe(1);
  });

  test("a short delay and a short backoff are on time", async () => {
    const clock = testClock();
    const begin = clock.now;
    const ran: string[] = [];
    const note = defineJob({ name: "note", perform: (text: string) => void ran.push(`${text} ${clock.now - begin}`) });
    const flaky = defineJob({
      name: "flaky",
      backoff: { base: "1s" },
      perform: (_: unknown, { attempt }) => {
        ran.push(`attempt ${attempt} ${clock.now - begin}`);
        if (attempt < 3) throw new Error("no luck");
      },
    });
    const { call, settled, promises } = withBackground({ queue: { jobs: [note, flaky], clock } });
    await call("POST", "/jobs", [
      { name: "note", payload: "five", delay: "5s" },
      { name: "note", payload: "ten", delay: "10s" },
      { name: "note", payload: "late", delay: "11s" },
    ]);
    await call("POST", "/jobs", { name: "flaky" });
    expect(promises).toHaveLength(2);
    await clock.advance("20s");
    await settled();
    expect(ran).toEqual(["attempt 1 0", "attempt 2 1000", "attempt 3 3000", "five 5000", "ten 10000"]);
  });

  test("jobs that are retried at the same time are on time, whichever is due first", async () => {
    const clock = testClock();
    const begin = clock.now;
    const ran: string[] = [];
    const flaky = defineJob({
      name: "flaky",
      maxRetries: 2,
      backoff: { type: "fixed", base: "1s" },
      perform: (name: string, { attempt }) => {
        ran.push(`${name} ${attempt} at ${clock.now - begin}`);
        throw new Error("no luck");
      },
    });
    const { call, settled, queue } = withBackground({ queue: { jobs: [flaky], clock } });
    await call("POST", "/jobs", { name: "flaky", payload: "a" });
    await clock.advance(20);
    await call("POST", "/jobs", { name: "flaky", payload: "b" });
    await clock.advance("20s");
    await settled();
    expect(ran).toEqual(["a 1 at 0", "b 1 at 20", "a 2 at 1000", "b 2 at 1020", "a 3 at 2000", "b 3 at 2020"]);
    expect(await queue.getStats()).toMatchObject({ deadLetterCount: 2, readyCount: 0 });
  });

  test("a job retried from the dead letter runs in the background, and the answer shows it before the run", async () => {
    let works = false;
    const dies = defineJob({
      name: "dies",
      maxRetries: 0,
      perform: () => {
        if (!works) throw new Error("no luck");
      },
    });
    const { call, settled, queue } = withBackground({ queue: { jobs: [dies] } });
    const ids = [];
    for (let i = 0; i < 2; i++) ids.push(String((await call("POST", "/jobs", { name: "dies" })).body["id"]));
    await settled();
    works = true;
    expect((await call("POST", `/dead-letter/${ids[0]}/retry`, {})).body).toMatchObject({ state: "ready" });
    await call("POST", "/dead-letter/retry", { all: true });
    await settled();
    expect(await queue.getStats()).toMatchObject({ completedCount: 2, deadLetterCount: 0 });
  });

  test("a short backoff is on time after a retry from the dead letter", async () => {
    const clock = testClock();
    let attempts = 0;
    const dies = defineJob({
      name: "dies",
      maxRetries: 1,
      backoff: { base: "1s" },
      perform() {
        attempts++;
        throw new Error("no luck");
      },
    });
    const { call, settled, queue } = withBackground({ queue: { jobs: [dies], clock } });
    const { body } = await call("POST", "/jobs", { name: "dies" });
    await clock.advance("2s");
    await call("POST", `/dead-letter/${body["id"]}/retry`, {});
    await clock.advance("2s");
    await settled();
    expect(attempts).toBe(4);
    expect(await queue.getStats()).toMatchObject({ deadLetterCount: 1 });
  });

  test("a job that was replaced runs once, with what the newer request says, when that one is due", async () => {
    const clock = testClock();
    const { call, queue, settled } = withBackground({ queue: { clock } });
    const dedupe = { key: "ada", ttl: "10m", replace: true };
    const { body } = await call("POST", "/jobs", { ...email, delay: "1h", dedupe });
    expect(await call("POST", "/jobs", { ...email, delay: "3s", dedupe })).toMatchObject({
      body: { status: "replaced" },
    });
    await clock.advance("3s");
    await settled();
    expect(await queue.getJob(String(body["id"]))).toMatchObject({ state: "completed" });
  });

  test("a duplicate does not run again", async () => {
    const { call, promises, settled } = withBackground();
    await call("POST", "/jobs", { ...email, id: "a" });
    await settled();
    expect(await call("POST", "/jobs", { ...email, id: "a" })).toMatchObject({ status: 200 });
    expect(promises).toHaveLength(1);
  });

  test("as many jobs of an array run as concurrency allows, and the others wait", async () => {
    const { call, queue, settled } = withBackground({ handler: { drain: { concurrency: 3 } } });
    await call("POST", "/jobs", Array(5).fill(email));
    await settled();
    expect(await queue.getStats()).toMatchObject({ completedCount: 3, readyCount: 2, runningCount: 0 });
  });

  test("a failed attempt is retried as always", async () => {
    const { call, queue, settled } = withBackground();
    const { body } = await call("POST", "/jobs", { name: "fails", maxRetries: 1 });
    await settled();
    expect(await queue.getJob(String(body["id"]))).toMatchObject({ state: "scheduled", attempts: 1 });
  });

  test("nothing starts while the queue is paused", async () => {
    const { call, queue, promises } = withBackground();
    await queue.pause();
    await call("POST", "/jobs", email);
    expect(promises).toEqual([]);
    expect((await queue.getStats()).readyCount).toBe(1);
  });

  test.each<[string, SetUp]>([
    ["with eager: false", { handler: { eager: false } }],
    ["by a handler whose queue performs no jobs", { queue: { jobs: [] } }],
  ])("nothing starts %s", async (_, parts) => {
    const { call, queue, promises } = withBackground(parts);
    expect((await call("POST", "/jobs", email)).status).toBe(201);
    expect(promises).toEqual([]);
    expect((await queue.getStats()).readyCount).toBe(1);
  });

  test("nothing starts if the platform cannot wait", async () => {
    const { call, queue } = setUp();
    expect((await call("POST", "/jobs", email)).status).toBe(201);
    expect((await queue.getStats()).readyCount).toBe(1);
  });

  test("a store that fails in the background is reported, and the jobs are due again", async () => {
    const store = faultyStore(memoryStore());
    const errors: unknown[] = [];
    const job = defineJob({
      name: "breaks",
      perform() {
        store.plan("before");
      },
    });
    const { call, queue, clock, settled } = withBackground({
      handler: { onError: (error) => errors.push(error) },
      queue: { store, jobs: [job, fails] },
    });
    const { status, body } = await call("POST", "/jobs", { name: "breaks" });
    expect(status).toBe(201);
    await settled();
    expect(errors).toEqual([expect.objectContaining({ code: "store_unavailable" })]);
    store.plan();
    clock.now += 120_000;
    expect(await queue.getJob(String(body["id"]))).toMatchObject({ state: "ready", attempts: 1 });
  });
});

test("a stored job is answered with 201 even if waitUntil throws, and onError gets the error", async () => {
  const errors: unknown[] = [];
  const refusal = new Error("The context is gone.");
  const { call, queue } = setUp({
    handler: {
      onError: (error) => errors.push(error),
      waitUntil() {
        throw refusal;
      },
    },
  });
  expect((await call("POST", "/jobs", email)).status).toBe(201);
  expect(errors).toEqual([refusal]);
  expect((await queue.getStats()).totalEnqueued).toBe(1);
});

describe("all background work of one request shares one budget", () => {
  const counted = async (drain: HandlerOptions["drain"], jobs: unknown) => {
    const clock = testClock();
    let [requests, runs] = [0, 0];
    const store = aroundStore(memoryStore(), (_, run) => {
      requests++;
      return run();
    });
    const works = defineJob({ name: "works", perform: () => void runs++ });
    const again = defineJob({
      name: "again",
      maxRetries: 500,
      backoff: { type: "fixed", base: 1 },
      perform() {
        runs++;
        throw new Error("no luck");
      },
    });
    const { call, settled } = withBackground({
      queue: { jobs: [works, again], store, clock, logger: null },
      handler: { ...(drain && { drain }) },
    });
    expect((await call("POST", "/jobs", jobs)).status).toBeLessThan(300);
    requests = 0;
    await clock.advance("20s");
    await settled();
    return { requests, runs };
  };
  const apart = Array.from({ length: 60 }, (_, index) => ({ name: "works", delay: 200 + index * 150 }));

  test("of round trips, with jobs due at many moments", async () => {
    const { requests, runs } = await counted({ budget: { roundTrips: 15 } }, apart);
    expect(requests).toBeLessThanOrEqual(15);
    expect(runs).toBeGreaterThan(2);
  });

  test("of round trips, with a job that is retried each millisecond", async () => {
    const { requests, runs } = await counted({ budget: { roundTrips: 15 } }, { name: "again" });
    expect(requests).toBeLessThanOrEqual(15);
    expect(runs).toBeGreaterThan(2);
  });

  test("of jobs", async () => {
    expect(await counted({ maxJobs: 5, budget: { roundTrips: 1_000 } }, apart)).toMatchObject({ runs: 5 });
  });
});
