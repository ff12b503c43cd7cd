import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Target } from "../../src/cli/connect.ts";
import { checkQueue } from "../../src/cli/doctor/queue.ts";
import { connect } from "../../src/client/transport.ts";
import type { Outcome } from "../../src/core/store/store.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { openStage, type Stage } from "../support/stage.ts";

// A missing permission, or a key of a wrong type, stops a script half-way, and nothing is undone.

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const minute = 60_000;

/** Makes a key of a queue one of a wrong type. Returns what brings the key back. */
async function spoil(key: string): Promise<() => Promise<unknown>> {
  const { redis } = stage;
  const exists = (await redis.send(["EXISTS", key])) === 1;
  if (exists) await redis.send(["RENAME", key, `${key}:saved`]);
  await redis.send(key.includes(":stats") ? ["LPUSH", key, "x"] : ["SET", key, "x"]);
  return async () => {
    await redis.send(["DEL", key]);
    if (exists) await redis.send(["RENAME", `${key}:saved`, key]);
  };
}

async function forbid(command: string): Promise<() => Promise<unknown>> {
  await stage.redis.send(["ACL", "SETUSER", "default", `-${command}`]);
  return () => stage.redis.send(["ACL", "SETUSER", "default", `+${command}`]);
}

const keys = ["done:order", "stats:recent", "families", "dead:jobs", "flow", "lanes", "signals"];
const commands = ["hdel", "zadd", "hset", "zrem", "append", "hsetex"];

describe.each([
  ...keys.map((key) => [`${key} has a wrong type`, (prefix: string) => spoil(`${prefix}:{default}:${key}`)] as const),
  ...commands.map((command) => [`${command} is not allowed`, () => forbid(command)] as const),
])("while %s", (_, stop) => {
  test.each([false, true])("no job is lost, and no parent starts early (a child fails: %s)", async (fails) => {
    const prefix = stage.prefix();
    const clock = clockByHand(start);
    const ran = new Set<string>();
    const early: string[] = [];
    const note = (name: string) => void ran.add(name);
    const child = defineJob({
      name: "child",
      maxRetries: 0,
      perform(number: number) {
        note(`child ${number}`);
        if (fails && number === 0) throw new Error("no");
      },
    });
    const parent = defineJob({
      name: "parent",
      perform() {
        if ([...ran].filter((name) => name.startsWith("child")).length < 4) early.push("parent");
        note("parent");
      },
    });
    const keyed = defineJob({ name: "keyed", perform: (number: number) => note(`keyed ${number}`) });
    const store = stage.directStore(prefix);
    const queue = new Queue({ store, jobs: [child, parent, keyed], clock, logger: null });
    const childFlow = { flowControl: { key: "c", concurrency: 2 } };
    const children = [0, 1, 2, 3].map((payload) => ({ job: child, payload, ...childFlow }));
    await queue.enqueue(parent, undefined, { children });
    const numbers = Array.from({ length: 6 }, (_, number) => number);
    const keyedFlow = { flowControl: { key: "k", concurrency: 1 } };
    await queue.enqueueMany(numbers.map((payload) => ({ job: keyed, payload, ...keyedFlow })));
    await queue.drain({ maxJobs: 2 });
    for (let time = 0; time < 3; time++) {
      const repair = await stop(prefix);
      await queue.drain({ maxJobs: 3 }).catch(() => {});
      await repair();
      clock.now += 20 * minute;
    }
    for (let time = 0; time < 12; time++) {
      await queue.drain();
      clock.now += 20 * minute;
    }
    const all = ["parent", ...children.map((_, n) => `child ${n}`), ...numbers.map((n) => `keyed ${n}`)];
    expect([...ran].sort()).toEqual(all.sort());
    expect(early).toEqual([]);
    expect(await queue.getStats()).toMatchObject({ pendingCount: 0, runningCount: 0 });
  });
});

test("a slot that no job holds is told by the doctor, and resuming the key counts its slots again", async () => {
  const prefix = stage.prefix();
  const store = stage.directStore(prefix);
  const ran: number[] = [];
  const noop = defineJob({ name: "noop", perform() {} });
  const keyed = defineJob({ name: "keyed", perform: (number: number) => void ran.push(number) });
  const queue = new Queue({ store, jobs: [keyed, noop], clock: () => start, logger: null });
  const flowControl = { key: "k", concurrency: 1 };
  await queue.enqueueMany([0, 1].map((payload) => ({ job: keyed, payload, flowControl })));
  await queue.schedules.upsert("often", { job: noop, every: "1s" });
  const port = store.open("default");
  const claim = { limit: 10, leaseMs: minute };
  const { jobs } = await port.exchange({ now: start, retentionMs: 0, settle: [], fire: [], claim });
  const settle = jobs.map(({ lease, record }): Outcome => ({ to: "completed", lease, record }));
  // The exchange settles the job, and stops when it fires the schedule.
  const repair = await spoil(`${prefix}:{default}:schedules`);
  const stopped = port.exchange({ now: start + 1_000, retentionMs: 0, settle, fire: [], claim });
  await expect(stopped).rejects.toMatchObject({ code: "store_unavailable" });
  await repair();
  expect(await queue.flowControl.get("k")).toMatchObject({ running: 1, waiting: 1 });
  await queue.drain();
  expect(ran).toEqual([]);
  const handler = createHandler({ queue, auth: "none" });
  const send = connect({ url: "http://localhost", fetch: (request) => handler.fetch(request) });
  const target = { send, jobNames: undefined, command: (words: string) => words } as Target;
  const found = (await checkQueue(target, send, start)).find(({ check }) => check === "flow control");
  expect(found).toMatchObject({ status: "warn", advice: expect.stringContaining("queue:flow resume KEY") });
  await queue.flowControl.resume("k");
  await queue.drain();
  expect(ran).toEqual([1]);
  expect(await checkQueue(target, send, start)).not.toContainEqual(expect.objectContaining({ check: "flow control" }));
});

test("no job is lost whose lease ran out, and whose place in line could not be stored", async () => {
  const prefix = stage.prefix();
  const clock = clockByHand(start);
  const store = stage.directStore(prefix);
  const ran: number[] = [];
  const keyed = defineJob({ name: "keyed", perform: (number: number) => void ran.push(number) });
  const queue = new Queue({ store, jobs: [keyed], clock, logger: null });
  const numbers = Array.from({ length: 40 }, (_, number) => number);
  const flowControl = { key: "k", concurrency: 1 };
  await queue.enqueueMany(numbers.map((payload) => ({ job: keyed, payload, flowControl })));
  const claim = { limit: 10, leaseMs: minute, runs: { ms: minute, jobMs: 10, startable: 10 } };
  const exchange = () => store.open("default").exchange({ now: clock(), retentionMs: 0, settle: [], fire: [], claim });
  expect((await exchange()).jobs).toHaveLength(10);
  clock.now += 2 * minute;
  // Those that ride go back in line, before the sixteen that stand in `flow`: so some of these move on to `lanes`.
  const repair = await spoil(`${prefix}:{default}:lanes`);
  await expect(exchange()).rejects.toMatchObject({ code: "store_unavailable" });
  await repair();
  await queue.flowControl.resume("k");
  for (let time = 0; time < 10; time++) {
    clock.now += 20 * minute;
    await queue.drain();
  }
  expect([...new Set(ran)].sort((one, other) => one - other)).toEqual(numbers);
});
