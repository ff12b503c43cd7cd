import { afterAll, beforeAll, expect, test } from "vitest";
import { Queue } from "../../src/index.ts";
import { RespClient } from "../support/resp.ts";
import { useRedis } from "../support/stores.ts";

const redis = useRedis();
let client: RespClient;
beforeAll(async () => {
  client = await RespClient.connect(redis.server.port);
});
afterAll(() => client.close());

test("Redis keeps the signals of an event until the last of them ends, in whatever order they come", async () => {
  const queue = new Queue({ store: redis.store("kept"), logger: null });
  const daysLeft = async (event: string) => {
    const [ms] = (await client.send(["HPTTL", "kept:{default}:signals", "FIELDS", 1, `e${event}`])) as number[];
    return Math.round((ms ?? 0) / 86_400_000);
  };
  await queue.signal("paid", 1);
  await queue.signal("paid", 2, { keep: "1m" });
  await queue.signal("approved", 1, { keep: "1m" });
  await queue.signal("approved", 2);
  expect([await daysLeft("paid"), await daysLeft("approved")]).toEqual([7, 7]);
});
