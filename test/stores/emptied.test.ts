import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { keysOf } from "../../src/stores/redis/keys.ts";
import { clockByHand, start } from "../support/clock.ts";
import { openStage, type Stage } from "../support/stage.ts";

// What a process remembers of a database that was emptied, or of which Redis has evicted keys, under it.

const plain = defineJob({ name: "plain", perform: (_: unknown) => {} });
const hourly = defineJob({ name: "hourly", schedule: { cron: "0 * * * *" }, perform() {} });
const minute = 60_000;

describe("a database that is emptied under a process", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  function setUp() {
    const prefix = stage.prefix();
    const clock = clockByHand(start);
    const lines: string[] = [];
    const note = (line: string) => void lines.push(line);
    const logger = { warn: note, error: note };
    const keys = async () => (await stage.redis.send(["KEYS", `${prefix}:*`])) as string[];
    const empty = async () => stage.redis.send(["DEL", ...(await keys())]);
    const store = stage.store(prefix);
    const queue = new Queue({ store, jobs: [plain, hourly], clock, logger });
    return { prefix, clock, lines, store, empty, queue, default: keysOf(prefix, "default") };
  }

  const keysOfSchedules = async (queue: Queue) => (await queue.schedules.list()).map(({ key }) => key);

  test("gets the declared schedules again, from an idle process too", async () => {
    const { queue, empty, lines } = setUp();
    await queue.drain();
    await empty();
    await queue.drain();
    await queue.drain();
    expect(await keysOfSchedules(queue)).toEqual(["hourly"]);
    expect(lines).toEqual([expect.stringMatching(/The schedules that the code declares were gone from the database/)]);
  });

  test("gets them again while others use the queue", async () => {
    const { queue, store, empty, clock } = setUp();
    const other = new Queue({ store, jobs: [plain], clock, logger: null });
    await queue.drain();
    await empty();
    await other.enqueue(plain);
    await queue.drain();
    await queue.drain();
    expect(await keysOfSchedules(queue)).toEqual(["hourly"]);
  });

  test("a schedule that a person has removed stays removed, and is looked for once an hour", async () => {
    const { queue, clock } = setUp();
    const commandsOf = async () => (await queue.drain()).commands;
    await queue.drain();
    await queue.schedules.remove("hourly");
    expect([await commandsOf(), await commandsOf(), await commandsOf()]).toEqual([1, 2, 1]);
    clock.now += 59 * minute;
    expect([await commandsOf(), await commandsOf()]).toEqual([1, 1]);
    clock.now += 2 * minute;
    expect([await commandsOf(), await commandsOf(), await commandsOf()]).toEqual([1, 2, 1]);
    expect(await queue.schedules.list()).toEqual([]);
  });

  test("an older process that stays leaves the schedules of newer code alone", async () => {
    const { queue, store, clock } = setUp();
    await queue.drain();
    const daily = defineJob({ name: "daily", schedule: { cron: "0 0 * * *" }, perform() {} });
    await new Queue({ store, jobs: [plain, daily], clock, logger: null }).drain();
    clock.now += 61 * minute;
    await queue.drain();
    await queue.drain();
    expect(await keysOfSchedules(queue)).toEqual(["daily"]);
  });

  test("is reported by the next enqueue, once a minute and not by a process that is new to the queue", async () => {
    const { queue, store, empty, lines, clock } = setUp();
    await queue.enqueue(plain);
    await queue.drain();
    await queue.enqueue(plain);
    await empty();
    const other = new Queue({
      store: stage.store(),
      jobs: [plain],
      clock,
      logger: { warn() {}, error: (line) => lines.push(line) },
    });
    await other.enqueue(plain);
    expect(lines).toEqual([]);
    await queue.enqueueMany([{ job: plain }, { job: plain }]);
    await queue.enqueue(plain, undefined, { id: "later" });
    const line = expect.stringMatching(/^tidegate: The queue "default" was emptied: .* Turn eviction off/);
    expect(lines).toEqual([line]);
    clock.now += minute;
    await empty();
    await new Queue({ store, jobs: [plain], clock, logger: null }).enqueue(plain);
    await queue.enqueue(plain);
    expect(lines).toEqual([line]);
    await empty();
    await queue.enqueue(plain);
    expect(lines).toEqual([line, line]);
  });

  test("jobs whose records are gone are reported once a minute, with how many there were since", async () => {
    const { queue, clock, lines, default: keys } = setUp();
    const evict = async (count: number) => {
      await queue.enqueueMany(Array.from({ length: count }, () => ({ job: plain, payload: "secret" })));
      await stage.redis.send(["DEL", keys.jobs]);
      await queue.drain();
    };
    await evict(3);
    await evict(2);
    clock.now += minute;
    await evict(1);
    expect(lines).toEqual([
      expect.stringMatching(/^tidegate: 3 jobs or schedules are gone from the queue "default": .*noeviction/),
      expect.stringMatching(/^tidegate: 3 jobs or schedules are gone/),
    ]);
    expect(lines.join()).not.toContain("secret");
  });

  test("a schedule whose record is gone is reported too", async () => {
    const { queue, clock, lines, default: keys } = setUp();
    await queue.drain();
    await stage.redis.send(["DEL", keys.schedules]);
    clock.now += 61 * minute;
    await queue.drain();
    expect(lines).toEqual([expect.stringMatching(/^tidegate: 1 job or schedule is gone/)]);
  });
});
