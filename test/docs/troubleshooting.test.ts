import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { QueueClient } from "../../src/client/index.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { problemKinds } from "../../src/http/contract/problems.ts";
import { createHandler, type Tokens } from "../../src/http/handler.ts";
import * as tidegate from "../../src/index.ts";
import { defineJob, type JobContext, memoryStore, PermanentError, Queue, type QueueOptions } from "../../src/index.ts";
import { createWorker } from "../../src/platforms/cloudflare.ts";
import { createRoute } from "../../src/platforms/vercel.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { faultyStore, testClock } from "../../src/testing/index.ts";
import { root } from "../package/built.ts";
import { start } from "../support/clock.ts";
import { gate } from "../support/gate.ts";
import { serveFetch } from "../support/http-server.ts";
import { RespClient } from "../support/resp.ts";
import { useRedis } from "../support/stores.ts";

const page = readFileSync(join(root, "docs/guide/troubleshooting.md"), "utf8");

/** The texts in a code span that are long enough to be a message. */
const messages = [...page.matchAll(/`([^`\n]{20,})`/g)].map(([, text = ""]) => text.replace(/ \.\.\.$/, ""));

/** The message of the page that a text begins with, or contains. Throws if there is none. */
function expectOnPage(text: unknown): void {
  const found = messages.filter((message) => String(text).includes(message));
  expect(found, `on the page: ${text}`).not.toEqual([]);
  for (const message of found) made.add(message);
}

/** The messages of the page that a test has made happen. */
const made = new Set<string>();

/** The message of the error that a call throws, or of the problem that it responds with. */
async function messageOf(call: () => unknown): Promise<string> {
  try {
    const result = await call();
    if (!(result instanceof Response)) throw new Error(`It did not fail: ${JSON.stringify(result)}`);
    const { title, detail } = await result.json();
    return `${title}: ${detail}`;
  } catch (error) {
    return (error as Error).message;
  }
}

const sendEmail = defineJob({
  name: "send_email",
  schema: {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value: unknown) =>
        typeof (value as { to: unknown }).to === "string"
          ? { value: value as { to: string } }
          : { issues: [{ message: "must be a string", path: ["to"] }] },
    },
  },
  perform() {},
});

const tokens = {
  enqueue: ["the-enqueue-token"],
  read: ["the-read-token"],
  drain: ["the-drain-token"],
  admin: ["the-admin-token"],
};

function setUp(options: Partial<QueueOptions> = {}) {
  const clock = testClock(start);
  const lines: string[] = [];
  const logger = { warn: (line: string) => lines.push(line), error: (line: string) => lines.push(line) };
  const store = memoryStore();
  const queue = new Queue({ store, jobs: [sendEmail], clock, logger, ...options });
  return { clock, lines, logger, store, queue };
}

function behind(queue: Queue, auth: Tokens = tokens) {
  const handler = createHandler({ queue, auth, onError: () => {} });
  return (path: string, token?: string, body?: unknown, more: RequestInit = {}) =>
    handler.request(path, {
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
      headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
      ...more,
    });
}

const payload = { to: "ada@example.com" };

describe("troubleshooting names", () => {
  test.each(Object.entries(problemKinds))("the error code %s, with its status", (code, { status }) => {
    expect(page).toMatch(new RegExp(`^\\| \`${code}\` \\| ${status}\\b`, "m"));
  });

  test("each error that jobs can meet", () => {
    const errors = Object.keys(tidegate).filter((name) => /^[A-Z].*Error$/.test(name) && name !== "TidegateError");
    expect(errors.length).toBeGreaterThan(5);
    for (const name of errors.filter((name) => name !== "RetryAfterError")) expect(page).toContain(`\`${name}\``);
  });
});

