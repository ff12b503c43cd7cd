import { afterEach, describe, expect, test, vi } from "vitest";
import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler, type HandlerOptions, relayTo } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { type CloudflareOptions, createWorker } from "../../src/platforms/cloudflare.ts";
import { startWorker } from "../../src/platforms/node.ts";
import { createRoute } from "../../src/platforms/vercel.ts";
import { upstashProducerStore, upstashStore } from "../../src/stores/redis-http/index.ts";
import { type RedisClient, redisStore } from "../../src/stores/redis-tcp/index.ts";

// What plain JavaScript can pass: the compiler checks none of it.
type Anything = never;

const queue = new Queue({ store: memoryStore() });
const auth = { admin: ["the-admin-token"] };
const client: RedisClient = { isOpen: true, isReady: true, sendCommand: async () => null, on: () => {} };
const target = { url: "https://app.test/drain", token: "the-drain-token" };
const database = { url: "https://db.test", token: "db-token" };

const throwing = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return "nothing";
};

/** The answer of a Worker with these options. */
async function worker(options: unknown): Promise<unknown> {
  vi.spyOn(console, "error").mockReturnValue();
  const context = { waitUntil() {}, passThroughOnException() {}, props: {} };
  const made = createWorker(() => options as CloudflareOptions);
  return (await made.fetch(new Request("https://app.test/health"), {}, context)).json();
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const takers: readonly [string, string, (options: Anything) => unknown][] = [
  ["createHandler", "onError", createHandler],
  ["createRoute", "getDeadline", createRoute],
  ["dashboard", "sessionDuration", dashboard],
  ["startWorker", "checkEvery", (options) => startWorker(queue, options)],
  ["upstashStore", "token", upstashStore],
  ["redisStore", "prefix", (options) => redisStore(client, options)],
  ["relayTo", "fetch", relayTo],
  ["new Queue", "retention", (options) => new Queue(options)],
  ["defineJob", "perform", (options) => defineJob(options)],
];

describe.each(takers)("%s", (of, known, take) => {
  test.each([null, "text", 7, true, []])("says what it accepts when it gets %j", (options) => {
    expect(throwing(() => take(options as Anything))).toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(new RegExp(`^${of} takes .*${known}`)),
    });
  });

  test("names an unknown option, and the known ones", () => {
    expect(throwing(() => take({ tokn: "secret" } as Anything))).toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(new RegExp(`^Unknown option "tokn" in ${of}\\. It knows: .*${known}`)),
    });
  });
});

describe("a Worker", () => {
  test.each([[null], [{ queue, auth, fanout: 3 }], [{ queue, auth, scheduled: null }]])(
    "with the options %# answers with what is wrong with them",
    async (options) => {
      expect(await worker(options)).toMatchObject({ status: 503, detail: expect.stringMatching(/It knows: /) });
    },
  );

  test("is created from a function, and nothing else", () => {
    expect(() => createWorker({ queue, auth } as Anything)).toThrow(/createWorker takes a function/);
  });
});

describe("createHandler refuses", () => {
  test.each<[keyof HandlerOptions, unknown, RegExp]>([
    ["queue", "orders", /A queue must be an object from new Queue/],
    ["queue", { name: "orders", store: memoryStore() }, /A queue must be an object from new Queue/],
    ["auth", null, /auth needs at least one token/],
    ["auth", "s3cret", /^auth takes an object of options. It knows: enqueue, drain, signal, read, admin.$/],
    ["auth", ["s3cret"], /^auth takes an object of options. It knows: enqueue, drain, signal, read, admin.$/],
    ["auth", { amdin: ["s3cret"] }, /^Unknown option "amdin" in auth. It knows: enqueue, drain, signal, read, admin.$/],
    ["enqueueOptions", "some", /^enqueueOptions must be one of "basic", "all"/],
    ["enqueueOptions", null, /^enqueueOptions must be one of "basic", "all"/],
    [
      "enqueueLimits",
      null,
      /^enqueueLimits takes an object of options. It knows: maxDelay, maxDedupeTtl, maxPayloadBytes/,
    ],
    ["enqueueLimits", { maxTtl: "1d" }, /^Unknown option "maxTtl" in enqueueLimits/],
    ["enqueueLimits", { maxDelay: "soon" }, /^enqueueLimits\.maxDelay must be a duration/],
    ["enqueueLimits", { maxDedupeTtl: -1 }, /^enqueueLimits\.maxDedupeTtl must be a duration/],
    [
      "enqueueLimits",
      { maxPayloadBytes: 0 },
      /^enqueueLimits\.maxPayloadBytes must be a whole number from 1 to 5242880/,
    ],
    ["watchLimits", null, /^watchLimits takes an object of options. It knows: maxViewers, maxDuration/],
    ["watchLimits", { viewers: 1 }, /^Unknown option "viewers" in watchLimits/],
    ["watchLimits", { maxViewers: 0 }, /^watchLimits\.maxViewers must be a whole number from 1/],
    ["watchLimits", { maxDuration: "soon" }, /^watchLimits\.maxDuration must be a duration/],
    ["drain", null, /drain takes an object of options/],
    ["drain", () => null, /drain takes an object of options/],
    ["dashboard", true, /dashboard must be the result of dashboard\(\) from tidegate\/dashboard/],
    ["dashboard", dashboard, /dashboard must be the result of dashboard\(\) from tidegate\/dashboard/],
    ["onError", "log", /onError must be a function/],
    ["onBacklog", target, /onBacklog must be a function/],
    ["waitUntil", true, /waitUntil must be a function/],
  ])("%s: %o", (name, value, message) => {
    expect(() => createHandler({ queue, auth, [name]: value })).toThrow(message);
  });

  test.each([null, 7, "orders", [], [null], ["orders"]])("queues: %j", (queues) => {
    expect(() => createHandler({ auth, queues: queues as Anything })).toThrow(/queue/);
  });
});

