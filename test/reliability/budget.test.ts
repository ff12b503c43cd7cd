import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { drainQueues } from "../../src/core/queue/queues.ts";
import { type DrainReport, defineJob, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { type Fault, type FaultProxy, startFaultProxy } from "../support/faults.ts";
import { seededRandom } from "../support/random.ts";
import { RespClient } from "../support/resp.ts";
import { useRedis } from "../support/stores.ts";

// A budget is a promise. The proxy and redis-server do the counting.

const retrySoon = { backoff: { type: "fixed", base: "2s" }, maxRetries: 1 } as const;
const turn = () => new Promise((resolve) => setImmediate(resolve));

const snoozed = new Set<string>();

const jobs = {
  quick: defineJob({ name: "quick", perform() {} }),
  slow: defineJob({ name: "slow", perform: turn }),
  large: defineJob({ name: "large", perform: () => "x".repeat(1_500_000) }),
  dies: defineJob({ name: "dies", maxRetries: 0, perform: () => Promise.reject(new Error("no luck")) }),
  fails: defineJob({ name: "fails", ...retrySoon, perform: () => Promise.reject(new Error("no luck")) }),
  snoozes: defineJob({
    name: "snoozes",
    perform(_: unknown, job) {
      if (snoozed.has(job.id)) return undefined;
      snoozed.add(job.id);
      return job.snooze("3s");
    },
  }),
  extends: defineJob({
    name: "extends",
    ...retrySoon,
    async perform(_: unknown, job) {
      for (let step = 0; step < 3; step++) await job.extend();
    },
  }),
  progresses: defineJob({
    name: "progresses",
    async perform(_: unknown, job) {
      for (let step = 0; step < 10; step++) await job.progress(step);
    },
  }),
  unforeseen: defineJob({ name: "unforeseen", perform() {} }),
};
type Kind = keyof typeof jobs;
const kinds = Object.keys(jobs) as Kind[];

const losses: readonly Fault[] = ["drop-request", "drop-reply", "half-body", "html", "error-500"];

interface Scenario {
  readonly queues: number;
  readonly jobs: readonly { readonly kind: Kind; readonly count: number; readonly delayMs: number }[];
  readonly schedules: number;
  readonly missedMinutes: number;
  readonly roundTrips: number;
  readonly commands: number;
  readonly maxJobs: number;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly linger: boolean;
  readonly retention: boolean;
  readonly lossRate: number;
  readonly flushRate: number;
  /** At which of its requests the drain is aborted, if ever. */
  readonly abortAt: number;
  readonly seed: number;
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  queues: fc.integer({ min: 1, max: 3 }),
  jobs: fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      count: fc.integer({ min: 1, max: 40 }),
      delayMs: fc.constantFrom(0, 0, 0, 1_000, 4_000),
    }),
    { maxLength: 4 },
  ),
  schedules: fc.constantFrom(0, 0, 1, 5, 55),
  missedMinutes: fc.constantFrom(1, 30, 2_880),
  roundTrips: fc.integer({ min: 4, max: 40 }),
  commands: fc.integer({ min: 69, max: 300 }),
  maxJobs: fc.constantFrom(5, 50, 1_000),
  batchSize: fc.constantFrom(1, 5, 80, 1_000),
  concurrency: fc.constantFrom(1, 5, 100),
  linger: fc.boolean(),
  retention: fc.boolean(),
  lossRate: fc.constantFrom(0, 0, 0.1, 0.5),
  flushRate: fc.constantFrom(0, 0, 0.1),
  abortAt: fc.constantFrom(0, 0, 0, 1, 2, 5),
  seed: fc.nat(),
});

