import { describe, expect, test } from "vitest";
import { QueueClient } from "../../src/client/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";

// What plain JavaScript can pass: the compiler checks none of it.
type Anything = never;

const note = defineJob({ name: "note", perform() {} });
const token = "a-token-of-the-tests";

function setUp() {
  const queue = new Queue({ store: memoryStore(), jobs: [note], logger: null });
  const handler = createHandler({ queue, auth: { admin: [token] }, drain: { maxJobs: 1 } });
  const client = new QueueClient({
    url: "https://queue.test",
    token,
    fetch: async (...request) => handler.fetch(new Request(...request)),
  });
  return { queue, client };
}

class Options {
  readonly #delay = "1h";
  get delay() {
    return this.#delay;
  }
}

describe("options of a queue that inherit from something else are refused, since they would be ignored", () => {
  test.each<[string, (queue: Queue, given: Anything) => Promise<unknown>]>([
    ["enqueue", (queue, given) => queue.enqueue(note, undefined, given)],
    ["enqueueMany", (queue, given) => queue.enqueueMany([{ job: note }], given)],
    ["drain", (queue, given) => queue.drain(given)],
    ["listJobs", (queue, given) => queue.listJobs(given)],
    ["clear", (queue, given) => queue.clear(given)],
    ["removeFromDeadLetter", (queue, given) => queue.removeFromDeadLetter(given)],
  ])("%s", async (_, call) => {
    const { queue } = setUp();
    for (const given of [new Options(), new Map(), new Date(), new Error("no"), Object.create({ delay: "1h" })]) {
      await expect(call(queue, given as Anything)).rejects.toMatchObject({ code: "invalid_request" });
    }
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });
});

test("a function that is none is refused before a job is stored, by a queue and by a client", async () => {
  const { queue, client } = setUp();
  for (const calls of [queue, client]) {
    const stored = calls.enqueueMany([{ job: note }], { onProgress: 5 as Anything });
    await expect(stored).rejects.toMatchObject({ code: "invalid_request" });
  }
  expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
});

test("a client clears nothing for options that a queue refuses", async () => {
  const { queue, client } = setUp();
  await queue.enqueue(note, undefined, { delay: "1h" });
  for (const given of [{ state: null }, { sate: "dead" }, 5, [], new Date()]) {
    await expect(client.clear(given as Anything)).rejects.toMatchObject({ code: "invalid_request" });
  }
  expect(await queue.getStats()).toMatchObject({ pendingCount: 1 });
  expect(await client.clear()).toEqual({ cleared: 1 });
});

test("the cursor of a last page, null, is the first page's, in a queue and in a client", async () => {
  const { queue, client } = setUp();
  await queue.enqueue(note, undefined, { delay: "1h" });
  const cursor = null as Anything;
  for (const calls of [queue, client]) {
    expect(await calls.listJobs({ cursor })).toMatchObject({ jobs: [{ name: "note" }] });
    expect(await calls.flowControl.list({ cursor })).toMatchObject({ keys: [] });
  }
  expect(await queue.reschedulePending({ all: true }, "2h", { cursor })).toMatchObject({ rescheduled: 1 });
});