test("createHandler, createWorker and createRoute take what a token with the scope enqueue may choose", async () => {
  const options = {
    queue,
    auth,
    enqueueOptions: "all",
    enqueueLimits: { maxDelay: "1h", maxDedupeTtl: undefined },
  } as const;
  expect(throwing(() => createHandler(options))).toBe("nothing");
  expect(throwing(() => createRoute(options))).toBe("nothing");
  expect(await worker(options)).toEqual({ status: "ok" });
});

describe.each(["", "the-cron-secret"])("createRoute, with the CRON_SECRET %j, refuses", (secret) => {
  test.each([
    ["auth", 7],
    ["auth", "s3cret"],
    ["auth", ["s3cret"]],
    ["auth", { drain: "s3cret" }],
    ["auth", null],
    ["drain", null],
    ["getDeadline", "soon"],
  ])("%s: %j", (name, value) => {
    vi.stubEnv("CRON_SECRET", secret);
    expect(throwing(() => createRoute({ queue, auth, [name]: value }))).toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(/^(createRoute needs|auth|drain|getDeadline)(?!.*s3cret)/),
    });
  });
});

describe("a store refuses", () => {
  test.each([
    ["no client", { redis: null }, /redis must be a client of @upstash\/redis/],
    ["a client of another package", { redis: client }, /redis must be a client of @upstash\/redis/],
    [
      "an option that only an address takes",
      { redis: client, token: "x" },
      /Unknown option "token" in upstashStore with/,
    ],
    ["a prefix that is no text", { ...database, prefix: null }, /prefix must be/],
  ])("%s", (_, options, message) => {
    expect(() => upstashStore(options as Anything)).toThrow(message);
  });

  test("one for producers, where jobs are drained too", () => {
    const store = upstashProducerStore(database) as Anything;
    expect(() => new Queue({ store })).toThrow(/^new Queue needs a store that drains too/);
  });
});

describe("relayTo refuses", () => {
  test.each([
    ["no address", { ...target, url: undefined }, /relayTo needs the url/],
    ["a path", { ...target, url: "/drain" }, /relayTo needs the url/],
    ["no token", { ...target, token: undefined }, /relayTo needs a token/],
  ])("%s", (_, options, message) => {
    expect(() => relayTo(options as Anything)).toThrow(message);
  });
});

test.each(["orders", 7, {}])("startWorker refuses %j for a queue, and starts nothing", (given) => {
  expect(() => startWorker(given as Anything)).toThrow(/A queue must be an object from new Queue/);
});

describe("new Queue refuses", () => {
  test.each([
    [{ jobs: {} }, /jobs must be an array/],
    [{ jobs: [null] }, /A job must be a definition from defineJob/],
    [{ clock: 7 }, /clock must be a function/],
    [{ clock: () => Number.NaN }, /clock must give milliseconds since 1970/],
  ])("%j", (options, message) => {
    expect(() => new Queue({ store: memoryStore(), ...(options as object) })).toThrow(message);
  });
});

test.each(["\u0000", "\u007f", "\u0085", "\u009b", "\u200f", "\u202e", "\u2066"])(
  "a name or an id with the character %j is refused, as a terminal would obey it",
  async (character) => {
    const refused = { code: "invalid_request", message: expect.stringContaining("control characters") };
    const text = `before${character}after`;
    expect(throwing(() => defineJob({ name: text, perform() {} }))).toMatchObject(refused);
    await expect(new Queue({ store: memoryStore() }).enqueue("job", {}, { id: text })).rejects.toMatchObject(refused);
  },
);

test.each<[object, string]>([
  [{ maxRetries: -1 }, "maxRetries must be"],
  [{ schedule: { cron: "at noon" } }, `cron "at noon"`],
  [{ flowControl: { limit: 1 } }, 'Unknown option "limit"'],
])("what is refused of a job with %j names the job", (options, message) => {
  expect(throwing(() => defineJob({ name: "report", perform() {}, ...options }))).toMatchObject({
    code: "invalid_request",
    message: expect.stringMatching(new RegExp(`^Job "report": ${message}`)),
  });
});
