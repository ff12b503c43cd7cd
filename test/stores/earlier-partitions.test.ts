import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineJob, partitioned, Queue } from "../../src/index.ts";
import { earlierKeysOf, keysOf } from "../../src/stores/redis/keys.ts";
import { start } from "../support/clock.ts";
import { openStage, type Stage } from "../support/stage.ts";

// The first versions named the keys of partitions {QUEUE/0} and so on, under the same text for how the queue is spread.

const plain = defineJob({ name: "plain", perform() {} });
const guarded = ["due", "jobs", "dead", "dead:jobs", "done", "dedupe", "schedules"] as const;

describe("a queue whose partitions an earlier version has stored", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  async function storedEarlier() {
    const prefix = stage.prefix();
    const keys = keysOf(prefix, "default");
    await stage.redis.send(["MSET", ...guarded.flatMap((name) => [keys[name], "partitions:3"])]);
    const open = () =>
      new Queue({ store: partitioned(stage.store(prefix), 3), jobs: [plain], clock: () => start, logger: null });
    return { keys, open };
  }

  test("is refused, and unchanged, while jobs stand under the key names of then", async () => {
    const { keys, open } = await storedEarlier();
    const { due } = earlierKeysOf(keys, 2);
    await stage.redis.send(["ZADD", due, "1", "job"]);
    for (const call of [() => open().enqueue(plain), () => open().drain(), () => open().getStats()])
      await expect(call()).rejects.toMatchObject({
        code: "invalid_request",
        message: expect.stringContaining(due),
      });
    expect(await stage.redis.send(["GET", keys.due])).toBe("partitions:3");
  });

  test("is opened once they are done, and not searched again", async () => {
    const { keys, open } = await storedEarlier();
    await open().enqueue(plain);
    expect(await stage.redis.send(["GET", keys.due])).toBe("partitions:3:0/1");
    await stage.redis.send(["ZADD", earlierKeysOf(keys, 2).due, "1", "job"]);
    expect(await open().drain()).toMatchObject({ completed: 1 });
  });
});
