import { defineJob } from "../../core/job/define.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import { Queue } from "../../core/queue/queue.ts";
import { type Cost, sumOf } from "../../core/store/meter.ts";
import type { Store } from "../../core/store/store.ts";

export interface Measured extends Cost {
  readonly what: string;
}

export type Measurements = Awaited<ReturnType<typeof measure>>;

export const SCRATCH = "scratch";
export const BATCH = 100;
const MINUTE_MS = 60_000;

/** Runs a few jobs through a separate queue and counts the commands. It has its own clock, so nothing waits. */
export async function measure(store: Store, startAt: number) {
  let now = startAt;
  // A new queue for each step, as each invocation has. One that remembers what is due would save a poll. One job fails
  // on purpose, so nothing is logged.
  const open = () => new Queue({ name: SCRATCH, store, jobs: [succeeds, fails], clock: () => now, logger: null });
  const drain = async () => meterOf(await open().drain());
  const enqueue = async (size: number) => {
    const queue = open();
    await queue.enqueueMany(Array.from({ length: size }, () => ({ job: succeeds })));
    return meterOf(queue.spending);
  };
  const enqueueAndRun = async () => {
    const queue = open();
    const { drain: drainHeld, enqueueHeld } = internalsOf(queue);
    const { held } = await enqueueHeld([{ job: succeeds }]);
    await drainHeld({ held, heldOnly: true });
    return meterOf(queue.spending);
  };
  // The first calls also load the scripts, which Redis then keeps, and count names for the first time.
  await enqueueAndRun();
  await open().enqueue(fails);
  await drain();
  const idleTick = await drain();
  const enqueued = await enqueue(1);
  const lone = await drain();
  const eager = await enqueueAndRun();
  const batch = sumOf(await enqueue(BATCH), await drain());
  await open().enqueue(fails);
  const retry = await drain();
  await open().schedules.upsert("each-minute", { job: succeeds, cron: "* * * * *" });
  now += MINUTE_MS;
  const occurrence = await drain();
  return {
    idleTick: { what: "a tick that finds nothing", ...idleTick },
    enqueue: { what: "enqueue one job", ...enqueued },
    lone: { what: "a tick that finds one job, and runs it", ...lone },
    eager: { what: "one job enqueued over HTTP and run at once", ...eager },
    batch: {
      what: `one of ${BATCH} jobs, enqueued and run together`,
      roundTrips: batch.roundTrips / BATCH,
      commands: batch.commands / BATCH,
    },
    retry: { what: "a tick that runs one job, which fails", ...retry },
    occurrence: { what: "a tick that fires a schedule, and runs its job", ...occurrence },
  } satisfies Record<string, Measured>;
}

const succeeds = defineJob({ name: "succeeds", perform: () => {} });
const fails = defineJob({
  name: "fails",
  // Keeps the retry away from the schedule's measurement.
  backoff: { type: "fixed", base: "24h" },
  perform() {
    throw new Error("Fails on purpose.");
  },
});

const meterOf = ({ roundTrips, commands }: Cost): Cost => ({ roundTrips, commands });
