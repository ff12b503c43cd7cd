import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "@upstash/redis";
import { describe, expect, test } from "vitest";
import { QueueClient } from "../../src/client/index.ts";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler, relayTo } from "../../src/http/handler.ts";
import { defineJob, type JobContext, memoryStore, Queue } from "../../src/index.ts";
import { createWorker } from "../../src/platforms/cloudflare.ts";
import { startWorker, timerWake } from "../../src/platforms/node.ts";
import { createRoute } from "../../src/platforms/vercel.ts";
import { createQStash, qstashWake } from "../../src/qstash/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { type RedisClient, redisStore } from "../../src/stores/redis-tcp/index.ts";
import { tracing } from "../../src/telemetry/index.ts";
import {
  drainAll,
  enqueued,
  expectEnqueued,
  expectNotEnqueued,
  faultyStore,
  performJob,
  testClock,
} from "../../src/testing/index.ts";
import { root } from "../package/built.ts";
import { start } from "../support/clock.ts";
import { testKeys } from "../support/stores.ts";

// What plain JavaScript can pass: the compiler checks none of it.
type Anything = never;

// Without a stack, which would tell from which line of this file the job was drained.
const fails = () => Promise.reject(Object.assign(new Error("no luck"), { stack: undefined }));
const note = defineJob({ name: "note", perform: (payload: unknown) => payload });
const dies = defineJob({ name: "dies", maxRetries: 0, perform: fails });
const queue = () => {
  const store = memoryStore();
  return new Queue({ store, clock: testClock(start), jobs: [note, dies], logger: null, newId: () => "new" });
};
const filled = async () => {
  const made = queue();
  await made.enqueue(note, 1, { id: "waits", delay: "1h" });
  await made.enqueue(dies, undefined, { id: "dead" });
  await made.drain();
  return made;
};
const token = "a-token-of-the-tests";
const auth = { admin: [token] };
const qstash = { tokens: [token], signingKeys: { current: token, next: token }, targets: ["https://app.test/*"] };
const client: RedisClient = { isOpen: true, isReady: true, sendCommand: async () => null, on: () => {} };
const context = { waitUntil() {}, passThroughOnException() {}, props: {} };

/** The wait before the first retry of a job with this backoff. */
async function waitOf(backoff: Anything) {
  const job = defineJob({ name: "retried", backoff, perform: fails });
  const outcome = await performJob(job, undefined, { clock: testClock(start) });
  return "runAt" in outcome ? outcome.runAt : outcome.status;
}

/** What a job remembers of what it does. */
async function stepsAfter(act: (job: JobContext) => Promise<unknown>) {
  let refusal: unknown;
  const acts = defineJob({
    name: "acts",
    perform: (_: undefined, job) =>
      act(job).catch((error) => {
        refusal = error;
      }),
  });
  const made = new Queue({ store: memoryStore(), clock: testClock(start), jobs: [acts], logger: null });
  await made.enqueue(acts, undefined, { id: "acts" });
  await made.drain();
  if (refusal) throw refusal;
  return (await made.getJob("acts"))?.steps;
}

/** What a Worker with these options answers. Its answer says what is wrong with them. */
async function askWorker(options: Anything) {
  const response = await createWorker(() => options).fetch(new Request("https://app.test/health"), {}, context);
  if (response.status === 503) throw Object.assign(new Error(), { message: (await response.json()).detail });
}

interface Taker {
  /** As the message names it. */
  readonly of: string;
  /** Options with which it works. */
  readonly valid: object;
  readonly take: (options: Anything) => unknown;
}

