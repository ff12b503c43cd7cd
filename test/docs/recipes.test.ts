import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sendMail } from "../../examples/guide/jobs-enqueue-jobs.ts";
import { left, paid, remind } from "../../examples/guide/recipes/cancel.ts";
import { sendReceipt } from "../../examples/guide/recipes/mail.ts";
import { summarize } from "../../examples/guide/recipes/tenants.ts";
import { bookTrip, finishTrip, release, reserve } from "../../examples/guide/recipes/trip.ts";
import { onGitHub, webhooks } from "../../examples/guide/recipes/webhook.ts";
import { outbox, table } from "../../examples/guide/services.ts";
import {
  type AnyJob,
  defineJob,
  type JobContext,
  memoryStore,
  PermanentError,
  Queue,
  type QueueOptions,
} from "../../src/index.ts";
import { faultyStore, performJob, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { useRedis } from "../support/stores.ts";

beforeEach(() => {
  outbox.length = 0;
  table.clear();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function setUp(jobs: readonly AnyJob[], options: Partial<QueueOptions> = {}) {
  const clock = testClock(start);
  return { clock, queue: new Queue({ store: memoryStore(), jobs, clock, logger: null, ...options }) };
}

/** Dies where the payload says so, else works as the job does. */
const failing =
  <Payload, Result>(
    isBad: (payload: Payload) => boolean,
    { perform }: { perform: (payload: Payload, job: JobContext) => Result },
  ) =>
  (payload: Payload, job: JobContext): Result => {
    if (isBad(payload)) throw new PermanentError("broken");
    return perform(payload, job);
  };

describe("jobs that enqueue jobs", () => {
  const redis = useRedis();

  /** The files of the recipe, loaded anew on an empty database, with the one that is imported first. */
  async function load(first: "queue" | "jobs") {
    vi.stubEnv("UPSTASH_REDIS_REST_URL", redis.shim.url);
    vi.stubEnv("UPSTASH_REDIS_REST_TOKEN", redis.shim.token);
    vi.resetModules();
    if (first === "jobs") await import("../../examples/guide/recipes/jobs.ts");
    const { queue } = await import("../../examples/guide/recipes/queue.ts");
    const { redis: client, store } = await import("../../examples/guide/recipes/store.ts");
    const jobs = await import("../../examples/guide/recipes/jobs.ts");
    const outside = await import("../../examples/guide/services.ts");
    vi.unstubAllEnvs();
    await client.flushdb();
    return { queue, jobs, store, outside };
  }

  test.each(["queue", "jobs"] as const)("import each other in no circle, whichever is first: %s", async (first) => {
    const { queue, jobs, outside } = await load(first);
    await queue.enqueue(jobs.importFile, { file: "may.csv" }, { id: "may" });
    expect(await queue.drain({ maxJobs: 1_000 })).toMatchObject({ completed: 122, backlog: false });
    expect(outside.outbox).toMatchObject([{ subject: "may.csv: 120 of 120 rows are imported" }]);
    expect(outside.table.size).toBe(120);
  });

  test("import no row twice, and report once, when attempts are repeated", async () => {
    const { queue, jobs, outside } = await load("queue");
    await queue.enqueue(jobs.importFile, { file: "may.csv" }, { id: "may" });
    await performJob(jobs.importFile, { file: "may.csv" }, { id: "may" });
    await queue.drain({ maxJobs: 1_000 });
    await performJob(jobs.importFile, { file: "may.csv" }, { id: "may" });
    expect(await queue.drain()).toMatchObject({ claimed: 0 });
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 122, totalProcessed: 122 });
    expect(outside.outbox).toHaveLength(1);
  });

  test("make a digest of its parts for each customer, up to the time of the occurrence", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-03-02T08:00:00Z") });
    const { store, jobs, outside } = await load("queue");
    const { dailyDigest, digestPart, sendDigest } = jobs;
    const broken = defineJob({
      name: digestPart.name,
      perform: failing(({ about }) => about === "invoices", digestPart),
    });
    const queue = new Queue({ store, jobs: [dailyDigest, broken, sendDigest], logger: null });
    await queue.drain();
    vi.setSystemTime("2026-03-03T08:00:00Z");
    while ((await queue.drain({ maxJobs: 1_000, concurrency: 250, batchSize: 250 })).claimed > 0);
    expect(outside.outbox).toHaveLength(120);
    expect(outside.outbox.find(({ to }) => to === "customers, row 7")).toMatchObject({
      subject: "The orders until 2026-03-03T08:00:00.000Z\nMissing today, sorry.",
    });
  });

  test("publish a video once it is encoded, with the thumbnails that could be drawn", async () => {
    const { store, outside } = await load("queue");
    const video = await import("../../examples/guide/recipes/video.ts");
    const openQueue = (isBroken: boolean) => {
      const drawThumbnail = defineJob({
        name: video.drawThumbnail.name,
        perform: failing(({ scene }) => scene.endsWith("row 7"), video.drawThumbnail),
      });
      const encode = defineJob({ name: video.encode.name, perform: failing(() => isBroken, video.encode) });
      const { addVideo, publish, makeContactSheet } = video;
      return new Queue({ store, jobs: [addVideo, publish, makeContactSheet, drawThumbnail, encode], logger: null });
    };
    const queue = openQueue(true);
    await queue.enqueue(video.addVideo, { video: "tides" });
    while ((await queue.drain({ maxJobs: 1_000, concurrency: 250, batchSize: 250 })).claimed > 0);
    expect(outside.table.get("contact sheet of tides")?.split(" ")).toHaveLength(119);
    expect(outside.table.has("published tides")).toBe(false);
    const [failed] = (await queue.listDeadLetter({ name: "encode" })).jobs;
    await queue.retryFromDeadLetter(failed?.id ?? "");
    while ((await openQueue(false).drain()).claimed > 0);
    expect(outside.table.has("published tides")).toBe(true);
  });
});

