import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { QueueClient } from "../../src/client/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { type Duration, defineJob, memoryStore, Queue, type Tracing } from "../../src/index.ts";
import { start } from "../support/clock.ts";

function withSchema(schema: StandardSchemaV1) {
  const seen: unknown[] = [];
  const job = defineJob({ name: "job", schema, perform: (payload) => void seen.push(payload) });
  return { seen, job, queue: new Queue({ store: memoryStore(), jobs: [job], clock: () => start }) };
}

const date = new Date(start);

describe("a schema checks the payload as it is stored:", () => {
  test.each<[string, StandardSchemaV1, unknown]>([
    ["zod's date", z.object({ at: z.date() }), { at: date }],
    ["zod's optional date", z.object({ at: z.date().optional() }), { at: date }],
    ["zod's map", z.map(z.string(), z.number()), new Map([["a", 1]])],
    ["zod's set", z.object({ tags: z.set(z.string()) }), { tags: new Set(["a"]) }],
    ["zod's instance", z.object({ url: z.instanceof(URL) }), { url: new URL("https://example.com/") }],
    ["zod's undefined in a list", z.array(z.string().optional()), ["a", undefined]],
    ["zod's NaN", z.object({ n: z.nan() }), { n: Number.NaN }],
    ["valibot's date", v.object({ at: v.date() }), { at: date }],
    ["valibot's number that is infinite", v.object({ n: v.number() }), { n: Number.POSITIVE_INFINITY }],
    ["valibot's map", v.map(v.string(), v.number()), new Map([["a", 1]])],
    ["arktype's Date", type({ at: "Date" }), { at: date }],
    ["arktype's number that is infinite", type({ n: "number" }), { n: Number.POSITIVE_INFINITY }],
  ])("%s is refused at enqueue", async (_, schema, payload) => {
    const { queue, job } = withSchema(schema);
    await expect(queue.enqueue(job, payload)).rejects.toMatchObject({
      code: "invalid_payload",
      message: expect.stringContaining('The payload, as JSON, does not fit the schema of "job"'),
    });
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });

  test.each<[string, StandardSchemaV1, unknown, unknown]>([
    ["zod's coerced date", z.object({ at: z.coerce.date() }), { at: date }, { at: date }],
    ["zod's transform", z.string().transform(Number), "42", 42],
    ["zod's default before a transform", z.object({ n: z.string().default("7").transform(Number) }), {}, { n: 7 }],
    ["zod's asynchronous transform", z.string().transform(async (text) => text.length), "four", 4],
    ["valibot's transform", v.pipe(v.string(), v.transform(Number)), "42", 42],
    ["valibot's default", v.object({ n: v.optional(v.number(), 7) }), {}, { n: 7 }],
    [
      "valibot's asynchronous check",
      v.pipeAsync(
        v.string(),
        v.checkAsync(async () => true),
      ),
      "text",
      "text",
    ],
    ["arktype's parsed date", type({ at: "string.date.parse" }), { at: date }, { at: date }],
    ["arktype's default", type({ n: "number = 7" }), {}, { n: 7 }],
    ["a payload that is undefined", z.undefined(), undefined, undefined],
  ])("%s reaches perform, transformed once", async (_, schema, payload, received) => {
    const { queue, job, seen } = withSchema(schema);
    const { id } = await queue.enqueue(job, payload);
    await queue.drain();
    expect(seen).toEqual([received]);
    expect(await queue.getJob(id)).toMatchObject({ state: "completed" });
  });

  test("a schema that mutates its input does not change the stored payload", async () => {
    const validate = (value: unknown) => ({ value: Object.assign(value as object, { checked: true }) });
    const { queue, job } = withSchema({ "~standard": { version: 1, vendor: "test", validate } });
    const { id } = await queue.enqueue(job, { n: 1 });
    expect((await queue.getJob(id))?.payload).toEqual({ n: 1 });
  });
});

describe("the payload is stored as it was at the call:", () => {
  const job = defineJob({
    name: "job",
    maxRetries: 0,
    schema: z.object({ n: z.number() }),
    perform() {
      throw new Error("no luck");
    },
  });
  const open = (tracing?: Tracing) => new Queue({ store: memoryStore(), jobs: [job], clock: () => start, tracing });

  test("enqueue, called repeatedly with one object", async () => {
    const queue = open();
    const item = { n: 0 };
    const sent = [1, 2, 3].map((n) => {
      item.n = n;
      return queue.enqueue(job, item);
    });
    item.n = "none" as never;
    const jobs = await Promise.all(sent.map(async (each) => queue.getJob((await each).id)));
    expect(jobs.map((each) => each?.payload)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  test("enqueue, with a tracing that waits", async () => {
    const queue = open({
      async enqueue(_, enqueue) {
        await new Promise(setImmediate);
        return enqueue();
      },
      attempt: (_, make) => make(),
    });
    const item = { n: 1 };
    const backoff: { base: Duration } = { base: "1s" };
    const sent = queue.enqueue(job, item, { backoff, maxRetries: 1 });
    item.n = 2;
    backoff.base = "1h";
    const { id } = await sent;
    expect((await queue.getJob(id))?.payload).toEqual({ n: 1 });
    await queue.drain();
    expect(await queue.getJob(id)).toMatchObject({ runAt: new Date(start + 1_000) });
  });

  test("enqueueMany", async () => {
    const queue = open();
    const bulk = [{ job, payload: { n: 1 } }];
    const sent = queue.enqueueMany(bulk);
    Object.assign(bulk[0] ?? {}, { payload: { n: 2 }, job: undefined });
    bulk.push({ job, payload: { n: 3 } });
    const [result] = await sent;
    expect((await queue.getJob(result?.id ?? ""))?.payload).toEqual({ n: 1 });
  });

  test("update and retryFromDeadLetter", async () => {
    const queue = open();
    const item = { n: 1 };
    const { id } = await queue.enqueue(job, item, { delay: "1h" });
    const updated = queue.update(id, { delay: 0, payload: item });
    item.n = 2;
    expect((await updated).payload).toEqual({ n: 1 });
    await queue.drain();
    const retried = queue.retryFromDeadLetter(id, { payload: item });
    item.n = 3;
    await retried;
    expect((await queue.getJob(id))?.payload).toEqual({ n: 2 });
  });

  test("schedules.upsert, and enqueue with cron", async () => {
    const queue = open();
    const item = { n: 1 };
    const upserted = queue.schedules.upsert("a", { job, cron: "* * * * *", payload: item });
    const enqueued = queue.enqueue(job, item, { id: "b", cron: "* * * * *" });
    item.n = 2;
    await Promise.all([upserted, enqueued]);
    expect((await queue.schedules.list()).map(({ payload }) => payload)).toEqual([{ n: 1 }, { n: 1 }]);
  });

  test("QueueClient's enqueue and enqueueMany, beyond the first piece of 1,000", async () => {
    const queue = open();
    const handler = createHandler({ queue, auth: "none", eager: false });
    const client = new QueueClient({ url: "http://localhost", fetch: (request) => handler.fetch(request) });
    const item = { n: 1 };
    const one = client.enqueue("job", item);
    const many = client.enqueueMany(Array.from({ length: 1_001 }, () => ({ job: "job", payload: item })));
    item.n = 2;
    const ids = [await one, ...(await many)].map(({ id }) => id);
    const payloads = await Promise.all([ids[0], ids[1], ids.at(-1)].map((id) => queue.getJob(id ?? "")));
    expect(payloads.map((each) => each?.payload)).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
  });
});