describe("the messages of the page are those of", () => {
  const { queue } = setUp();
  const send = behind(queue);
  const limited = { token: "a-limited-token", jobs: ["send_email"], flowKeys: ["mail-*"] };
  const sendLimited = behind(queue, { enqueue: [limited] });
  const job = (options: object) => ({ name: "send_email", payload, ...options });

  test.each<readonly [string, () => unknown]>([
    ["a missing token", () => send("/stats")],
    ["a wrong token", () => send("/stats", "another-token")],
    ["a scope that is too small", () => send("/drain", "the-enqueue-token", {})],
    ["an option of the definition", () => send("/jobs", "the-enqueue-token", job({ maxRetries: 1 }))],
    ["a job that a limited token does not list", () => sendLimited("/jobs", limited.token, { name: "refund" })],
    ["no key for a limited token", () => sendLimited("/jobs", limited.token, job({}))],
    ["a bound", () => send("/jobs", "the-enqueue-token", job({ delay: "100d" }))],
    ["a token that is not set", () => createHandler({ queue, auth: { admin: [`${undefined}`] } })],
    ["no token at all", () => createRoute({ queue })],
    ["an unknown name", () => queue.enqueue("send_mail", payload)],
    ["an unknown option", () => queue.enqueue("send_email", payload, { priority: 1 } as object)],
    ["a time without a zone", () => queue.enqueue("send_email", payload, { runAt: "2030-05-17T09:00:00" })],
    ["a payload that does not fit", () => queue.enqueue("send_email", { to: 7 })],
    ["a large payload", () => queue.enqueue("send_email", { to: "x".repeat(6_000_000) })],
    [
      "many large payloads",
      () => queue.enqueueMany([1, 2, 3].map(() => ({ job: "send_email", payload: { to: "x".repeat(4_000_000) } }))),
    ],
    ["a store without a url", () => upstashStore({ url: undefined as unknown as string, token: "token" })],
    [
      "another service",
      () =>
        new QueueClient({
          url: "https://example.com",
          token: "the-admin-token",
          fetch: async () => new Response("<html>", { status: 404 }),
        }).getStats(),
    ],
  ])("%s", async (_, call) => {
    expectOnPage(await messageOf(call));
  });

  test("a Worker and a route without their settings", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const worker = createWorker(() => ({ queue, auth: { admin: [`${undefined}`] } }));
    const context = { waitUntil() {}, passThroughOnException() {}, props: {} };
    expectOnPage(await messageOf(() => worker.fetch(new Request("https://queue.test/stats"), {}, context)));
    vi.stubEnv("CRON_SECRET", "the-cron-secret");
    const { GET } = createRoute({ queue });
    vi.stubEnv("CRON_SECRET", "");
    expectOnPage(await messageOf(() => GET(new Request("https://queue.test/stats"))));
    vi.unstubAllEnvs();
    log.mockRestore();
  });

  test("a job that has ended", async () => {
    const { queue } = setUp();
    await queue.enqueue(sendEmail, payload, { id: "welcome-ada" });
    await queue.drain();
    expectOnPage(await messageOf(() => queue.cancel("welcome-ada")));
  });

  test("a failing handler, which a client reports as store_unavailable", async () => {
    const { queue } = setUp({
      newId: () => {
        throw new Error("secret");
      },
    });
    const send = behind(queue);
    expect((await send("/jobs", "the-admin-token", job({}))).status).toBe(500);
    const client = new QueueClient({
      url: "https://queue.test",
      token: "the-admin-token",
      fetch: async () => send("/jobs", "the-admin-token", job({})),
    });
    await expect(client.enqueue("send_email", payload)).rejects.toMatchObject({ code: "store_unavailable" });
  });
});

