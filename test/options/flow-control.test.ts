import { describe, expect, test } from "vitest";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";

const limits = [
  [{ concurrency: 0 }, /concurrency must be a whole number/],
  [{ concurrency: 1.5 }, /concurrency must be a whole number/],
  [{ rate: 10 }, /rate needs a period/],
  [{ period: "1m" }, /period needs a rate/],
  [{ rate: 0, period: "1m" }, /rate must be a whole number/],
  [{ rate: 1, period: "0s" }, /period must be longer than 0/],
  [{ rate: 1, period: "32d" }, /at most 31 days/],
  [{ ordered: true, concurrency: 2 }, /ordered runs one job at a time/],
  [{ ordered: "yes" }, /ordered must be true or false/],
  [{ burst: 3 }, /Unknown option "burst" in flowControl/],
] as const;

describe("flow control", () => {
  const perform = () => {};

  test.each(limits)("%j is refused by defineJob, by enqueue and by flowControl.set", async (wrong, message) => {
    const refusal = { code: "invalid_request", message: expect.stringMatching(message) };
    const flowControl = { key: "k", ...wrong } as never;
    expect(() => defineJob({ name: "work", flowControl, perform })).toThrow(expect.objectContaining(refusal));
    const queue = new Queue({ store: memoryStore(), jobs: [defineJob({ name: "work", perform })] });
    await expect(queue.enqueue("work", 1, { flowControl })).rejects.toMatchObject(refusal);
    await expect(queue.flowControl.set("k", wrong as never)).rejects.toMatchObject({ code: "invalid_request" });
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
    expect(await queue.flowControl.list()).toEqual({ keys: [], cursor: null });
  });

  test.each([
    ["nothing", () => undefined, /must be a string of 1 to 256 characters/],
    ["a number", () => 7, /must be a string of 1 to 256 characters/],
    ["a promise", async () => "k", /must be a string of 1 to 256 characters/],
    ["an empty text", () => "", /must be a string of 1 to 256 characters/],
    ["too long a text", () => "k".repeat(257), /must be a string of 1 to 256 characters/],
    ["a text with a control character", () => "a\nb", /without control characters/],
  ])("a key function that returns %s is refused, and nothing is stored", async (_, key, message) => {
    const work = defineJob({ name: "work", flowControl: { key: key as () => string }, perform });
    const queue = new Queue({ store: memoryStore(), jobs: [work] });
    const refusal = { code: "invalid_request", message: expect.stringMatching(message) };
    await expect(queue.enqueue(work)).rejects.toMatchObject(refusal);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0 });
  });

  test("the error of a key function that throws names the job and the kind of error, without the payload", async () => {
    const key = ({ secret }: { secret: string }) => {
      throw new RangeError(secret);
    };
    const work = defineJob({ name: "work", flowControl: { key }, perform: (_: { secret: string }) => {} });
    const queue = new Queue({ store: memoryStore(), jobs: [work] });
    await expect(queue.enqueue(work, { secret: "hunter2" })).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(/^(?!.*hunter2).*the job "work" threw a RangeError/i),
    });
  });

  test("the key function gets the payload as JSON, and its mutations are not stored", async () => {
    const seen: unknown[] = [];
    const work = defineJob({
      name: "work",
      flowControl: {
        key: (payload: { at: Date; tenant: string }) => {
          seen.push(payload.at);
          const { tenant } = payload;
          payload.tenant = "changed";
          return tenant;
        },
      },
      perform: (_: { at: Date; tenant: string }) => {},
    });
    const queue = new Queue({ store: memoryStore(), jobs: [work] });
    const { id } = await queue.enqueue("work", { at: new Date(0), tenant: "t-1" });
    expect(seen).toEqual(["1970-01-01T00:00:00.000Z"]);
    expect(await queue.getJob(id)).toMatchObject({ payload: { tenant: "t-1" } });
    expect(await queue.flowControl.get("t-1")).toMatchObject({ waiting: 1 });
  });

  test("limits without a key are refused", async () => {
    const queue = new Queue({ store: memoryStore(), jobs: [defineJob({ name: "work", perform })] });
    await expect(queue.enqueue("work", 1, { flowControl: { concurrency: 1 } })).rejects.toThrow(/needs a key/);
  });

  test("a queue that does not know the definition sets no key", async () => {
    const queue = new Queue({ store: memoryStore() });
    await queue.enqueue("work", { tenant: "t-1" });
    expect(await queue.flowControl.list()).toEqual({ keys: [], cursor: null });
  });
});
