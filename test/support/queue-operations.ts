import { equal } from "node:assert/strict";
import fc from "fast-check";
import type { BulkJob } from "../../src/core/enqueue/bulk.ts";
import type { AnyJob } from "../../src/core/job/define.ts";
import type { FlowControlOptions } from "../../src/core/job/flow-control.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import type { Store } from "../../src/core/store/store.ts";
import {
  type DeadSelection,
  defineJob,
  isTidegateError,
  PermanentError,
  Queue,
  RetryAfterError,
  type Schedule,
  TidegateError,
} from "../../src/index.ts";
import { aroundStore } from "./around-calls.ts";
import { type ClockByHand, clockByHand, start } from "./clock.ts";
import { Ledger } from "./ledger.ts";

/** When a dying invocation loses its store: from this call on, and whether that call still takes effect. */
interface Death {
  readonly call: number;
  readonly isDone: boolean;
}

/** One user of the queue, whose invocations can be made to die. */
interface Client {
  readonly queue: Queue;
  death: Death | undefined;
  calls: number;
}

/** Several clients on one store, with one manual clock. */
export interface QueueWorld {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly clients: readonly Client[];
  readonly clock: ClockByHand;
}

/** What a client does. An error that the queue throws on purpose is an answer too. */
export interface QueueOperation {
  readonly name: string;
  run(world: QueueWorld): Promise<void>;
}

const behaviours = [
  ...(["succeed", "fail", "give up", "snooze", "retry after", "report", "extend"] as const),
  // Jobs that take a while, by the shared clock: with longer leases, beyond their leases, and until it is set back.
  ...(["extend and take long", "outlive the lease", "set the clock back"] as const),
  // Jobs that remember steps, sleep, and wait for signals.
  ...(["steps", "steps and fail", "sleep", "wait", "wait for either", "steps and outlive the lease"] as const),
  // Jobs that enqueue others, without a key and with one.
  ...(["enqueue", "enqueue and fail", "enqueue and snooze", "enqueue and outlive the lease"] as const),
];
type Behaviour = (typeof behaviours)[number];

const workOn = (clock: ClockByHand) =>
  defineJob({
    name: "work",
    maxRetries: 3,
    backoff: { base: "20s", max: "20s" },
    async perform(behaviour: Behaviour, job) {
      if (behaviour.startsWith("enqueue")) {
        job.enqueue("work", "succeed", { flowControl: { key: "one", concurrency: 1 } });
        job.enqueue("work", "enqueue", { delay: "90s" });
      }
      if (behaviour.startsWith("steps")) {
        await Promise.all(["a", "b"].map((name) => job.step(name, ({ attempt }) => ({ name, attempt }))));
        await job.step("c", ({ attempt }) => {
          if (behaviour === "steps and outlive the lease") clock.now += 200_000;
          if (behaviour === "steps and fail" && attempt < 3) throw new Error("no luck");
        });
      }
      if (behaviour === "sleep") await job.sleep("45s");
      if (behaviour === "wait") await job.waitFor("paid", { timeout: "2m" });
      if (behaviour === "wait for either") {
        await job.step("before", () => 1);
        await job.waitFor(["paid", "late"], { timeout: "2m" });
        await job.waitFor("paid", { timeout: "1m" });
      }
      if (behaviour === "fail" || behaviour === "enqueue and fail") throw new Error("no luck");
      if (behaviour === "give up") throw new PermanentError("no hope");
      if (behaviour === "retry after") throw new RetryAfterError("not yet", "7s");
      if (behaviour === "snooze" || behaviour === "enqueue and snooze") return job.snooze("45s");
      if (behaviour === "report") await job.progress({ half: true });
      if (behaviour === "extend" || behaviour === "extend and take long") await job.extend("90s");
      if (behaviour === "extend and take long") clock.now += 50_000;
      if (behaviour.endsWith("outlive the lease")) clock.now += 200_000;
      if (behaviour === "set the clock back") clock.now -= 20_000;
      return { attempt: job.attempt };
    },
  });

const recurring = defineJob({ name: "recurring", maxRetries: 0, perform: () => {} });
const beat = (cron: string) => defineJob({ name: "beat", schedule: { cron }, perform: () => {} });

/** How far the clock of one client is ahead of the others'. */
const AHEAD_MS = 2_000;
const CLIENT_AHEAD = 1;