const takers: readonly Taker[] = [
  { of: "new Queue", valid: { store: memoryStore() }, take: (options) => void new Queue(options) },
  { of: "defineJob", valid: { name: "job", perform() {} }, take: (options) => void defineJob(options) },
  {
    of: "schedule",
    valid: { cron: "@daily" },
    take: (schedule) => defineJob({ name: "job", schedule, perform() {} }).name,
  },
  { of: "batch", valid: {}, take: (batch) => defineJob({ name: "job", batch, performBatch() {} }).name },
  { of: "backoff", valid: {}, take: waitOf },
  {
    of: "flowControl",
    valid: { key: "k" },
    async take(flowControl) {
      const made = queue();
      await made.enqueue(defineJob({ name: "note", flowControl, perform() {} }));
      await made.enqueue(note, 1, { flowControl });
      return made.flowControl.list();
    },
  },
  { of: "flowControl.set", valid: {}, take: (limits) => queue().flowControl.set("k", limits) },
  { of: "flowControl.list", valid: {}, take: (options) => queue().flowControl.list(options) },
  { of: "enqueue", valid: {}, take: (options) => queue().enqueue(note, 1, options) },
  { of: "enqueue", valid: { job: note }, take: (item) => queue().enqueueMany([item]) },
  { of: "dedupe", valid: { key: "k", ttl: "1h" }, take: (dedupe) => queue().enqueue(note, 1, { dedupe }) },
  { of: "enqueueMany", valid: {}, take: (options) => queue().enqueueMany([{ job: note }], options) },
  { of: "a recurring job", valid: { cron: "@daily" }, take: (options) => queue().enqueue(note, 1, options) },
  {
    of: "a recurring job",
    valid: { job: note, cron: "@daily" },
    take: (options) => queue().schedules.upsert("key", options),
  },
  { of: "drain", valid: {}, take: async (options) => (await filled()).drain(options) },
  { of: "budget", valid: {}, take: async (budget) => (await filled()).drain({ budget }) },
  { of: "pause", valid: {}, take: (options) => queue().pauseJobs("x", options) },
  { of: "wait", valid: {}, take: (options) => queue().wait("none", options) },
  { of: "a list", valid: {}, take: async (options) => (await filled()).listJobs(options) },
  {
    of: "listChildren",
    valid: {},
    take: async (options) => {
      const queue = await filled();
      const { jobs } = await queue.listJobs({ limit: 1 });
      return queue.listChildren(jobs[0]?.id ?? "", options);
    },
  },
  { of: "a list", valid: {}, take: async (options) => (await filled()).listDeadLetter(options) },
  { of: "job.step", valid: {}, take: (options) => stepsAfter((job) => job.step("s", () => 1, options)) },
  { of: "job.sleep", valid: {}, take: (options) => stepsAfter((job) => job.sleep("1h", options)) },
  { of: "job.waitFor", valid: { timeout: "1h" }, take: (options) => stepsAfter((job) => job.waitFor("a", options)) },
  { of: "signal", valid: {}, take: (options) => queue().signal("a", 1, options) },
  { of: "update", valid: {}, take: async (change) => (await filled()).update("waits", change) },
  { of: "cancel", valid: {}, take: async (options) => (await filled()).cancel("waits", options) },
  { of: "clear", valid: {}, take: async (options) => (await filled()).clear(options) },
  {
    of: "cancelPending",
    valid: {},
    take: async (options) => (await filled()).cancelPending({ name: "note" }, options),
  },
  {
    of: "reschedulePending",
    valid: {},
    take: async (options) => (await filled()).reschedulePending({ name: "note" }, "2h", options),
  },
  {
    of: "retryFromDeadLetter",
    valid: {},
    async take(options) {
      const made = await filled();
      return [await made.retryFromDeadLetter("dead", options), await made.getJob("dead")];
    },
  },
  {
    of: "removeFromDeadLetter",
    valid: {},
    take: async (options) => (await filled()).removeFromDeadLetter({ all: true }, options),
  },
  { of: "listChanges", valid: {}, take: (options) => queue().listChanges(options) },
  { of: "getFailures", valid: {}, take: async (options) => (await filled()).getFailures(options) },
  {
    of: "encryption",
    valid: { current: "k1", keys: testKeys },
    take: (encryption) => void new Queue({ store: memoryStore(), encryption }),
  },
  {
    of: "rekey",
    valid: {},
    take: (options) =>
      new Queue({ store: memoryStore(), encryption: { current: "k1", keys: testKeys } }).rekey(options),
  },
  { of: "getFigures", valid: {}, take: async (options) => (await filled()).getFigures(options) },
  { of: "getHistory", valid: {}, take: async (options) => (await filled()).getHistory(options) },
  { of: "createHandler", valid: { queue: queue(), auth }, take: (options) => void createHandler(options) },
  { of: "auth", valid: auth, take: (given) => void createHandler({ queue: queue(), auth: given }) },
  { of: "createRoute", valid: { queue: queue(), auth }, take: (options) => void createRoute(options) },
  { of: "createWorker", valid: { queue: queue(), auth }, take: askWorker },
  { of: "startWorker", valid: {}, take: async (options) => startWorker(queue(), options).stop() },
  {
    of: "upstashStore",
    valid: { url: "https://db.test", token },
    take: (options) => void upstashStore(options),
  },
  {
    of: "upstashStore with a client",
    valid: { redis: new Redis({ url: "https://db.test", token }) },
    take: (options) => void upstashStore(options),
  },
  { of: "redisStore", valid: {}, take: (options) => void redisStore(client, options) },
  { of: "relayTo", valid: { url: "https://app.test/drain", token }, take: (target) => void relayTo(target) },
  { of: "dashboard", valid: {}, take: (options) => void dashboard(options) },
  { of: "createQStash", valid: qstash, take: (options) => void createQStash(options) },
  {
    of: "qstashWake",
    valid: { token, url: "https://app.test/drain", drainToken: token },
    take: (options) => void qstashWake(options),
  },
  { of: "timerWake", valid: {}, take: (options) => void timerWake(() => {}, options) },
  {
    of: "enqueueLimits",
    valid: { maxDelay: "1d" },
    take: (enqueueLimits) => void createHandler({ queue: queue(), auth, enqueueLimits }),
  },
  {
    of: "watchLimits",
    valid: { maxViewers: 10 },
    take: (watchLimits) => void createHandler({ queue: queue(), auth, watchLimits }),
  },
  {
    of: "watchToken",
    valid: { ttl: "1h" },
    take: async (options) =>
      new Queue({ store: memoryStore(), watchSecret: "a secret of the tests", clock: () => 0 }).watchToken(
        "a",
        options,
      ),
  },
  { of: "events", valid: { retention: "3d" }, take: (events) => void createQStash({ ...qstash, events }) },
  {
    of: "signingKeys",
    valid: qstash.signingKeys,
    take: (signingKeys) => void createQStash({ ...qstash, signingKeys }),
  },
  { of: "faultyStore", valid: {}, take: (options) => void faultyStore(memoryStore(), "before", options) },
  {
    of: "a rule of faultyStore",
    valid: { fault: "before" },
    async take(rule) {
      const made = new Queue({ store: faultyStore(memoryStore(), [rule]) });
      return made.ping().then(
        () => "answers",
        () => "fails",
      );
    },
  },
  { of: "a fault", valid: { delay: "1s" }, take: (fault) => void faultyStore(memoryStore(), fault) },
  { of: "enqueued", valid: {}, take: async (options) => enqueued(await filled(), note, options) },
  { of: "expectEnqueued", valid: {}, take: async (options) => expectEnqueued(await filled(), note, options) },
  {
    of: "expectNotEnqueued",
    valid: { id: "another" },
    take: async (options) => expectNotEnqueued(await filled(), note, options),
  },
  {
    of: "heldBack",
    valid: { key: "k" },
    async take(heldBack) {
      const made = queue();
      await made.flowControl.pause("k");
      await made.enqueue(note, 1, { flowControl: { key: "k" } });
      return expectEnqueued(made, note, { heldBack });
    },
  },
  {
    of: "waitingFor",
    valid: {},
    async take(waitingFor) {
      const waits = defineJob({
        name: "waits_for",
        perform: (_: undefined, job) => job.waitFor("a", { timeout: "1h" }),
      });
      const made = new Queue({ store: memoryStore(), jobs: [waits], clock: testClock(start), logger: null });
      await made.enqueue(waits, undefined, { id: "w" });
      await made.drain();
      return expectEnqueued(made, waits, { waitingFor });
    },
  },
  { of: "drainAll", valid: {}, take: async (options) => drainAll(await filled(), options) },
  { of: "children", valid: {}, take: (children) => performJob(note, 1, { children }) },
  {
    of: "performJob",
    valid: {},
    take: (options) => performJob(note, 1, options),
  },
];

