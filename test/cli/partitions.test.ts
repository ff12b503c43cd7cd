import { describe, expect, test } from "vitest";
import { partitioned } from "../../src/index.ts";
import { drainAll } from "../../src/testing/index.ts";
import { useRedis } from "../support/stores.ts";
import { documentOf, inRedis, sendEmail } from "./run-cli.ts";

describe("straight on Redis, a partitioned queue", () => {
  const redis = useRedis();
  const inFour = () => inRedis(redis, {}, (store) => partitioned(store, 4));

  test("is counted as a whole, and the report names its partitions", async () => {
    const { queue, cli } = inFour();
    for (let job = 0; job < 20; job++) await queue.enqueue(sendEmail, { to: "ada" });
    expect(documentOf(await cli(["queue:list", "--json"]))).toMatchObject({ pendingCount: 20 });
    expect((await cli(["queue:list"])).stdout).toContain("(4 partitions)");
    expect(documentOf(await cli(["queue:jobs", "--json"]))).toMatchObject({ jobs: { length: 20 } });
  });

  test("drains what queue:enqueue stores, with and without an id", async () => {
    const { queue, cli } = inFour();
    await queue.drain();
    for (let job = 0; job < 6; job++) await cli(["queue:enqueue", "send_email", '{"to":"ada"}', "--id", `job-${job}`]);
    expect(await queue.getJob("job-3")).toMatchObject({ state: "ready" });
    await drainAll(queue);
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 6, pendingCount: 0, runningCount: 0 });
  });

  test("is drained by queue:work", async () => {
    const { queue, cli, knowing } = inFour();
    for (let job = 0; job < 6; job++) await queue.enqueue(sendEmail, { to: "ada" });
    expect(documentOf(await cli(["queue:work", "--once", "--json", ...knowing]))).toMatchObject({ completed: 6 });
  });
});