export function openQueueWorld(inner: Store): QueueWorld {
  const clock = clockByHand(start);
  const work = workOn(clock);
  const ledger = new Ledger();
  const store = ledger.watch(inner);
  let ids = 0;
  const newId = () => `fresh-${String(ids++).padStart(6, "0")}`;
  const open = (jobs: readonly AnyJob[], aheadMs: number): Client => {
    const client: { queue?: Queue; death: Death | undefined; calls: number } = { death: undefined, calls: 0 };
    client.queue = new Queue({
      store: mortal(store, client),
      jobs,
      clock: () => clock.now + aheadMs,
      newId,
      random: () => 0.5,
      retention: "1000d",
      logger: null,
    });
    return client as Client;
  };
  // Two of one deployment, one with a fast clock, and one of another deployment that declares another schedule and
  // allows no retries.
  const clients = [
    open([recurring, work, beat("*/30 * * * * *")], 0),
    open([recurring, work, beat("*/30 * * * * *")], AHEAD_MS),
    open([recurring, { ...work, maxRetries: 0 }, beat("0 * * * * *")], 0),
  ];
  return { store, ledger, clients, clock };
}

function mortal(store: Store, client: Pick<Client, "death" | "calls">): Store {
  return aroundStore(store, async (_, run) => {
    const { death } = client;
    client.calls++;
    if (!death || client.calls < death.call) return run();
    if (death.isDone && client.calls === death.call) await run();
    throw new TidegateError("store_unavailable", "The invocation has died.");
  });
}

const who = fc.constantFrom(0, 1, 2);
/** One of them is the id of a future occurrence. */
const id = fc.constantFrom("a", "b", "c", "d", "ä/é", "1e3", "beat@2026-03-01T12:01:00.000Z");
const key = fc.constantFrom("daily", "hourly");
const anyKey = fc.constantFrom("daily", "hourly", "beat");
const delay = fc.constantFrom("0s", "1s", "30s", "90s");
const rule = fc.constantFrom<Schedule>(
  { cron: "0 * * * * *" },
  { cron: "*/20 * * * * *" },
  { cron: "0 0 13 * * *" },
  { every: "25s" },
);
const behaviour = fc.constantFrom(...behaviours);
const flowControl = fc.constantFrom(
  { key: "one", concurrency: 1 },
  { key: "two", concurrency: 2, rate: 3, period: "30s" },
  { key: "line", ordered: true },
) satisfies fc.Arbitrary<FlowControlOptions>;

function operation<Values extends { readonly who: number }>(
  name: string,
  values: fc.Arbitrary<Values>,
  act: (queue: Queue, values: Values, world: QueueWorld) => Promise<unknown>,
): fc.Arbitrary<QueueOperation> {
  return values.map((chosen) => {
    const text = `${name} ${JSON.stringify(chosen)}`;
    const run = (world: QueueWorld) => settled(() => act(queueOf(world, chosen.who), chosen, world));
    return { name: text, run, [fc.toStringMethod]: () => text };
  });
}

function clientOf({ clients }: QueueWorld, number: number): Client {
  return clients[number] as Client;
}

function queueOf(world: QueueWorld, number: number): Queue {
  return clientOf(world, number).queue;
}

/** Ignores errors that a queue throws on purpose. */
async function settled(act: () => Promise<unknown>): Promise<void> {
  await act().catch((error: unknown) => {
    if (!isTidegateError(error)) throw error;
  });
}