/** What comes of a call: its result, or the message of its refusal. */
async function outcomeOf({ take }: Taker, options: object): Promise<unknown> {
  try {
    return { result: await take(options as Anything) };
  } catch (error) {
    return { refusal: (error as Error).message };
  }
}

/** The names of all options, as the refusal of an unknown one lists them. */
async function namesOf(taker: Taker): Promise<readonly string[]> {
  const { refusal } = (await outcomeOf(taker, { ...taker.valid, noSuchOption: 1 })) as { readonly refusal?: string };
  const [, of, names] = /Unknown option "noSuchOption" in (.*)\. It knows: (.*)\.$/.exec(refusal ?? "") ?? [];
  expect(of).toBe(taker.of);
  return names?.split(", ") ?? [];
}

describe.each(takers)("$of", (taker) => {
  test("takes each option that is undefined for one that is left out", async () => {
    const expected = await outcomeOf(taker, taker.valid);
    expect(expected).toHaveProperty("result");
    const names = await namesOf(taker);
    for (const name of names) {
      const without = Object.fromEntries(Object.entries(taker.valid).filter(([each]) => each !== name));
      const outcome = await outcomeOf(taker, { ...taker.valid, [name]: undefined });
      expect({ name, ...(outcome as object) }).toEqual({ name, ...((await outcomeOf(taker, without)) as object) });
    }
    const nothing = Object.fromEntries(names.map((name) => [name, undefined]));
    expect(await outcomeOf(taker, { ...nothing, ...taker.valid })).toEqual(expected);
  });
});

