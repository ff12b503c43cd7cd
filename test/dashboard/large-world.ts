import { dashboard } from "../../src/http/dashboard/index.ts";
import { createHandler } from "../../src/http/handler.ts";
import { type AnyJob, defineJob, memoryStore, PermanentError, Queue, type Store } from "../../src/index.ts";
import { type ClockByHand, clockByHand } from "../support/clock.ts";
import { openedAt } from "./served-queue.ts";

// Four queues with 30 job types, 3,000 dead jobs in 60 groups, schedules, flow control keys and jobs with steps.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TYPES_OF_EACH = 7;
const GROUPS_OF_EACH = 15;
const DEAD_OF_EACH = 50;
const queueNames = ["default", "billing", "media", "imports"];

export interface LargeWorld {
  readonly queues: readonly Queue[];
  readonly clock: ClockByHand;
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

/** The errors of a queue: 15 kinds, of which the last is new. */
const errors = Array.from(
  { length: GROUPS_OF_EACH },
  (_, index) => `the ${"abcdefghijklmno"[index]} service refused it`,
);

export async function largeWorld(store: Store = memoryStore()): Promise<LargeWorld> {
  const clock = clockByHand(openedAt - 2 * 24 * HOUR);
  const queues = queueNames.map((name, index) => {
    const jobs = [...plainJobs(name, index, clock), ...(index === 0 ? specialJobs(clock) : [])];
    return new Queue({ name, store, jobs, clock, logger: null });
  });
  await runSchedules(queues, clock);
  for (const [index, queue] of queues.entries()) await fillWithDead(queue, index, clock);
  clock.now = openedAt - 30 * MINUTE;
  for (const queue of queues) {
    await queue.enqueueMany(
      queue.jobNames
        .filter((name) => name.startsWith(queue.name))
        .flatMap((job) => Array.from({ length: 5 }, (_, order) => ({ job, payload: { order } }))),
    );
    await queue.drain({ concurrency: 1, maxJobs: 500, linger: 0, timeBudget: "1h" });
  }
  await holdBack(queues[0] as Queue);
  clock.now = openedAt - 5 * MINUTE;
  await queues[0]?.enqueue("onboard", { user: 7 }, { id: "onboard-7", maxRetries: 0 });
  await queues[0]?.enqueue("onboard", { user: 8, isFine: true }, { id: "onboard-8" });
  await queues[0]?.enqueue("import_rows", {}, { id: "half-done" });
  await queues[0]?.drain({ concurrency: 1, linger: 0, maxJobs: 8 });
  clock.now = openedAt;
  await queues[1]?.enqueue("billing_0", {}, { delay: "4m", id: "the-next" });
  await queues[1]?.enqueue("billing_1", {}, { delay: "25m" });
  const app = createHandler({ queues, auth: "none", dashboard: dashboard(), eager: false });
  return { queues, clock, fetch: (request) => app.fetch(request) };
}

function plainJobs(queue: string, at: number, clock: ClockByHand): readonly AnyJob[] {
  return Array.from({ length: TYPES_OF_EACH }, (_, type) =>
    defineJob({
      name: `${queue}_${type}`,
      maxRetries: 0,
      perform(payload: { error?: string; order?: number } | null) {
        clock.now += queue === "media" && type === 3 ? 45_000 - 1_000 * (payload?.order ?? 0) : 20 * (type + at + 1);
        if (payload?.error) throw new PermanentError(payload.error);
        return { done: true };
      },
    }),
  );
}

/** Jobs of the first queue that show one thing each. */
function specialJobs(clock: ClockByHand): readonly AnyJob[] {
  return [
    defineJob({
      name: "onboard",
      async perform({ isFine }: { isFine?: boolean }, job) {
        for (const [name, took] of [
          ["create account", 400],
          ["charge card", 2_300],
          ["send welcome", 300],
        ] as const)
          await job.step(name, () => {
            clock.now += took;
            if (name === "charge card" && !isFine) throw new PermanentError("The card was declined.");
            return name;
          });
      },
    }),
    defineJob({
      name: "nightly_invoices",
      maxRetries: 0,
      perform: () => Promise.reject(new Error("No rate for CHF.")),
    }),
    defineJob({ name: "clean_up", perform: () => ({ removed: 3 }) }),
    defineJob({
      name: "import_rows",
      async perform(_: unknown, job) {
        clock.now += 5_000;
        await job.progress({ done: 40, of: 100 });
        return job.snooze("2h");
      },
    }),
  ];
}

async function runSchedules(queues: readonly Queue[], clock: ClockByHand): Promise<void> {
  const [first, second] = queues;
  if (!first || !second) return;
  await first.schedules.upsert("invoices", { job: "nightly_invoices", cron: "0 */4 * * *" });
  await first.schedules.upsert("clean-up", { job: "clean_up", cron: "*/30 * * * *" });
  await first.schedules.upsert("half-hour", { job: "clean_up", every: "30m" });
  await second.schedules.upsert("billing-sync", { job: "billing_2", cron: "0 * * * *" });
  while (clock.now < openedAt - HOUR) {
    clock.now += 30 * MINUTE;
    for (const queue of [first, second]) await queue.drain({ linger: 0 });
  }
}

async function fillWithDead(queue: Queue, index: number, clock: ClockByHand): Promise<void> {
  const types = queue.jobNames.filter((name) => name.startsWith(queue.name));
  for (const [kind, error] of errors.entries()) {
    const isNew = index === 3 && kind === GROUPS_OF_EACH - 1;
    const isOver = kind % 3 === 0;
    clock.now = openedAt - (isNew ? 20 * MINUTE : isOver ? 40 * HOUR : 26 * HOUR);
    const job = types[kind % types.length] ?? "";
    const dead = Array.from({ length: DEAD_OF_EACH }, () => ({ job, payload: { error } }));
    const half = isNew || isOver ? 0 : DEAD_OF_EACH / 2;
    for (const some of [dead.slice(0, half), dead.slice(half)]) {
      await queue.enqueueMany(some);
      await queue.drain({ maxJobs: 1_000, concurrency: 100, batchSize: 1_000, linger: 0, timeBudget: "1h" });
      if (half > 0) clock.now = openedAt - (1 + (kind % 5)) * HOUR;
    }
  }
}

/** Three jobs under one key, of which one may run at a time, and a paused key. */
async function holdBack(queue: Queue): Promise<void> {
  const under = (key: string, concurrency: number, count: number) =>
    Array.from({ length: count }, () => ({ job: "clean_up", payload: {}, flowControl: { key, concurrency } }));
  await queue.enqueueMany([...under("tenant-12", 1, 40), ...under("tenant-3", 5, 2)]);
  await queue.flowControl.pause("tenant-12");
}
