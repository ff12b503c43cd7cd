import { beforeEach, describe, expect, test } from "vitest";
import { resize, sendEmail } from "../../examples/guide/define.ts";
import { importRows } from "../../examples/guide/import-rows.ts";
import { insertRow } from "../../examples/guide/insert-rows.ts";
import { openQueue, openStores } from "../../examples/guide/queue.ts";
import { outbox, table } from "../../examples/guide/services.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { performJob, testClock } from "../../src/testing/index.ts";
import { useRedis } from "../support/stores.ts";

beforeEach(() => {
  outbox.length = 0;
  table.clear();
});

describe("defining jobs", () => {
  test("a payload is checked by its schema, and perform gets the schema's defaults", async () => {
    const queue = openQueue(memoryStore());
    const { id } = await queue.enqueue(sendEmail, { to: "ada@example.com" });
    expect(await queue.getJob(id)).toMatchObject({ payload: { to: "ada@example.com" } });
    await queue.drain();
    expect(outbox).toEqual([{ to: "ada@example.com", subject: "Hello", key: id }]);
    await expect(queue.enqueue("send_email", { to: 7 })).rejects.toMatchObject({
      code: "invalid_payload",
      issues: [{ path: ["to"] }],
    });
  });

  test("a payload that no longer fits its schema goes to the dead letter with that reason", async () => {
    const store = memoryStore();
    const { id } = await new Queue({ store }).enqueue("send_email", { recipient: "ada@example.com" });
    const queue = openQueue(store);
    expect(await queue.drain()).toMatchObject({ deadLettered: 1, retried: 0 });
    expect((await queue.getJob(id))?.error?.message).toMatch(/no longer fits the schema of "send_email"/);
  });

  test("a batch handler stores the valid rows, and fails the others permanently", async () => {
    const queue = new Queue({ store: memoryStore(), logger: null, jobs: [insertRow] });
    await queue.enqueueMany([4, -1, 9].map((price) => ({ job: insertRow, payload: { sku: `at ${price}`, price } })));
    expect(await queue.drain()).toMatchObject({ completed: 2, deadLettered: 1 });
    expect([...table.values()]).toEqual(["at 4", "at 9"]);
  });

  test("a result is kept with the job", async () => {
    const queue = openQueue(memoryStore());
    const { id } = await queue.enqueue(resize, { image: "cat.png", width: 80 });
    await queue.drain();
    expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: "cat.png is 80 wide now" });
  });

  test("completed jobs are kept for the retention, and no longer", async () => {
    const clock = testClock();
    const store = memoryStore();
    const queue = new Queue({ store, jobs: [resize], clock, retention: "7d" });
    const { id } = await queue.enqueue(resize, { image: "cat.png", width: 80 });
    await queue.drain();
    await clock.advance("6d");
    expect(await queue.getJob(id)).toMatchObject({ state: "completed" });
    await clock.advance("1d");
    expect(await queue.getJob(id)).toBeNull();
  });

  test("a long job reports its progress, and handles each row once however often it runs", async () => {
    const first = await performJob(importRows, { file: "january.csv" }, { id: "import" });
    expect(first).toMatchObject({
      status: "completed",
      result: { imported: 120 },
      progress: [{ done: 100, of: 120 }],
    });
    await performJob(importRows, { file: "january.csv" }, { id: "import", attempt: 2 });
    expect(table.size).toBe(120);
  });

  test("a name that no worker knows is retried as a failure", async () => {
    const store = memoryStore();
    await new Queue({ store }).enqueue("renamed", {});
    expect(await openQueue(store).drain()).toMatchObject({ retried: 1 });
  });
});

describe("the stores", () => {
  const redis = useRedis();

  test("each keep a queue", async () => {
    const { url, token } = redis.shim;
    const { stores, client } = await openStores({
      UPSTASH_REDIS_REST_URL: url,
      UPSTASH_REDIS_REST_TOKEN: token,
      REDIS_URL: `redis://127.0.0.1:${redis.server.port}`,
    });
    for (const [name, store] of Object.entries(stores)) {
      const queue = new Queue({ name, store, jobs: [resize] });
      await queue.enqueue(resize, { image: "cat.png", width: 80 });
      expect(await queue.drain()).toMatchObject({ completed: 1 });
    }
    client.destroy();
  });
});