test("every check of options in the sources has a line in the table above", () => {
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  const texts = files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(root, "src", file), "utf8"));
  const calls = texts.flatMap((text) => [
    ...text.matchAll(/\bknownOptions\((?:[^()]|\([^()]*\))*?"([^"]+)"(?:, \w+)?,?\s*\)/g),
    ...text.matchAll(/\boptionsOf<[^(]*>\(\s*"([^"]+)"/g),
  ]);
  const checked = new Set(calls.map(([, of]) => of));
  expect(checked.size).toBeGreaterThan(40);
  expect([...checked].filter((of) => !takers.some((taker) => taker.of === of))).toEqual([]);
});

describe("what checks no names of options takes undefined as well", () => {
  test("a client", async () => {
    const served = await filled();
    const handler = createHandler({ queue: served, auth });
    const made = new QueueClient({
      url: "https://app.test",
      token,
      queue: undefined,
      fetch: async (request) => handler.fetch(request),
    });
    void new QueueClient({ url: "https://app.test", token: undefined, fetch: undefined });
    const recurring = { cron: undefined, timeZone: undefined } as Anything;
    expect(await made.enqueue(note, 1, { id: "first", delay: undefined, dedupe: undefined })).toMatchObject({
      id: "first",
    });
    expect(await made.enqueue(note, 1, recurring)).toMatchObject({ status: "enqueued" });
    expect(await made.wait("dead", { timeout: undefined })).toMatchObject({ state: "dead" });
    expect(await made.listJobs({ state: undefined, limit: undefined })).toMatchObject({ cursor: null });
    const bounds = { maxJobs: undefined, budget: { commands: undefined }, attempts: undefined };
    expect(await made.drain(bounds)).toMatchObject({ completed: 2 });
    await made.schedules.upsert("key", { job: note, cron: "@daily", timeZone: undefined, name: undefined } as Anything);
    expect(await made.flowControl.set("k", { concurrency: 2, rate: undefined })).toMatchObject({ concurrency: 2 });
    expect(await made.retryFromDeadLetter("dead", { payload: undefined, dryRun: undefined })).toEqual({ retried: 1 });
    expect(await made.clear({ state: undefined })).toEqual({ cleared: 2 });
    expect(await made.signal("a", 1, { id: undefined, keep: undefined })).toEqual({ woken: 0, kept: true });
  });

  test("tracing, hooks and the logger", async () => {
    const made = new Queue({
      store: memoryStore(),
      jobs: [note],
      tracing: tracing({ tracer: undefined, flush: undefined }),
      hooks: { onEnqueue: undefined, onStart: undefined, onComplete: undefined, onError: undefined },
      logger: undefined,
    });
    await made.enqueue(note, 1);
    expect(await made.drain()).toMatchObject({ completed: 1 });
  });

  test("the bounds of a handler's drain, whose defaults stay", async () => {
    const served = await filled();
    const handler = createHandler({ queue: served, auth, drain: { maxJobs: 1, budget: { commands: undefined } } });
    await served.enqueueMany([{ job: note }, { job: note, id: "other" }]);
    const authorized = { method: "POST", headers: { Authorization: `Bearer ${token}` } };
    const response = await handler.fetch(new Request("https://app.test/drain", authorized));
    expect(await response.json()).toMatchObject({ claimed: 1, stoppedBy: "maxJobs" });
  });
});
