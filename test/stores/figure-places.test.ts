import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { start } from "../support/clock.ts";
import { RespClient } from "../support/resp.ts";
import { useRedis } from "../support/stores.ts";

// A process remembers where the figures of a name are, so that it need not read it for a job that it has leased at
// enqueue.

const names = ["one", "two", "three"] as const;
const jobs = names.map((name) => defineJob({ name, perform: () => {} }));
const jobOf = (name: (typeof names)[number]) => jobs[names.indexOf(name)] as (typeof jobs)[0];

describe("where the figures of a name are", () => {
  const redis = useRedis();
  let client: RespClient;
  beforeAll(async () => {
    client = await RespClient.connect(redis.server.port);
  });
  afterAll(() => client.close());
  let prefixes = 0;

  /** Opens the queue as several processes do. */
  function openProcesses() {
    const prefix = `places-${prefixes++}`;
    return [0, 1].map(() => new Queue({ store: redis.store(prefix), jobs, clock: () => start })) as [Queue, Queue];
  }

  const eager = async (queue: Queue, name: (typeof names)[number]) => {
    const { held } = await internalsOf(queue).enqueueHeld([{ job: jobOf(name) }]);
    await internalsOf(queue).drain({ held, heldOnly: true });
  };
  const totals = async (queue: Queue) =>
    Object.fromEntries((await queue.getFigures()).names.map(({ name, total }) => [name, total.processed]));

  test("stays the same for all processes, whichever of them meets a name first", async () => {
    const [a, b] = openProcesses();
    await eager(a, "one");
    await eager(b, "two");
    await eager(a, "three");
    for (const queue of [a, b]) for (const name of names) await eager(queue, name);
    await a.enqueueMany(jobs.map((job) => ({ job })));
    await b.drain();
    expect(await totals(a)).toEqual({ one: 4, two: 4, three: 4 });
  });

  test("is found anew after the database was emptied, although a process remembers another place", async () => {
    const [a, b] = openProcesses();
    for (const name of names) await eager(a, name);
    await client.send(["FLUSHALL"]);
    await eager(b, "three");
    await eager(b, "one");
    // It remembers that the first place is that of "one", which is that of "three" by now.
    await eager(a, "one");
    await eager(a, "three");
    await eager(a, "two");
    const { names: figures } = await a.getFigures({ days: 1 });
    const seen = figures.map(({ name, total, hour, days }) => [
      name,
      ...[total, hour, ...days].map(({ processed }) => processed),
    ]);
    expect(seen).toEqual([
      ["one", 2, 2, 2],
      ["three", 2, 2, 2],
      ["two", 1, 1, 1],
    ]);
  });

  test("is not needed by a queue that observes nothing, which leaves nothing in the set", async () => {
    const prefix = `places-${prefixes++}`;
    const queue = new Queue({ store: redis.store(prefix), jobs, clock: () => start, observe: false });
    await eager(queue, "one");
    await queue.enqueue(jobOf("two"));
    await queue.drain();
    expect(await client.send(["ZRANGE", `${prefix}:{default}:due`, "0", "-1"])).toEqual([]);
  });
});