/** Cases that once exceeded a budget: each is run in addition to random ones. */
const usual: Scenario = {
  ...{
    queues: 1,
    jobs: [],
    schedules: 0,
    missedMinutes: 1,
    roundTrips: 40,
    commands: 1_000,
    maxJobs: 1_000,
  },
  ...{ batchSize: 5, concurrency: 5, linger: false, retention: true, lossRate: 0, flushRate: 0, abortAt: 0, seed: 1 },
};
const jobsOf = (kind: Kind, count: number) => [{ kind, count, delayMs: 0 }];
const knownWays: readonly Scenario[] = [
  { ...usual, jobs: jobsOf("quick", 20), roundTrips: 4, flushRate: 1 },
  ...[1, 2, 3].map((seed) => ({ ...usual, jobs: jobsOf("slow", 40), roundTrips: 6, lossRate: 0.5, seed })),
  { ...usual, jobs: jobsOf("quick", 20), schedules: 55, missedMinutes: 2_880, commands: 47, concurrency: 100 },
  { ...usual, jobs: jobsOf("quick", 40), commands: 60, batchSize: 80, concurrency: 40, lossRate: 0.5, seed: 4 },
  { ...usual, jobs: jobsOf("progresses", 2), roundTrips: 9 },
  { ...usual, jobs: jobsOf("extends", 4), roundTrips: 9 },
  { ...usual, jobs: jobsOf("slow", 20), abortAt: 1 },
  { ...usual, jobs: jobsOf("slow", 20), abortAt: 3 },
];

