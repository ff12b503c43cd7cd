import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineJob, Queue, type Store } from "../../src/index.ts";
import { type Command, Connection, type Transport } from "../../src/stores/redis/connection.ts";
import { keysOf } from "../../src/stores/redis/keys.ts";
import { redisQueue } from "../../src/stores/redis/queue.ts";
import { clockByHand, start } from "../support/clock.ts";
import { readStored, storedBreaches } from "../support/invariants.ts";
import { RespClient, RespError } from "../support/resp.ts";
import { useRedis } from "../support/stores.ts";

// A single job with a generated id is stored by two plain commands. Others may run between them, and one may be lost.

const day = 86_400_000;
const noop = defineJob({ name: "noop", perform(_?: unknown) {} });

/** Decides about each of the next commands that are sent together: runs it, or not. */
type Conduct = (run: () => Promise<unknown>, index: number) => Promise<unknown>;

const redis = useRedis();
let client: RespClient;
beforeAll(async () => {
  client = await RespClient.connect(redis.server.port);
});
afterAll(() => client.close());

let prefixes = 0;

function setUp() {
  const prefix = `half-${prefixes++}`;
  const clock = clockByHand(start);
  let next: { readonly conduct: Conduct; readonly isAnswered: boolean } | undefined;
  const send = async (command: Command) => {
    const reply = await client.send(command);
    if (reply instanceof RespError) throw new Error(reply.message);
    return reply;
  };
  const transport: Transport = {
    lockingAddress: undefined,
    keepsOrder: true,
    words: { access: "", lost: "" },
    send,
    async sendMany(commands) {
      const { conduct, isAnswered } = next ?? { conduct: (run) => run(), isAnswered: true };
      next = undefined;
      const answers: unknown[] = [];
      for (const [index, command] of commands.entries())
        answers.push(await conduct(() => send(command), index).catch((error: unknown) => error));
      if (!isAnswered) throw new Error("The connection was lost.");
      return answers;
    },
  };
  const connection = new Connection(transport, async () => {});
  const store: Store = {
    open: (name, meter) => redisQueue(connection, keysOf(prefix, name), meter, () => 0.5),
  };
  const queue = new Queue({ store, jobs: [noop], clock, retention: 0 });
  return {
    queue,
    clock,
    stored: () => readStored(client, prefix),
    /** Makes an enqueue end like this, and loses its answers unless they are `answered`. */
    meet(conduct: Conduct, answered: "answered" | "lost" = "lost") {
      next = { conduct, isAnswered: answered === "answered" };
    },
  };
}

const firstOnly: Conduct = async (run, index) => (index === 0 ? run() : undefined);
const secondOnly: Conduct = async (run, index) => (index === 1 ? run() : undefined);
const refused =
  (which: number): Conduct =>
  async (run, index) => {
    if (index === which) throw new Error("OOM command not allowed when used memory > 'maxmemory'.");
    return run();
  };

/** Stores the record of a job whose place never follows, as an invocation does that is killed in between. */
async function leaveRecord({ queue, meet }: ReturnType<typeof setUp>): Promise<void> {
  await new Promise<void>((resolve) => {
    meet(async (run, index) => {
      if (index === 0) return run();
      resolve();
      return new Promise(() => {});
    });
    void queue.enqueue(noop);
  });
}