describe("a trip", () => {
  const trip = { trip: "lisbon", email: "ada@example.com" };

  test("is booked once all that it needs is reserved", async () => {
    const { queue } = setUp([reserve, release, finishTrip, sendMail]);
    await bookTrip(queue, trip);
    while ((await queue.drain()).claimed > 0);
    expect([...table.values()]).toEqual(["reserved", "reserved", "reserved"]);
    expect(outbox).toMatchObject([{ subject: "Your trip is booked" }]);
  });

  test("is undone if something cannot be reserved, also when that is retried later", async () => {
    let isFull = true;
    const perform = failing(({ what }) => isFull && what === "hotel", reserve);
    const { queue } = setUp([defineJob({ name: reserve.name, perform }), release, finishTrip, sendMail]);
    await bookTrip(queue, trip);
    while ((await queue.drain()).claimed > 0);
    isFull = false;
    await queue.retryFromDeadLetter("trip-lisbon/000001");
    while ((await queue.drain()).claimed > 0);
    table.delete("cancelled lisbon");
    expect([...table.values()]).toEqual(["free", "free", "free"]);
    expect(outbox).toMatchObject([{ subject: "We could not book your trip" }]);
  });
});

test("limits of a customer hold for nobody else, and a pinned one is not changed by enqueuing", async () => {
  const { queue, clock } = setUp([summarize]);
  for (const customer of ["acme", "bolt"]) {
    const documents = Array.from({ length: 100 }, (_, index) => ({ customer, document: `${index}` }));
    await queue.enqueueMany(documents.map((payload) => ({ job: summarize, payload })));
  }
  await queue.flowControl.set("customer-acme", { concurrency: 10, rate: 600, period: "1m" });
  expect(await queue.drain({ maxJobs: 1_000 })).toMatchObject({ completed: 160, backlog: false });
  await queue.enqueue(summarize, { customer: "acme", document: "101" });
  expect(await queue.flowControl.get("customer-acme")).toMatchObject({ concurrency: 10, rate: 600, pinned: true });
  await clock.advance("1m");
  expect(await queue.drain({ maxJobs: 1_000 })).toMatchObject({ completed: 41 });
});