describe("the reasons of dead jobs are those of", () => {
  /** What `getJob` shows of a job that has died in the given way. */
  async function dead(die: (parts: ReturnType<typeof setUp>) => Promise<unknown>) {
    const parts = setUp();
    await die(parts);
    const job = await parts.queue.getJob("dead");
    expect(job?.state).toBe("dead");
    expect(page).toContain(`| \`${job?.error?.name}\` | \`${job?.error?.message.slice(0, 30)}`);
    expectOnPage(job?.error?.message);
  }
  const once = { id: "dead", maxRetries: 0 };

  test("a payload that no longer fits", () =>
    dead(async ({ clock, store, queue }) => {
      await new Queue({ store, clock }).enqueue("send_email", { to: 7 }, once);
      await queue.drain();
    }));

  test("an unknown name", () =>
    dead(async ({ clock, store, queue }) => {
      await new Queue({ store, clock }).enqueue("send_sms", payload, once);
      await queue.drain();
    }));

  test("a timeout, of the job and of the invocation", async () => {
    for (const drain of [{}, { timeBudget: 5_000, grace: 1_000 }])
      await dead(async ({ clock, store }) => {
        const hangs = defineJob({ name: "hangs", perform: (_: undefined, job) => clock.sleep(3_600_000, job.signal) });
        const queue = new Queue({ store, jobs: [hangs], clock, logger: null });
        await queue.enqueue(hangs, undefined, once);
        const drained = queue.drain(drain);
        await clock.advance("31s");
        await drained;
      });
  });

  test.each<readonly [string, (job: JobContext) => Promise<unknown>]>([
    ["a step that has failed", (job) => job.step("charge", () => Promise.reject(new Error("no luck")))],
    ["two steps of one name", (job) => job.step("charge", () => 1).then(() => job.step("charge", () => 2))],
  ])("%s", (_, perform) =>
    dead(async ({ clock, store }) => {
      const steps = defineJob({ name: "steps", perform: (_: undefined, job) => perform(job) });
      const queue = new Queue({ store, jobs: [steps], clock, logger: null });
      await queue.enqueue(steps, undefined, once);
      await queue.drain();
    }),
  );

  test("a killed invocation", () =>
    dead(async ({ clock, queue }) => {
      await internalsOf(queue).enqueueHeld([{ job: sendEmail, payload, ...once }]);
      await clock.advance("2m");
      await queue.drain();
    }));

  test("retries that a deployment has lowered", () =>
    dead(async ({ clock, store, queue }) => {
      const fails = (maxRetries: number) =>
        defineJob({ name: "send_email", maxRetries, perform: () => Promise.reject(new Error("no luck")) });
      const before = new Queue({ store, jobs: [fails(10)], clock, logger: null });
      await before.enqueue("send_email", payload, { id: "dead" });
      for (let attempt = 1; attempt <= 2; attempt++) {
        await before.drain();
        await clock.advance("1h");
      }
      await new Queue({ store, jobs: [fails(0)], clock, logger: null }).drain();
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 1 });
    }));

  test("the code of the job, with no retry", async () => {
    const { queue } = setUp({
      jobs: [defineJob({ name: "dies", perform: () => Promise.reject(new PermanentError("no")) })],
    });
    await queue.enqueue("dies");
    expect(await queue.drain()).toMatchObject({ deadLettered: 1, retried: 0 });
  });
});

describe("when nothing runs, the report of a drain", () => {
  test("has a job if no cron called the route", async () => {
    const { queue } = setUp();
    await queue.enqueue(sendEmail, payload);
    expect(await (await behind(queue)("/drain", "the-drain-token", {})).json()).toMatchObject({ completed: 1 });
  });

  test("says that the queue is paused", async () => {
    const { queue } = setUp();
    await queue.enqueue(sendEmail, payload);
    await queue.pause();
    expect(await queue.drain()).toMatchObject({ stoppedBy: "paused" });
  });

  test("says when the next job is due: also one that was enqueued by a clock that is ahead", async () => {
    const { queue, store } = setUp();
    await new Queue({ store, clock: testClock(start + 3_600_000) }).enqueue("send_email", payload);
    const nextRunAt = new Date(start + 3_600_000);
    expect(await queue.drain()).toMatchObject({ stoppedBy: "empty", claimed: 0, nextRunAt });
  });

  test("knows of nothing if the queue has another name or another store", async () => {
    const { queue, store } = setUp();
    await queue.enqueue(sendEmail, payload);
    for (const elsewhere of [new Queue({ name: "other", store }), new Queue({ store: memoryStore() })])
      expect(await elsewhere.drain()).toMatchObject({ stoppedBy: "empty", claimed: 0, nextRunAt: null });
  });

  test("leaves out jobs that are held back, and getJob says why", async () => {
    const { queue } = setUp();
    await queue.enqueue(sendEmail, payload, { id: "held", flowControl: { key: "mail" } });
    await queue.flowControl.pause("mail");
    expect(await queue.drain()).toMatchObject({ stoppedBy: "empty", claimed: 0, nextRunAt: null });
    expect(await queue.getJob("held")).toMatchObject({ heldBack: { key: "mail", reason: "paused" } });
  });

  test("counts a job as failed if it is still running shortly before the invocation ends", async () => {
    const { clock, store } = setUp();
    const { open, opened } = gate();
    const hangs = defineJob({
      name: "hangs",
      timeout: "5m",
      perform(_: undefined, job) {
        open();
        return clock.sleep(3_600_000, job.signal);
      },
    });
    const queue = new Queue({ store, jobs: [hangs], clock, logger: null });
    await queue.enqueue(hangs);
    const { GET } = createRoute({ queue, auth: tokens, getDeadline: () => new Date(clock.now + 60_000) });
    const request = new Request("https://queue.test/drain", { headers: { Authorization: "Bearer the-drain-token" } });
    const response = GET(request);
    await opened;
    await clock.advance("55s");
    expect(await (await response).json()).toMatchObject({ claimed: 1, retried: 1 });
  });
});

