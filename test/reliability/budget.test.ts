import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { trials } from "../../scripts/shared/all-tests.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import type { Meter } from "../../src/core/store/meter.ts";
import type { ExchangeRequest } from "../../src/core/store/store.ts";
import { type DrainReport, defineJob, Queue, type Store } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { type TestClock, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { drainQueues } from "../support/drain-queues.ts";
import { type Fault, type FaultProxy, startFaultProxy } from "../support/faults.ts";
import { seededRandom } from "../support/random.ts";
import { RespClient } from "../support/resp.ts";
import { useRedis } from "../support/stores.ts";

// A budget is a promise. Round trips are counted by a proxy, and commands by redis-server.

const retrySoon = { backoff: { type: "fixed", base: "2s" }, maxRetries: 1 } as const;
const turn = () => new Promise((resolve) => setImmediate(resolve));

const snoozed = new Set<string>();

const jobsOn = (clock: TestClock) => ({
  quick: defineJob({ name: "quick", perform() {} }),
  slow: defineJob({ name: "slow", perform: turn }),
  takesTime: defineJob({ name: "takesTime", perform: (_: unknown, job) => clock.sleep(job.attempt * 700) }),
  takesLong: defineJob({ name: "takesLong", perform: () => clock.sleep("40s") }),
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
  steps: defineJob({
    name: "steps",
    async perform(_: unknown, job) {
      for (let step = 0; step < 3; step++) await job.step(`step ${step}`, turn);
    },
  }),
  unforeseen: defineJob({ name: "unforeseen", perform() {} }),
});
type Kind = keyof ReturnType<typeof jobsOn>;
const kinds = Object.keys(jobsOn(testClock(start))) as Kind[];

const losses: readonly Fault[] = ["drop-request", "drop-reply", "half-body", "html", "error-500"];

interface Scenario {
  readonly queues: number;
  readonly jobs: readonly {
    readonly kind: Kind;
    readonly count: number;
    readonly delayMs: number;
    /** Over how many flow control keys the jobs are spread, with one slot each. */
    readonly keys: number;
  }[];
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
      keys: fc.constantFrom(0, 0, 1, 4, 40),
    }),
    { maxLength: 4 },
  ),
  schedules: fc.constantFrom(0, 0, 1, 5, 55),
  missedMinutes: fc.constantFrom(1, 30, 2_880),
  roundTrips: fc.oneof(fc.integer({ min: 4, max: 12 }), fc.integer({ min: 4, max: 60 })),
  commands: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 400 })),
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

/** Cases in which a budget was, or easily could be, exceeded: each is run in addition to random ones. */
const usual: Scenario = {
  ...{ queues: 1, jobs: [], schedules: 0, missedMinutes: 1, roundTrips: 40, commands: 1_000, maxJobs: 1_000 },
  ...{ batchSize: 5, concurrency: 5, linger: false, retention: true, lossRate: 0, flushRate: 0, abortAt: 0, seed: 1 },
};
const jobsOf = (kind: Kind, count: number, keys = 0) => [{ kind, count, delayMs: 0, keys }];
const small = [4, 5, 8].flatMap((roundTrips) => [1, 20].map((commands) => ({ ...usual, roundTrips, commands })));
const knownWays: readonly Scenario[] = [
  ...small.map((each) => ({ ...each, jobs: jobsOf("slow", 30) })),
  ...small.map((each) => ({ ...each, jobs: jobsOf("quick", 30, 3), concurrency: 40, batchSize: 40 })),
  { ...usual, jobs: jobsOf("quick", 20), roundTrips: 4, flushRate: 1 },
  ...[1, 2, 3].map((seed) => ({ ...usual, jobs: jobsOf("slow", 40), roundTrips: 6, lossRate: 0.5, seed })),
  { ...usual, jobs: jobsOf("quick", 20), schedules: 55, missedMinutes: 2_880, commands: 47, concurrency: 100 },
  { ...usual, jobs: jobsOf("quick", 40), commands: 60, batchSize: 80, concurrency: 40, lossRate: 0.5, seed: 4 },
  ...[30, 90].flatMap((commands) => [
    { ...usual, jobs: jobsOf("slow", 300), commands, concurrency: 100 },
    { ...usual, jobs: jobsOf("slow", 300, 40), commands, concurrency: 100 },
    { ...usual, jobs: jobsOf("takesTime", 120, 8), commands, concurrency: 100, batchSize: 20 },
    { ...usual, jobs: jobsOf("takesLong", 12), commands: commands / 3, concurrency: 100 },
  ]),
  { ...usual, jobs: jobsOf("progresses", 2), roundTrips: 9 },
  { ...usual, jobs: jobsOf("progresses", 20), commands: 15, concurrency: 20 },
  { ...usual, jobs: jobsOf("steps", 20), commands: 15, concurrency: 20 },
  { ...usual, jobs: jobsOf("extends", 4), roundTrips: 9 },
  { ...usual, jobs: jobsOf("unforeseen", 20), commands: 10, concurrency: 20 },
  { ...usual, jobs: jobsOf("slow", 20), abortAt: 1 },
  { ...usual, jobs: jobsOf("slow", 20), abortAt: 3 },
];