describe("a webhook", () => {
  const secret = "the-webhook-secret";
  const sign = (body: string, key = secret) => `sha256=${createHmac("sha256", key).update(body).digest("hex")}`;
  const body = JSON.stringify({ action: "opened", title: "Ünïcode" });
  const headers = { "X-GitHub-Event": "issues", "X-GitHub-Delivery": "72d3162e" };

  const deliver = async (queue: Queue, more: Readonly<Record<string, string>>) => {
    const request = { method: "POST", body, headers: { ...headers, ...more } };
    return (await webhooks(queue, secret).request("/webhooks/github", request)).status;
  };

  test("becomes one job, however often it is delivered", async () => {
    const { queue } = setUp([onGitHub]);
    expect(await deliver(queue, { "X-Hub-Signature-256": sign(body) })).toBe(202);
    expect(await deliver(queue, { "X-Hub-Signature-256": sign(body) })).toBe(202);
    await queue.drain();
    expect([...table]).toEqual([["github-72d3162e", "issues"]]);
  });

  test("is refused if its signature is missing, malformed or of another secret", async () => {
    const { queue } = setUp([onGitHub]);
    for (const signature of ["", "sha256=zz", sign(body).slice(0, -2), sign(body, "another"), sign("{}")])
      expect(await deliver(queue, { "X-Hub-Signature-256": signature })).toBe(401);
    expect(await deliver(queue, {})).toBe(401);
    expect(await deliver(queue, { "X-Hub-Signature-256": sign(body), "X-GitHub-Delivery": "" })).toBe(400);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });

  test("gets a failure if the job may not be stored, so that it is delivered again", async () => {
    const { queue } = setUp([onGitHub], {
      store: faultyStore(memoryStore(), [{ on: "enqueue", call: 1, fault: "after" }]),
    });
    vi.spyOn(console, "error").mockImplementation(() => {});
    expect(await deliver(queue, { "X-Hub-Signature-256": sign(body) })).toBe(500);
    expect(await deliver(queue, { "X-Hub-Signature-256": sign(body) })).toBe(202);
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    vi.restoreAllMocks();
  });
});

describe("a mail", () => {
  test("has the same idempotency key in each attempt", async () => {
    const keys: (string | null)[] = [];
    const answers = [503, 200];
    vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
      keys.push(new Headers(init.headers).get("Idempotency-Key"));
      return new Response(null, { status: answers.shift() ?? 200 });
    });
    const { queue, clock } = setUp([sendReceipt]);
    const { id } = await queue.enqueue(sendReceipt, { to: "ada@example.com", order: 7 });
    await queue.drain();
    await clock.advance("60s");
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect(keys).toEqual([id, id]);
  });

  test.each([
    [422, "dead"],
    [429, "retried"],
  ])("that is refused with %s is %s", async (status, outcome) => {
    vi.stubGlobal("fetch", async () => new Response(null, { status }));
    expect(await performJob(sendReceipt, { to: "nobody", order: 7 })).toMatchObject({ status: outcome });
  });
});

describe("a reminder", () => {
  const cart = { cart: 7, email: "ada@example.com" };

  test("is sent after a day, unless the cart has been paid", async () => {
    const { queue, clock } = setUp([remind]);
    await left(queue, cart);
    await left(queue, { ...cart, cart: 8 });
    await paid(queue, 8);
    await clock.advance("1d");
    expect(await queue.drain()).toMatchObject({ completed: 1 });
    expect(outbox).toMatchObject([{ key: "remind-7" }]);
  });

  test("that was sent, or never enqueued, can be cancelled without an error", async () => {
    const { queue, clock } = setUp([remind]);
    await left(queue, cart);
    await clock.advance("1d");
    await queue.drain();
    await paid(queue, 7);
    await paid(queue, 9);
  });

  test("is not sent if the cart was paid when it was too late to cancel", async () => {
    table.set("paid 7", "");
    expect(await performJob(remind, cart)).toMatchObject({ status: "completed" });
    expect(outbox).toEqual([]);
  });
});
