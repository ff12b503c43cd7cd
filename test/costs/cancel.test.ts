import { expect, test } from "vitest";
import type { Lease } from "../../src/core/store/store.ts";
import { start as now } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { exchange, job } from "../support/store-trials.ts";
import { useRedis } from "../support/stores.ts";

const redis = useRedis();

test("to watch for running jobs that are cancelled costs no command", async () => {
  const settle = async (watches: boolean) => {
    const store = redis.store().open("default");
    const jobs = Array.from({ length: 150 }, (_, index) => job(`job-${index}`, { leaseEndsAt: now + 60_000 }));
    const [lease, ...watch] = (await store.enqueue(jobs, now)).flatMap(({ lease }) => lease ?? []) as [
      Lease,
      ...Lease[],
    ];
    await store.cancel("job-7", now, true);
    const outcome = { to: "completed" as const, lease, record: "1:{}" };
    const request = { ...exchange, settle: [outcome], ...(watches && { watch }) };
    return countCommands(redis.server.port, () => store.settle(request));
  };
  await settle(true);
  const [watching, not] = [await settle(true), await settle(false)];
  expect(watching.result).toMatchObject({ settled: [true], gone: ["job-7"] });
  expect(watching.commands).toBe(not.commands);
});