/** A call of a drain to its store. */
interface Call {
  readonly claims: boolean;
  readonly isFirstClaim: boolean;
  /** What was known to be spent when it was sent, and when its reply had arrived. */
  readonly knownBefore: number;
  knownAfter: number;
  commands: number;
}

/** Records the calls of drains: those of the queue itself are made with a meter that allows everything. */
function recording(store: Store, calls: Call[]): Store {
  let known = 0;
  return {
    open(queue, meter) {
      const opened = store.open(queue, meter);
      if (!meter?.allows) return opened;
      let hasClaimed = false;
      const record = (parameters: readonly unknown[]): Call => {
        const [request] = parameters as readonly (Partial<ExchangeRequest> | undefined)[];
        const claims = (request?.claim?.limit ?? 0) > 0;
        const call = {
          ...{ claims, isFirstClaim: claims && !hasClaimed, knownBefore: known },
          ...{ knownAfter: Number.POSITIVE_INFINITY, commands: 0 },
        };
        hasClaimed ||= claims;
        calls.push(call);
        return call;
      };
      const meterOf = (call: Call): Meter => ({
        get roundTrips() {
          return meter.roundTrips;
        },
        set roundTrips(value) {
          meter.roundTrips = value;
        },
        get commands() {
          return meter.commands;
        },
        set commands(value) {
          known += value - meter.commands;
          call.commands += value - meter.commands;
          meter.commands = value;
        },
        get largest() {
          return meter.largest ?? 0;
        },
        set largest(value) {
          meter.largest = value;
        },
        allows: (requests) => meter.allows?.(requests) ?? true,
        hold: (requests) => meter.hold?.(requests) ?? (() => {}),
      });
      return new Proxy(opened, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== "function") return member;
          return async (...parameters: unknown[]) => {
            const call = record(parameters);
            const ofCall = store.open(queue, meterOf(call));
            const method = Reflect.get(ofCall, name) as (...given: unknown[]) => Promise<unknown>;
            return method(...parameters).finally(() => {
              call.knownAfter = known;
            });
          };
        },
      });
    },
  };
}

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

  test("jobs of a key that end one after the other are settled together once the commands are spent", async () => {
    const clock = testClock(start);
    const perform = ({ n }: { readonly n: number }) => clock.sleep(100 + n * 40);
    const work = defineJob({ name: "work", perform });
    const remote = upstashStore({ url: proxy.url, token: redis.shim.token, prefix: `budget-${prefixes++}` });
    const queue = new Queue({ store: clock.watch(remote), clock, jobs: [work], logger: null });
    const flowControl = { key: "k", concurrency: 20 };
    await queue.enqueueMany(
      Array.from({ length: 60 }, (_, place) => ({ job: work, payload: { n: place % 20 }, flowControl })),
    );
    const { commands } = await countCommands(redis.server.port, async () => {
      let hasEnded = false;
      const drained = queue.drain({ concurrency: 20, budget: { commands: 30, roundTrips: 40 } });
      void drained.finally(() => {
        hasEnded = true;
      });
      while (!hasEnded) await clock.advance(20);
      expect((await drained).stoppedBy).toBe("budget");
    });
    expect(commands).toBeLessThan(80);
  });

  async function setUp(given: Pick<Scenario, "queues" | "jobs" | "schedules" | "missedMinutes" | "retention">) {
    const clock = testClock(start);
    const jobs = jobsOn(clock);
    const calls: Call[] = [];
    const remote = upstashStore({ url: proxy.url, token: redis.shim.token, prefix: `budget-${prefixes++}` });
    const store = recording(clock.watch(remote), calls);
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
      const bulk = given.jobs.flatMap(({ kind, count, delayMs, keys }) =>
        Array.from({ length: index === 0 ? count : 3 }, (_, place) => ({
          job: jobs[kind],
          ...(keys > 0 && { flowControl: { key: `key-${place % keys}`, concurrency: 1 } }),
          delay: given.missedMinutes * 60_000 + delayMs,
          ...(kind === "unforeseen" && { timeout: "5m" as const }),
        })),
      );
      if (bulk.length > 0) await queue.enqueueMany(bulk);
    }
    await clock.advance(given.missedMinutes * 60_000);
    return { clock, queues: names.map(open), open, calls };
  }

  test("of round trips is never exceeded, one of commands only by an exchange and what settles the jobs in hand, whatever the jobs do and the network loses", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const { clock, queues, calls } = await setUp(given);
        const budget = { roundTrips: given.roundTrips, commands: given.commands };
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
        const roundTrips = proxy.requests - before;
        expect(roundTrips).toBeLessThanOrEqual(budget.roundTrips);
        expectClaimsToEnd(calls, budget.commands);
        if (!report) return;
        expect(report.claimed).toBeLessThanOrEqual(maxJobs);
        expect(report.claimed).toBe(settledIn(report));
        expect(report.roundTrips).toBe(roundTrips);
        // What is lost with a reply is unknown. An aborted drain does not wait for the reply of a peek.
        if (lost > 0 || abort.signal.aborted) return;
        expect(report.commands).toBe(counted - (byName["script|flush"] ?? 0));
        // Only the handlers know how large results will be.
        if (given.jobs.every(({ kind }) => kind !== "large")) expect(report.lost).toBe(0);
      }),
      {
        numRuns: knownWays.length + trials(40),
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
  const many = (kind: Kind, count: number) => ({ ...plain, jobs: jobsOf(kind, count) });
  const only = ({ queues: [queue] }: { readonly queues: readonly Queue[] }) => queue as Queue;

  test("has room to send a claim again", async () => {
    const { clock, queues } = await setUp(many("quick", 60));
    const queue = only({ queues });
    await queue.drain({ maxJobs: 1 });
    let claims = 0;
    proxy.decide(({ body }) => (body.startsWith('["EVALSHA') && claims++ === 0 ? "drop-reply" : undefined));
    const drained = queue.drain({ concurrency: 100, budget: { roundTrips: 5 } });
    await clock.advance("10s");
    const report = await drained;
    proxy.decide(undefined);
    expect(claims).toBeGreaterThan(1);
    expect(report).toMatchObject({ completed: report.claimed, lost: 0 });
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
    const quick = defineJob({ name: "quick", perform() {} });
    const queue = new Queue({ store, jobs: [quick], clock: () => start });
    await new Queue({ store: redis.store(), jobs: [quick] }).enqueue(quick);
    await direct.send(["SCRIPT", "FLUSH"]);
    const { commands } = await countCommands(redis.server.port, () => queue.enqueue(quick));
    expect(internalsOf(queue).meter).toMatchObject({ commands, roundTrips: own.requests });
    await own.stop();
  });

  test("of commands that are spent still fires the schedules that were found", async () => {
    const queue = only(await setUp({ ...plain, schedules: 110, missedMinutes: 2_880 }));
    const { report, commands } = await spentBy(() => queue.drain({ concurrency: 100, budget: { commands: 1 } }));
    expect(report).toMatchObject({ claimed: 0, rearmed: 50, commands, lost: 0, stoppedBy: "budget", backlog: true });
  });

  test("of commands holds parallel requests back: their replies may cost what is left", async () => {
    const { queues, calls } = await setUp(many("slow", 300));
    const budget = { commands: 60 };
    const { report } = await spentBy(() => only({ queues }).drain({ concurrency: 100, batchSize: 5, budget }));
    expect(report).toMatchObject({ completed: report?.claimed, lost: 0, stoppedBy: "budget", backlog: true });
    expectClaimsToEnd(calls, budget.commands);
  });

  test("of commands that are spent stops what handlers send", async () => {
    const { queues, calls } = await setUp(many("progresses", 20));
    const { report } = await spentBy(() => only({ queues }).drain({ concurrency: 20, budget: { commands: 1 } }));
    expect(report).toMatchObject({ completed: 20, lost: 0 });
    expect(calls).toHaveLength(3);
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

  test("of too few round trips is refused, and the message says how many it takes", async () => {
    const queue = only(await setUp(many("quick", 1)));
    await expect(queue.drain({ budget: { roundTrips: 3 } })).rejects.toThrow("budget.roundTrips must be");
    expect(await queue.drain({ budget: { roundTrips: 4, commands: 1 } })).toMatchObject({ completed: 1 });
  });
});

/**
 * Once the commands are spent, nothing more is claimed, unless nothing was claimed before. So claims exceed the budget
 * by less than one of them.
 */
function expectClaimsToEnd(calls: readonly Call[], budget: number): void {
  for (const { claims, isFirstClaim, knownBefore } of calls)
    if (claims && !isFirstClaim) expect(knownBefore).toBeLessThan(budget);
  const sum = (some: readonly Call[]) => some.reduce((total, { commands }) => total + commands, 0);
  const settling = calls.filter(({ claims, knownAfter }) => !claims && knownAfter >= budget);
  const largest = Math.max(0, ...calls.map(({ commands }) => commands));
  expect(sum(calls) - sum(settling)).toBeLessThan(budget + largest);
}

function settledIn({ completed, retried, deadLettered, snoozed, released, lost }: DrainReport): number {
  return completed + retried + deadLettered + snoozed + released + lost;
}
