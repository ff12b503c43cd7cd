import { beforeAll, describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import {
  type AnyJob,
  defineJob,
  memoryStore,
  Queue,
  type QueueOptions,
  type ScheduleOptions,
} from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { clockByHand, start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

// The cost table of docs/guide/costs.md, row by row: what Upstash bills, counted by Redis itself. A script counts 1,
// and so does each command inside it. A test here must name each figure of the table: test/docs/costs.test.ts.

const noop = defineJob({ name: "noop", perform: () => {} });
const fails = defineJob({
  name: "fails",
  maxRetries: 2,
  backoff: { base: 0 },
  perform: () => Promise.reject(new Error("no luck")),
});

describe("billed commands", () => {
  const redis = useRedis();

  function setUp(options: Partial<QueueOptions> = {}) {
    const clock = clockByHand(start);
    const queue = new Queue({ store: redis.store(), jobs: [noop, fails], clock, random: () => 0.5, ...options });
    const count = async (action: () => Promise<unknown>) => (await countCommands(redis.server.port, action)).commands;
    return { queue, clock, count };
  }

  // Loads the scripts, as the first call of a new database does, and detects that a stock Redis refuses the locking
  // line.
  beforeAll(async () => {
    const { queue } = setUp();
    await queue.enqueueMany([{ job: noop }, { job: fails }]);
    await queue.drain();
  });

  const lone = [{ job: noop }];
  const hundred = Array.from({ length: 100 }, () => ({ job: noop }));

  test("enqueueing one job costs 3", async () => {
    const { queue, count } = setUp();
    expect(await count(() => queue.enqueue(noop))).toBe(3);
  });

  test("an idempotency key costs 3 more", async () => {
    const { queue, count } = setUp();
    expect(await count(() => queue.enqueue(noop, undefined, { id: "order-7" }))).toBe(6);
  });

  test("100 jobs in one call of performBatch cost what 100 jobs cost, and extend costs them 3 in all", async () => {
    const counts: number[] = [];
    // The third loads the script.
    for (const isExtended of [undefined, false, true, true]) {
      const insertRow = defineJob({
        name: "insert_row",
        async performBatch(jobs) {
          if (isExtended) await jobs[0]?.job.extend("5m");
        },
      });
      const job: AnyJob = isExtended === undefined ? noop : insertRow;
      const { queue, count } = setUp({ jobs: [noop, insertRow] });
      await queue.enqueueMany(Array.from({ length: 100 }, () => ({ job })));
      // One slot takes all of them, as a hundred slots take one each.
      counts.push(await count(() => queue.drain({ concurrency: isExtended === undefined ? 100 : 1 })));
    }
    const [oneByOne = 0, together, , extended] = counts;
    expect([together, extended]).toEqual([oneByOne, oneByOne + 3]);
  });

  test("enqueueing 100 jobs at once costs 4, which is 0.04 per job", async () => {
    const { queue, count } = setUp();
    expect(await count(() => queue.enqueueMany(hundred))).toBe(4);
  });

  test("100 calls of enqueue in one turn cost 4, and take one round trip", async () => {
    const { queue, count } = setUp();
    const before = redis.shim.requests;
    expect(await count(() => Promise.all(hundred.map(() => queue.enqueue(noop))))).toBe(4);
    expect(redis.shim.requests - before).toBe(1);
  });

  test("100 calls of enqueue in one turn cost at most 8, in two round trips, if half of the schemas are asynchronous", async () => {
    const clock = testClock(start);
    let answers = 0;
    const validate = async (value: unknown) => {
      await clock.sleep(answers++ % 5);
      return { value };
    };
    const schema = { "~standard": { version: 1, vendor: "test", validate } } as const;
    const later = defineJob({ name: "later", schema, perform() {} });
    const { queue, count } = setUp({ jobs: [noop, fails, later] });
    const before = redis.shim.requests;
    const calls = async () => {
      const all = Promise.all(hundred.map((_, index) => queue.enqueue(index % 2 ? noop : later, undefined)));
      await clock.advance(4);
      return all;
    };
    expect(await count(calls)).toBe(8);
    expect(redis.shim.requests - before).toBe(2);
  });

  describe("with a dedupe key", () => {
    const noted = defineJob({ name: "noted", perform: (_: number) => {} });
    const options = (key: string) => ({ dedupe: { key, ttl: "10m", replace: true }, delay: "1m" }) as const;

    test("enqueueing one job costs 6, and so does a newer call that replaces it; a duplicate costs 3", async () => {
      const { queue, count } = setUp({ jobs: [noted] });
      expect(await count(() => queue.enqueue(noted, 1, options("shop-7")))).toBe(6);
      expect(await count(() => queue.enqueue(noted, 2, options("shop-7")))).toBe(6);
      const { dedupe } = options("shop-7");
      expect(await count(() => queue.enqueue(noted, 3, { dedupe: { ...dedupe, replace: false } }))).toBe(3);
    });

    test("100 calls of enqueue in one turn cost 6, and so do 100 that replace these jobs", async () => {
      const { queue, count } = setUp({ jobs: [noted] });
      const calls = (payload: number) =>
        Promise.all(hundred.map((_, index) => queue.enqueue(noted, payload, options(`${index}`))));
      expect(await count(() => calls(1))).toBe(6);
      expect(await count(() => calls(2))).toBe(6);
    });
  });

  test("100 calls of enqueue in one turn, with ids of their own, cost 6", async () => {
    const { queue, count } = setUp();
    const calls = () =>
      Promise.all(hundred.map((_, index) => queue.enqueue(noop, undefined, { id: `order-${index}` })));
    expect(await count(calls)).toBe(6);
  });

  /** What something costs, by default and with `observe: false`. */
  async function bothWays(measure: (observe: boolean) => Promise<number>): Promise<number> {
    const cost = await measure(true);
    expect(await measure(false)).toBe(cost);
    return cost;
  }

  test("draining a backlog in batches of 100 costs 9 per batch", async () => {
    const costs = await bothWays(async (observe) => {
      const { queue, count } = setUp({ observe });
      for (let i = 0; i < 10; i++) await queue.enqueueMany(hundred);
      return count(() => queue.drain({ maxJobs: 2_000 }));
    });
    // The first claims for the ten slots (4), ten settle and claim, the last settles and peeks.
    expect(costs).toBe(4 + 10 * 9 + 7);
  });

  test("draining 100 jobs that are all there is, in ten slots, costs 20", async () => {
    const costs = await bothWays(async (observe) => {
      const { queue, count } = setUp({ observe });
      await queue.enqueueMany(hundred);
      return count(() => queue.drain());
    });
    expect(costs).toBe(20);
  });

  test("draining 100 jobs that have expired costs 18, which is less than to complete them", async () => {
    const costs = await bothWays(async (observe) => {
      const { queue, clock, count } = setUp({ observe });
      await queue.enqueueMany(hundred.map((job) => ({ ...job, expires: "1m" })));
      clock.now += 61_000;
      return count(() => queue.drain());
    });
    expect(costs).toBe(18);
  });

  test("a lone job that has expired costs 10 by a tick, one less than one that completes", async () => {
    const costs = [];
    for (const late of [0, 61_000]) {
      const { queue, clock, count } = setUp();
      await queue.enqueue(noop, undefined, { expires: "1m" });
      clock.now += late;
      costs.push(await count(() => queue.drain()));
    }
    expect(costs).toEqual([11, 10]);
  });

  test("a lone job, from an eager enqueue to done, costs 10, in any minute", async () => {
    for (const minutes of [0, 0, 1, 7, 64, 600]) {
      const costs = await bothWays(async (observe) => {
        const { queue, clock, count } = setUp({ observe });
        const { drain, enqueueHeld } = internalsOf(queue);
        const eager = async () => drain({ held: (await enqueueHeld(lone)).held, heldOnly: true });
        await eager();
        clock.now += minutes * 60_000;
        const commands = await count(eager);
        // No further job is expected to be due: the next tick is idle.
        expect(await count(() => queue.drain())).toBe(1);
        return commands;
      });
      expect(costs, `after ${minutes} minutes`).toBe(10);
    }
  });

  test("new job types cost nothing, however many one exchange meets", async () => {
    const { queue, count } = setUp();
    const drain = async () => {
      await queue.enqueue(noop);
      return count(() => queue.drain());
    };
    await drain();
    const usual = await drain();
    const jobs = Array.from({ length: 9 }, (_, index) => defineJob({ name: `job ${index}`, perform: () => {} }));
    const many = new Queue({ store: redis.store(), jobs, clock: () => start });
    await many.enqueueMany(jobs.map((job) => ({ job })));
    expect(await count(() => many.drain())).toBe(usual);
  });

  test("reading the figures by name costs 2, and so does the history", async () => {
    const { queue, count } = setUp();
    await queue.getFigures(); // Redis knows the scripts from here on.
    await queue.getHistory();
    expect(await count(() => queue.getFigures())).toBe(2);
    expect(await count(() => queue.getHistory())).toBe(2);
  });

  test("counting waiting jobs by name costs 3 more, costs 4 with over 20 jobs, and costs 6 with over 5,000 members", async () => {
    const { queue, count } = setUp();
    const read = () => queue.getFigures({ days: 0, pending: true });
    await read(); // Redis knows the scripts from here on.
    await queue.enqueueMany(hundred.slice(0, 20));
    expect(await count(read)).toBe(2 + 3);
    await queue.enqueue(noop, undefined, { delay: "1h" });
    expect(await count(read)).toBe(2 + 4);
    for (let i = 0; i < 5; i++) await queue.enqueueMany(Array.from({ length: 1_000 }, () => ({ job: noop })));
    expect(await count(read)).toBe(2 + 6);
  });

  test("with an idempotency key it costs 12", async () => {
    const jobs = [{ job: noop, id: "order-7" }];
    const costs = await bothWays(async (observe) => {
      const { queue, count } = setUp({ observe });
      const { drain, enqueueHeld } = internalsOf(queue);
      return count(async () => drain({ held: (await enqueueHeld(jobs)).held, heldOnly: true }));
    });
    expect(costs).toBe(12);
  });

  test("a lone job that a tick finds and runs costs 15, including the tick", async () => {
    const { count } = setUp();
    const costs = await bothWays(async (observe) => {
      const store = redis.store();
      const invocation = () => new Queue({ store, jobs: [noop], clock: () => start, observe });
      return count(async () => {
        await invocation().enqueue(noop);
        expect(await invocation().drain()).toMatchObject({ completed: 1 });
      });
    });
    expect(costs).toBe(15);
  });

  describe("a schedule", () => {
    let prefixes = 0;
    /** Ticks whose invocations know nothing of each other, as on a platform that keeps none. */
    const ticks = async (observe: boolean, schedule: Pick<ScheduleOptions, "overlap"> = {}) => {
      const { clock, count } = setUp();
      const prefix = `ticks-${prefixes++}`;
      const queue = () => new Queue({ store: redis.store(prefix), jobs: [noop], clock, observe });
      await queue().schedules.upsert("minutely", { job: noop, cron: "* * * * *", ...schedule });
      const tick = async () => {
        clock.now += 60_000;
        const report = await queue().drain();
        expect(report).toMatchObject({ rearmed: 1, completed: 1, stoppedBy: "empty", backlog: false });
        return report.commands;
      };
      return { clock, count, queue, tick };
    };

    test("that fires, and whose job runs, costs 13, including the tick", async () => {
      const costs = await bothWays(async (observe) => {
        const { count, tick } = await ticks(observe);
        const first = await count(tick);
        expect(await count(tick)).toBe(first);
        return first;
      });
      expect(costs).toBe(13);
    });

    test("of which an invocation knows when it fires costs 12", async () => {
      const costs = await bothWays(async (observe) => {
        const { clock, count, queue } = await ticks(observe);
        const lasting = queue();
        await lasting.drain();
        clock.now += 60_000;
        return count(() => lasting.drain());
      });
      expect(costs).toBe(12);
    });

    test("that fires each minute costs 60 times 13 an hour, and at most 8 to plan the next one", async () => {
      const { count, tick } = await ticks(true);
      const commands = await count(async () => {
        for (let minute = 0; minute < 60; minute++) await tick();
      });
      expect(commands).toBe(60 * 13 + 5);
    });

    test("that a drain must fire, as with overlap skip, costs 18", async () => {
      const costs = await bothWays(async (observe) => {
        const { count, tick } = await ticks(observe, { overlap: "skip" });
        return count(tick);
      });
      expect(costs).toBe(18);
    });
  });

  test("settling costs 3 more after about a hundred exchanges, to put together what they counted", async () => {
    const { queue, count } = setUp();
    const settle = async () =>
      internalsOf(queue).drain({ held: (await internalsOf(queue).enqueueHeld(lone)).held, heldOnly: true });
    await settle();
    const usual = await count(settle);
    const extra: number[] = [];
    for (let exchange = 2; exchange < 300; exchange++) {
      const more = (await count(settle)) - usual;
      if (more > 0) extra.push(exchange, more);
    }
    expect(extra).toEqual([102, 3, 205, 3]);
  });

  test("a job that fails three times and is dead-lettered costs 29 in one invocation", async () => {
    const { queue, count } = setUp();
    const commands = await count(async () => {
      await queue.enqueue(fails);
      expect(await queue.drain()).toMatchObject({ retried: 2, deadLettered: 1 });
    });
    expect(commands).toBe(29);
  });

  test("the same with a separate invocation for each attempt costs 38", async () => {
    const store = redis.store();
    const invocation = () => new Queue({ store, jobs: [noop, fails], clock: () => start });
    // A drain ends after one job: the next attempt is for the next one.
    const { count } = setUp();
    const commands = await count(async () => {
      await invocation().enqueue(fails);
      for (let attempt = 0; attempt < 3; attempt++) await invocation().drain({ maxJobs: 1 });
    });
    expect(commands).toBe(38);
  });

  test("an idle tick costs 1", async () => {
    const { queue, count } = setUp();
    expect(await count(() => queue.drain())).toBe(1);
    await queue.enqueue(noop, undefined, { delay: "1h" });
    expect(await count(() => queue.drain())).toBe(1);
  });

  test("an idle tick costs 2 if its budget has no room for a peek before a claim", async () => {
    const { queue, count } = setUp();
    expect(await count(() => queue.drain({ budget: { roundTrips: 4 } }))).toBe(2);
  });

  test("fifty dead jobs, selected by their ids, are retried for 12, in two round trips", async () => {
    const { queue, count } = setUp();
    const results = await queue.enqueueMany(Array.from({ length: 51 }, () => ({ job: fails, maxRetries: 0 })));
    await queue.drain();
    const [first = "", ...ids] = results.map(({ id }) => id);
    await queue.retryFromDeadLetter(first); // Redis knows the scripts from here on.
    const before = redis.shim.requests;
    const commands = await count(() => queue.retryFromDeadLetter({ ids }));
    expect({ commands, roundTrips: redis.shim.requests - before }).toEqual({ commands: 12, roundTrips: 2 });
  });

  test("cancelling 1,000 waiting jobs by name, or moving them, takes 10 or 8 commands, in two round trips", async () => {
    const { queue, clock, count } = setUp();
    const thousand = Array.from({ length: 1_000 }, () => ({ job: noop }));
    await queue.enqueueMany([{ job: fails }, { job: fails, delay: "1h" }]);
    await queue.reschedulePending({ name: "fails" }, "2h"); // Redis knows the scripts from here on.
    await queue.cancelPending({ name: "fails" });
    await queue.enqueueMany(thousand);
    const before = redis.shim.requests;
    expect(await count(() => queue.reschedulePending({ all: true, state: "ready" }, clock() + 60_000))).toBe(8);
    expect(redis.shim.requests - before).toBe(2);
    expect(await count(() => queue.cancelPending({ name: "noop", state: "scheduled" }))).toBe(10);
    expect(redis.shim.requests - before).toBe(4);
    const { pendingCount } = await queue.getStats();
    expect(pendingCount).toBe(0);
  });

  test("reading the statistics with the last hour costs 5, and a scrape of metrics 4, whatever the queue holds", async () => {
    const { queue, count } = setUp();
    const { measure } = internalsOf(queue);
    await measure(); // Redis knows the script from here on.
    expect(await count(() => queue.getActivity())).toBe(5);
    await queue.schedules.upsert("hourly", { job: noop, cron: "@hourly" });
    await queue.enqueueMany([{ job: fails }, { job: noop, delay: "1h", flowControl: { key: "acme" } }, ...hundred]);
    await queue.drain({ maxJobs: 50 });
    expect(await count(() => queue.getActivity())).toBe(5);
    expect(await count(measure)).toBe(4);
  });

  test("with more than 5,000 members in the sorted set the statistics and a scrape cost up to 21, and give the same", async () => {
    const { queue, clock, count } = setUp();
    const { queue: reference } = setUp({ store: memoryStore(), clock });
    const commands: number[] = [];
    for (const flowControl of [undefined, { key: "acme", concurrency: 1 }]) {
      for (const each of [queue, reference]) {
        for (let i = 0; i < 6; i++) {
          const job = { job: noop, delay: i % 2 ? "1h" : 0, ...(flowControl && { flowControl }) } as const;
          await each.enqueueMany(Array.from({ length: 500 }, () => job));
        }
        await each.schedules.upsert("hourly", { job: noop, cron: "@hourly" });
        await each.drain({ maxJobs: 20 });
        await internalsOf(each).enqueueHeld(lone);
      }
      const read = async (each: Queue) => [await each.getStats(), await internalsOf(each).measure()];
      expect(await read(queue)).toEqual(await read(reference));
      commands.push(await count(() => queue.getStats()), await count(() => internalsOf(queue).measure()));
    }
    expect(commands).toEqual([5, 4, 21, 20]);
  });

  test("a change that is listed costs 1 more, and so do the statistics of a paused queue", async () => {
    const { queue, count } = setUp();
    const reads = async () => (await countCommands(redis.server.port, () => queue.getStats())).byName["xrevrange"];
    expect(await reads()).toBeUndefined();
    expect(await count(() => queue.pause())).toBe(1);
    expect(await count(() => queue.pause({ by: "ada" }))).toBe(2);
    expect(await reads()).toBe(1);
    expect(await count(() => queue.listChanges())).toBe(1);
  });

  test("a tick of a paused queue costs 1", async () => {
    const { queue, count } = setUp();
    await queue.pause();
    expect(await count(() => queue.drain())).toBe(1);
  });

  test("the report counts what Redis counts, and every round trip", async () => {
    const { queue, count } = setUp();
    await queue.enqueueMany([...hundred, { job: fails }, { job: noop, delay: "5m" }]);
    const before = redis.shim.requests;
    let report = { commands: 0, roundTrips: 0 };
    const commands = await count(async () => {
      report = await queue.drain({ maxJobs: 500 });
    });
    expect(report).toMatchObject({ commands, roundTrips: redis.shim.requests - before });
  });

  test("a backlog takes one round trip per batch, one to begin, and one to end", async () => {
    const { queue } = setUp();
    for (let i = 0; i < 5; i++) await queue.enqueueMany(hundred);
    expect(await queue.drain({ maxJobs: 1_000 })).toMatchObject({ completed: 500, roundTrips: 7 });
  });

  test("a job costs the same whatever the length of the backlog", async () => {
    const { queue, count } = setUp();
    await queue.enqueue(noop).then(() => queue.drain());
    const short = await count(() => queue.enqueueMany(hundred).then(() => queue.drain()));
    for (let i = 0; i < 20; i++) await queue.enqueueMany(Array.from({ length: 1_000 }, () => ({ job: noop })));
    const long = await count(() => queue.enqueueMany(hundred).then(() => queue.drain()));
    expect(long).toBe(short);
  });
});