describe("a budget", () => {
  const redis = useRedis();
  let proxy: FaultProxy;
  let direct: RespClient;
  let prefixes = 0;

  beforeAll(async () => {
    proxy = await startFaultProxy(redis.shim.url);
    direct = await RespClient.connect(redis.server.port);
  });
  afterAll(async () => {
    direct.close();
    await proxy.stop();
  });

  async function setUp(given: Pick<Scenario, "queues" | "jobs" | "schedules" | "missedMinutes" | "retention">) {
    const clock = testClock(start);
    const store = clock.watch(
      upstashStore({ url: proxy.url, token: redis.shim.token, prefix: `budget-${prefixes++}` }),
    );
    const open = (name: string) =>
      new Queue({
        name,
        store,
        clock,
        jobs: Object.values(jobs),
        logger: null,
        retention: given.retention ? "1h" : 0,
      });
    const names = Array.from({ length: given.queues }, (_, index) => `queue-${index}`);
    for (const [index, queue] of names.map(open).entries()) {
      for (let key = 0; index === 0 && key < given.schedules; key++)
        await queue.schedules.upsert(`s${key}`, { job: jobs.quick, cron: "* * * * *", missed: "all" });
      const bulk = given.jobs.flatMap(({ kind, count, delayMs }) =>
        Array.from({ length: index === 0 ? count : 3 }, () => ({
          job: jobs[kind],
          delay: given.missedMinutes * 60_000 + delayMs,
          ...(kind === "unforeseen" && { timeout: "5m" as const }),
        })),
      );
      if (bulk.length > 0) await queue.enqueueMany(bulk);
    }
    await clock.advance(given.missedMinutes * 60_000);
    return { clock, queues: names.map(open), open };
  }

  test("is never exceeded, whatever the jobs do and the network loses, and the report says what Redis counted", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const { clock, queues } = await setUp(given);
        const needs = queues.map((queue) => internalsOf(queue).budgets.least);
        const budget = {
          roundTrips: Math.max(given.roundTrips, ...needs.map(({ roundTrips }) => roundTrips)),
          commands: Math.max(given.commands, ...needs.map(({ commands }) => commands)),
        };
        const random = seededRandom(given.seed);
        let lost = 0;
        const abort = new AbortController();
        const sent = new Set<string>();
        const before = proxy.requests;
        proxy.decide(({ body }) => {
          // A resend is marked by the flag after the time. The machine loses some requests by itself.
          const once = body.replace(/("\d{13}",)"1"/, '$1"0"');
          if (sent.has(once)) lost++;
          sent.add(once);
          if (proxy.requests - before === given.abortAt) abort.abort();
          if (random() < given.flushRate) void direct.send(["SCRIPT", "FLUSH"]);
          if (random() >= given.lossRate) return undefined;
          lost++;
          return losses[Math.floor(random() * losses.length)];
        });
        const { maxJobs, batchSize, concurrency } = given;
        const drain = async () => {
          const drained = drainQueues(queues, {
            ...{ maxJobs, batchSize, concurrency, budget, timeBudget: "10s", signal: abort.signal },
            linger: given.linger ? "10s" : 0,
          }).catch(() => undefined);
          await clock.advance("60s");
          const ended = await drained;
          await clock.advance(1);
          return ended;
        };
        const { result: report, commands: counted, byName } = await countCommands(redis.server.port, drain);
        proxy.decide(undefined);
        const commands = counted - (byName["script|flush"] ?? 0);
        const roundTrips = proxy.requests - before;
        expect(roundTrips).toBeLessThanOrEqual(budget.roundTrips);
        expect(commands).toBeLessThanOrEqual(budget.commands);
        if (!report) return;
        expect(report.claimed).toBeLessThanOrEqual(maxJobs);
        expect(report.claimed).toBe(settledIn(report));
        expect(report.roundTrips).toBe(roundTrips);
        expect(report.commands).toBeLessThanOrEqual(budget.commands);
        // An aborted drain does not wait for the answer of a peek.
        if (lost === 0 && !abort.signal.aborted) expect(report.commands).toBe(commands);
        else expect(report.commands).toBeGreaterThanOrEqual(commands);
      }),
      {
        numRuns: knownWays.length + Number(process.env["BUDGET_RUNS"] ?? 5),
        examples: knownWays.map((way) => [way] as [Scenario]),
      },
    );
  });

  /** Compares what a drain reports with what the proxy and Redis saw. */
  async function spentBy(drain: () => Promise<DrainReport | undefined>) {
    const before = proxy.requests;
    const { result: report, commands } = await countCommands(redis.server.port, drain);
    proxy.decide(undefined);
    return { report, commands, roundTrips: proxy.requests - before };
  }

  const plain = { queues: 1, jobs: [], schedules: 0, missedMinutes: 1, retention: true } as const;
  const many = (kind: Kind, count: number) => ({ ...plain, jobs: [{ kind, count, delayMs: 0 }] });
  const only = ({ queues: [queue] }: { readonly queues: readonly Queue[] }) => queue as Queue;

  test.each([120, 160, 200, 240, 280, 320])("of %i commands has room to send a claim again", async (commands) => {
    const { clock, queues } = await setUp(many("quick", 60));
    const queue = only({ queues });
    await queue.drain({ maxJobs: 1 });
    let claims = 0;
    proxy.decide(({ body }) => (body.startsWith('["EVALSHA') && claims++ === 0 ? "drop-reply" : undefined));
    const drained = queue.drain({ concurrency: 100, budget: { commands, roundTrips: 10 } });
    await clock.advance("10s");
    const report = await drained;
    proxy.decide(undefined);
    expect(claims).toBeGreaterThan(1);
    expect(report.completed).toBeGreaterThan(0);
    expect(await queue.getStats()).toMatchObject({ runningCount: 0, deadLetterCount: 0 });
  });

  test("is kept if the scripts must be sent again", async () => {
    const queue = only(await setUp(many("quick", 20)));
    await direct.send(["SCRIPT", "FLUSH"]);
    const { report, roundTrips } = await spentBy(() => queue.drain({ batchSize: 5, budget: { roundTrips: 4 } }));
    expect(roundTrips).toBeLessThanOrEqual(4);
    expect(report).toMatchObject({ completed: 5, roundTrips, stoppedBy: "budget" });
  });

  test("includes the request with which a stock Redis refuses the locking line", async () => {
    const own = await startFaultProxy(redis.shim.url);
    const store = upstashStore({ url: own.url, token: redis.shim.token, prefix: `budget-${prefixes++}` });
    const queue = new Queue({ store, jobs: [jobs.quick], clock: () => start });
    await new Queue({ store: redis.store(), jobs: [jobs.quick] }).enqueue(jobs.quick);
    await direct.send(["SCRIPT", "FLUSH"]);
    const { commands } = await countCommands(redis.server.port, () => queue.enqueue(jobs.quick));
    expect(internalsOf(queue).meter).toMatchObject({ commands, roundTrips: own.requests });
    await own.stop();
  });

  test("allows as many schedules with many missed occurrences to fire as it has room for", async () => {
    for (const commands of [81, 83]) {
      const queue = only(await setUp({ ...many("quick", 20), schedules: 110, missedMinutes: 2_880 }));
      const bounds = { batchSize: 80, concurrency: 100, budget: { commands } };
      const { report, commands: billed } = await spentBy(() => queue.drain(bounds));
      expect(billed).toBeLessThanOrEqual(commands);
      expect(report).toMatchObject({ commands: billed, lost: 0, stoppedBy: "budget", backlog: true });
      expect(report?.rearmed).toBeGreaterThan(0);
      expect(report?.rearmed).toBeLessThan(110);
    }
  });

  test("is kept if the answer to a large batch is lost, whose outcomes are recognised for a few commands", async () => {
    for (const batchSize of [100, 1_000]) {
      const queue = only(await setUp(many("quick", 2 * batchSize)));
      let exchanges = 0;
      proxy.decide(({ body }) => (body.startsWith('["EVALSHA') && ++exchanges === 2 ? "drop-reply" : undefined));
      const budget = { commands: batchSize === 100 ? 130 : 300 };
      const { report, commands } = await spentBy(() =>
        queue.drain({ batchSize, concurrency: batchSize, maxJobs: 2 * batchSize, budget }),
      );
      expect(commands).toBeLessThanOrEqual(80);
      expect(report).toMatchObject({ completed: 2 * batchSize, lost: 0 });
      expect(report?.commands).toBeGreaterThanOrEqual(commands);
      expect(report?.commands).toBeLessThanOrEqual(budget.commands);
    }
  });

  test("has room for progress as long as jobs can be settled, and later progress is stored with the outcome", async () => {
    const queue = only(await setUp(many("progresses", 2)));
    const { report, roundTrips } = await spentBy(() => queue.drain({ budget: { roundTrips: 9 } }));
    expect(roundTrips).toBeLessThanOrEqual(9);
    expect(report).toMatchObject({ completed: 2, lost: 0, roundTrips });
    const { jobs: done } = await queue.listJobs({ state: "completed" });
    expect(done).toHaveLength(2);
  });

  test("without room to extend a lease refuses that, and still settles the attempt", async () => {
    const queue = only(await setUp(many("extends", 2)));
    const { report, roundTrips } = await spentBy(() => queue.drain({ budget: { roundTrips: 5 } }));
    expect(roundTrips).toBeLessThanOrEqual(5);
    expect(report).toMatchObject({ claimed: 2, retried: 2, lost: 0 });
    const { jobs: waiting } = await queue.listJobs({ state: "scheduled" });
    expect(waiting[0]?.errors[0]?.message).toContain("Raise budget.roundTrips");
  });

  test("of 4 round trips fires schedules, and performs their jobs", async () => {
    const { clock, open } = await setUp({ ...plain, schedules: 1 });
    const budget = { roundTrips: 4 };
    let rearmed = 0;
    let completed = 0;
    for (let tick = 0; tick < 10; tick++) {
      const report = await open("queue-0").drain({ budget });
      rearmed += report.rearmed;
      completed += report.completed;
      expect(report.roundTrips).toBeLessThanOrEqual(4);
      await clock.advance("1m");
    }
    expect(rearmed).toBeGreaterThanOrEqual(4);
    expect(completed).toBeGreaterThanOrEqual(4);
  });

  test("too small for a whole batch takes as many jobs as it can settle", async () => {
    const queue = only(await setUp(many("quick", 700)));
    const { report, commands } = await spentBy(() =>
      queue.drain({ batchSize: 1_000, maxJobs: 1_000, concurrency: 1_000, budget: { commands: 83 } }),
    );
    expect(commands).toBeLessThanOrEqual(83);
    expect(report?.completed).toBeGreaterThan(150);
  });

  test("too small for any job is refused, and the message names the part and the minimum", async () => {
    const queue = only(await setUp(many("quick", 1)));
    await expect(queue.drain({ budget: { roundTrips: 2 } })).rejects.toThrow("budget.roundTrips must be");
    await expect(queue.drain({ budget: { commands: 80 } })).rejects.toMatchObject({
      code: "invalid_request",
      message: 'budget.commands must be at least 81 to drain the queue "queue-0".',
    });
    expect(await queue.drain({ budget: { roundTrips: 3, commands: 81 } })).toMatchObject({ completed: 1 });
  });
});

function settledIn({ completed, retried, deadLettered, snoozed, released, lost }: DrainReport): number {
  return completed + retried + deadLettered + snoozed + released + lost;
}