describe("a job whose record is stored and whose place in the queue is not", () => {
  test("is in no list and no count, and blocks no other job", async () => {
    const scene = setUp();
    await leaveRecord(scene);
    const { queue, stored } = scene;
    const [id = ""] = (await stored()).jobs.keys();
    expect(await queue.getJob(id)).toBeNull();
    expect((await queue.listJobs()).jobs).toEqual([]);
    expect(await queue.getStats()).toMatchObject({ totalEnqueued: 0, pendingCount: 0, runningCount: 0 });
    await expect(queue.cancel(id)).rejects.toMatchObject({ code: "not_found" });
    expect(await queue.drain()).toMatchObject({ claimed: 0, stoppedBy: "empty", nextRunAt: null });
    expect(await queue.clear()).toEqual({ cleared: 0 });
    expect((await queue.enqueue(noop, undefined, { id })).status).toBe("enqueued");
    expect(await queue.drain()).toMatchObject({ completed: 1 });
  });

  test("is removed by the first settling exchange of the next day, and no other job is", async () => {
    const scene = setUp();
    const { queue, clock, stored } = scene;
    await queue.enqueue(noop);
    await queue.drain();
    await leaveRecord(scene);
    const waits = await queue.enqueue(noop, undefined, { delay: "30d" });
    const own = await queue.enqueue(noop, undefined, { delay: "30d", id: "order-7" });
    clock.now += day;
    await queue.enqueue(noop);
    await queue.drain();
    expect(new Set((await stored()).jobs.keys())).toEqual(new Set([waits.id, own.id]));
    expect(storedBreaches(await stored(), clock.now)).toEqual([]);
  });

  test("is left alone while it is younger than an hour, since its place may follow", async () => {
    const scene = setUp();
    const { queue, clock, stored } = scene;
    await queue.enqueue(noop);
    await queue.drain();
    clock.now += day;
    await leaveRecord(scene);
    await queue.enqueue(noop);
    await queue.drain();
    expect((await stored()).jobs.size).toBe(1);
  });
});

describe("an enqueue whose answers are lost", () => {
  const losses: readonly (readonly [string, Conduct])[] = [
    ["before either command has run", async () => undefined],
    ["after its first command", firstOnly],
    ["after its second command alone", secondOnly],
    ["after both", (run) => run()],
  ];
  test.each(losses)("%s is completed by a resend, and its job runs once", async (_, conduct) => {
    const { queue, clock, stored, meet } = setUp();
    meet(conduct);
    expect(await queue.enqueue(noop)).toMatchObject({ status: "enqueued" });
    expect(storedBreaches(await stored(), clock.now)).toEqual([]);
    expect(await queue.drain()).toMatchObject({ claimed: 1, completed: 1 });
    expect((await stored()).jobs.size).toBe(0);
  });
});

describe("an enqueue for which Redis refuses", () => {
  test.each([
    ["the record", 0],
    ["the place", 1],
  ])("%s throws and leaves nothing but the mark that the queue was used", async (_, which) => {
    const { queue, stored, meet } = setUp();
    meet(refused(which), "answered");
    await expect(queue.enqueue(noop)).rejects.toMatchObject({ code: "store_unavailable" });
    const { due, jobs } = await stored();
    expect([[...due.keys()], jobs.size]).toEqual([[], 0]);
  });
});

test("a drain between the two commands of an enqueue leaves its job alone, which runs afterwards", async () => {
  const { queue, clock, meet } = setUp();
  await queue.enqueue(noop);
  await queue.drain();
  clock.now += day;
  meet(async (run, index) => {
    if (index === 1) {
      await queue.enqueue(noop, undefined, { id: "meanwhile" });
      expect(await queue.drain()).toMatchObject({ claimed: 1 });
    }
    return run();
  }, "answered");
  const { id } = await queue.enqueue(noop);
  expect(await queue.getJob(id)).toMatchObject({ state: "ready" });
  expect(await queue.drain()).toMatchObject({ completed: 1 });
});

test("an id that newId returns twice is a duplicate, and the first job stays unchanged", async () => {
  const { queue } = setUp();
  const id = "019c8a5e-0000-7000-8000-000000000000";
  const store = redis.store();
  const twice = new Queue({ store, jobs: [noop], newId: () => id, clock: queue.clock });
  expect(await twice.enqueue(noop, "first", { delay: "1h" })).toMatchObject({ id, status: "enqueued" });
  expect(await twice.enqueue(noop, "second")).toMatchObject({ id, status: "duplicate" });
  expect(await twice.getJob(id)).toMatchObject({ payload: "first", state: "scheduled" });
});
