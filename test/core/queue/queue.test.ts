import { describe, expect, test } from "vitest";
import { checkQueue, isQueue } from "../../../src/core/queue/queue.ts";
import { type DrainOptions, memoryStore, Queue } from "../../../src/index.ts";

describe("a queue", () => {
  test.each(["held", "heldOnly", "before", "slots", "longestAttemptMs", "afterwards"])(
    "drains with public options only, and refuses %s",
    async (option) => {
      const queue = new Queue({ store: memoryStore() });
      await expect(queue.drain({ [option]: 1 } as DrainOptions)).rejects.toMatchObject({
        code: "invalid_request",
        message: expect.stringContaining(`Unknown option "${option}" in drain`),
      });
    },
  );

  test("does not expose its internals", () => {
    expect(Object.keys(new Queue({ store: memoryStore() }))).toEqual(["schedules", "flowControl"]);
  });

  test("is not mistaken for another object with the same methods", () => {
    const queue = new Queue({ store: memoryStore() });
    expect(isQueue(queue)).toBe(true);
    expect(isQueue({ drain: queue.drain, jobNames: [] })).toBe(false);
    for (const other of [undefined, null, "queue", {}]) expect(() => checkQueue(other)).toThrow("A queue must be");
  });
});