test("a job whose invocation was killed has attempt 2, and a LeaseExpired of attempt 1", async () => {
  const { queue, clock } = setUp();
  await internalsOf(queue).enqueueHeld([{ job: sendEmail, payload, id: "twice" }]);
  await clock.advance("2m");
  expect(await queue.drain()).toMatchObject({ completed: 1 });
  expect(await queue.getJob("twice")).toMatchObject({
    attempts: 2,
    errors: [{ attempt: 1, name: "LeaseExpired" }],
  });
});

test("six fields begin with seconds, and hours without a zone are UTC", async () => {
  const { queue } = setUp();
  await queue.schedules.upsert("wrong", { job: sendEmail, payload, cron: "0 9 * * * *" });
  await queue.schedules.upsert("right", { job: sendEmail, payload, cron: "0 0 9 * * *" });
  const minutes = (await queue.schedules.preview("wrong", 3)).map((at) => at.toISOString().slice(14, 16));
  expect(minutes).toEqual(["09", "09", "09"]);
  expect((await queue.schedules.preview("right", 1))[0]?.toISOString()).toMatch(/T09:00:00/);
});

describe("the messages about Redis are those of", () => {
  const redis = useRedis({ settings: { maxmemory: "3mb" } });
  const open = (url: string, token: string) => new Queue({ store: upstashStore({ url, token }), jobs: [sendEmail] });

  test("a wrong address, and a wrong token", async () => {
    expectOnPage(await messageOf(() => open("http://127.0.0.1:1", "token").getStats()));
    expectOnPage(await messageOf(() => open(redis.shim.url, "another").getStats()));
  });

  test.each(["ERR max requests limit exceeded. Limit: 500000", "ERR max request size exceeded", "ERR unknown command"])(
    "Upstash's %s",
    async (error) => {
      const server = await serveFetch(async () => Response.json({ error }, { status: 400 }));
      expectOnPage(await messageOf(() => open(server.url, "token").getStats()));
      await server.stop();
    },
  );

  test("records that are gone, a full Redis and a replica", async () => {
    const client = await RespClient.connect(redis.server.port);
    const { lines, logger } = setUp();
    const store = redis.store("gone");
    const queue = new Queue({ store, jobs: [sendEmail], logger });
    await queue.enqueue(sendEmail, payload);
    await client.send(["DEL", "gone:{default}:jobs"]);
    await queue.drain();
    expectOnPage(lines[0]);
    expectOnPage(
      await messageOf(async () => {
        for (;;) await queue.enqueue(sendEmail, { to: "x".repeat(500_000) });
      }),
    );
    await client.send(["REPLICAOF", "127.0.0.1", "1"]);
    expectOnPage(await messageOf(() => queue.enqueue(sendEmail, payload)));
    client.close();
  });

  test("the least budget", async () => {
    const daily = defineJob({ name: "daily", schedule: { cron: "0 9 * * *" }, perform() {} });
    const queue = new Queue({ store: redis.store(), jobs: [daily] });
    expectOnPage(await messageOf(() => queue.drain({ budget: { roundTrips: 4 } })));
  });
});

test("a store that did not respond is reported as store_unavailable, and the same id enqueues once", async () => {
  const store = faultyStore(memoryStore(), [{ on: "enqueue", call: 1, fault: "after" }]);
  const { queue } = setUp({ store });
  await expect(queue.enqueue(sendEmail, payload, { id: "7" })).rejects.toMatchObject({ code: "store_unavailable" });
  expect(await queue.enqueue(sendEmail, payload, { id: "7" })).toMatchObject({ status: "duplicate" });
});

test("each message of the page was made above", () => {
  const sentences = messages.filter((message) => /^(?!npx )[A-Z].* .* .* /.test(message) || / must be /.test(message));
  expect(sentences.filter((message) => !made.has(message))).toEqual([]);
});