const enqueue = operation(
  "enqueueMany",
  fc.record({
    who,
    jobs: fc.array(
      fc.record({
        id: fc.option(id),
        behaviour,
        delay,
        maxRetries: fc.option(fc.constantFrom(0, 1, 3), { freq: 1 }),
        expires: fc.option(fc.constantFrom("1s", "1m"), { freq: 1 }),
        dedupe: fc.option(fc.constantFrom("x", "y")),
        replace: fc.boolean(),
        flowControl: fc.option(flowControl),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    isHeld: fc.boolean(),
  }),
  async (queue, { jobs, isHeld }) => {
    const bulk = jobs.map(
      (job): BulkJob => ({
        job: "work",
        payload: job.behaviour,
        delay: job.delay,
        ...(job.id !== null && { id: job.id }),
        ...(job.maxRetries !== null && { maxRetries: job.maxRetries }),
        ...(job.expires !== null && { expires: job.expires }),
        ...(job.dedupe !== null && { dedupe: { key: job.dedupe, ttl: "10m", replace: job.replace } }),
        ...(job.flowControl !== null && { flowControl: job.flowControl }),
      }),
    );
    return isHeld ? internalsOf(queue).enqueueHeld(bulk) : queue.enqueueMany(bulk);
  },
);

const drain = operation(
  "drain",
  fc.record({
    who,
    maxJobs: fc.integer({ min: 1, max: 4 }),
    concurrency: fc.integer({ min: 1, max: 3 }),
    death: fc.option(fc.record({ call: fc.integer({ min: 1, max: 4 }), isDone: fc.boolean() })),
  }),
  async (queue, { who: number, maxJobs, concurrency, death }, world) => {
    const client = clientOf(world, number);
    client.calls = 0;
    client.death = death ?? undefined;
    try {
      const { claimed, ...report } = await queue.drain({ maxJobs, batchSize: maxJobs, concurrency });
      const { completed, retried, deadLettered, snoozed, expired, released, lost } = report;
      const ended = completed + retried + deadLettered + snoozed + expired + released + lost;
      equal(ended, claimed, "what became of those claimed");
    } finally {
      client.death = undefined;
      await mustHaveDiedOfWhatHappened(queue);
    }
  },
);

/** No dead job has fewer attempts than failures. */
async function mustHaveDiedOfWhatHappened(queue: Queue): Promise<void> {
  const { jobs } = await queue.listDeadLetter();
  const failed = ({ errors }: (typeof jobs)[number]) => errors.at(-1)?.attempt ?? 1;
  const wrong = jobs.filter((job) => job.attempts < failed(job)).map(({ id, attempts }) => `${id} of ${attempts}`);
  equal(wrong.join(), "", "dead jobs with more failures than attempts");
}

/** Makes a job fail in the deployment that retries it, and the deployment that does not claim it. */
async function lowerRetries(queue: Queue, { failures }: { failures: number }, world: QueueWorld): Promise<void> {
  await queue.enqueue("work", "fail");
  for (let failed = 0; failed < failures; failed++) {
    await queueOf(world, 0).drain();
    world.clock.now += 20_000;
  }
  await queueOf(world, 2).drain();
  await mustHaveDiedOfWhatHappened(queue);
}

const selection: fc.Arbitrary<string | DeadSelection> = fc.oneof(
  id,
  fc.record({ ids: fc.array(id, { maxLength: 3 }) }),
  fc.constant({ name: "work" }),
  fc.constant({ all: true as const }),
);

const others: readonly fc.Arbitrary<QueueOperation>[] = [
  operation("cancel", fc.record({ who, id }), (queue, values) => queue.cancel(values.id)),
  operation("reschedule", fc.record({ who, id, delay }), (queue, values) => queue.reschedule(values.id, values.delay)),
  operation("update", fc.record({ who, id, behaviour }), (queue, values) =>
    queue.update(values.id, { payload: values.behaviour }),
  ),
  operation("lower", fc.record({ who, failures: fc.integer({ min: 1, max: 3 }) }), lowerRetries),
  operation(
    "signal",
    fc.record({ who, event: fc.constantFrom("paid", "late"), id: fc.option(fc.constantFrom("m-1", "m-2")) }),
    (queue, { event, id: messageId }) =>
      queue.signal(event, { event }, { keep: "900d", ...(messageId && { id: messageId }) }),
  ),
  operation("getJob", fc.record({ who, id }), (queue, values) => queue.getJob(values.id)),
  operation("retryFromDeadLetter", fc.record({ who, selection, dryRun: fc.boolean() }), (queue, values) =>
    queue.retryFromDeadLetter(values.selection, { dryRun: values.dryRun }),
  ),
  operation("removeFromDeadLetter", fc.record({ who, selection }), (queue, values) =>
    queue.removeFromDeadLetter(values.selection),
  ),
  operation("pause", fc.record({ who }), (queue) => queue.pause()),
  operation("resume", fc.record({ who }), (queue) => queue.resume()),
  operation(
    "clear",
    fc.record({ who, state: fc.constantFrom("pending", "scheduled", "ready", "completed", "dead") }),
    (queue, { state }) => queue.clear({ state }),
  ),
  operation(
    "schedules.upsert",
    fc.record({
      who,
      key,
      rule,
      missed: fc.constantFrom("once", "skip", "all"),
      overlap: fc.constantFrom("allow", "skip"),
    }),
    (queue, { key: name, rule: when, missed, overlap }) =>
      queue.schedules.upsert(name, { job: recurring, ...when, missed, overlap, expires: "1h" }),
  ),
  operation(
    "schedules.resume, after a slot was fired early",
    fc.record({ who, key: anyKey }),
    async (queue, values, world) => {
      const { clock } = world;
      clock.now = Math.ceil((clock.now + AHEAD_MS) / 60_000) * 60_000 - AHEAD_MS / 2;
      await queueOf(world, CLIENT_AHEAD).drain();
      await queue.schedules.pause(values.key);
      await queue.schedules.resume(values.key);
    },
  ),
  operation("schedules.pause", fc.record({ who, key: anyKey }), (queue, values) => queue.schedules.pause(values.key)),
  operation("schedules.resume", fc.record({ who, key: anyKey }), (queue, values) => queue.schedules.resume(values.key)),
  operation("schedules.remove", fc.record({ who, key }), (queue, values) => queue.schedules.remove(values.key)),
];

const tick = operation(
  "tick",
  fc.record({ who, ms: fc.constantFrom(1, 1_000, 20_000, 61_000, 600_000) }),
  async (_, { ms }, { clock }) => {
    clock.now += ms;
  },
);

/** Any operation of any client. */
export const anyQueueOperation: fc.Arbitrary<QueueOperation> = fc.oneof(
  { arbitrary: enqueue, weight: 5 },
  { arbitrary: drain, weight: 8 },
  { arbitrary: tick, weight: 4 },
  ...others,
);
