import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otherServers, pathOf } from "../../scripts/other-servers.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { RespClient } from "../support/resp.ts";
import { useRedis } from "../support/stores.ts";

// Servers without HSETEX: Redis before 8, Valkey before 9.
const approval = defineJob({ name: "approval", perform: (_, job) => job.waitFor("paid", { timeout: "1d" }) });
const note = defineJob({ name: "note", perform: () => ({ noted: true }) });

describe.each([
  { name: "redis-server whose user may not call HSETEX", server: undefined },
  ...otherServers.filter(pathOf).map((server) => ({ name: server.name, server })),
])("on $name", ({ server }) => {
  const redis = useRedis({ server });
  let client: RespClient;
  let prefixes = 0;
  beforeAll(async () => {
    client = await RespClient.connect(redis.server.port);
    // An older server does not even have the command.
    await client.send(["ACL", "SETUSER", "default", "-hsetex"]);
  });
  afterAll(() => client.close());

  function setUp() {
    const prefix = `own-${prefixes++}`;
    const clock = clockByHand(start);
    const { url, token } = redis.shim;
    const store = upstashStore({ url, token, prefix });
    const queue = new Queue({ store, clock, jobs: [note, approval], retention: "1h", observe: false });
    const size = async (key: string) =>
      Number(await client.send([key === "expiry" ? "ZCARD" : "HLEN", `${prefix}:{default}:${key}`]));
    return { queue, clock, size };
  }

  test("a job is performed and kept without HSETEX, from the first call on", async () => {
    const { queue } = setUp();
    const { id } = await queue.enqueue(note, undefined, { id: "order-7" });
    expect(await queue.drain()).toMatchObject({ completed: 1, lost: 0 });
    expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: { noted: true } });
    expect(await queue.enqueue(note, undefined, { id: "order-7" })).toMatchObject({ status: "duplicate" });
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 1, totalProcessed: 1, completedCount: 1 });
  });

  test("completed jobs expire by the clock of the queue, and leave nothing behind", async () => {
    const { queue, clock, size } = setUp();
    await queue.enqueueMany([{ job: note, id: "order-7" }, { job: note }]);
    await queue.enqueue(note, undefined, { dedupe: { key: "user-7", ttl: "10m" } });
    await queue.drain();
    expect([await size("jobs"), await size("dedupe"), await size("expiry")]).toEqual([3, 1, 1]);
    clock.now += 3_600_000;
    expect(await queue.getStats()).toMatchObject({ completedCount: 0 });
    expect(await queue.enqueue(note, undefined, { id: "order-7" })).toMatchObject({ status: "enqueued" });
    expect([await size("jobs"), await size("dedupe"), await size("expiry")]).toEqual([1, 0, 0]);
  });

  test("a dedupe window lasts as long as its ttl", async () => {
    const { queue, clock } = setUp();
    const options = { dedupe: { key: "user-7", ttl: "10m" }, delay: "1d" } as const;
    const { id } = await queue.enqueue(note, undefined, options);
    expect(await queue.enqueue(note, undefined, options)).toMatchObject({ id, status: "duplicate" });
    clock.now += 600_000;
    expect(await queue.enqueue(note, undefined, options)).toMatchObject({ status: "enqueued" });
  });

  test("a signal is kept for as long as it says, though a later one of its event is kept for less", async () => {
    const { queue, clock } = setUp();
    await queue.signal("paid", "for 7 days");
    await queue.signal("paid", "for a minute", { keep: "1m" });
    clock.now += 3_600_000;
    await queue.getStats();
    const { id } = await queue.enqueue(approval);
    await queue.drain();
    expect(await queue.getJob(id)).toMatchObject({ result: "for 7 days" });
  });

  test("signals leave nothing behind, even if no job ever completes", async () => {
    const { queue, clock, size } = setUp();
    await queue.signal("paid", 1, { id: "a" });
    await queue.signal("approved", 2, { id: "b", keep: "1m" });
    clock.now += 7 * 86_400_000;
    await queue.signal("paid", 3, { id: "c", keep: 0 });
    expect([await size("signals"), await size("expiry")]).toEqual([1, 1]);
  });

  test("keeping completed jobs costs 2 more commands per exchange, and 4 if something has expired", async () => {
    const { queue, clock } = setUp();
    const round = async () => {
      const { held } = await internalsOf(queue).enqueueHeld([{ job: note }]);
      await internalsOf(queue).drain({ held, heldOnly: true });
    };
    await round();
    await round();
    const count = async () => (await countCommands(redis.server.port, round)).commands;
    expect(await count()).toBe(10 + 2);
    clock.now += 3_600_000;
    await round();
    clock.now += 3_600_000;
    expect(await count()).toBe(10 + 4);
  });
});
