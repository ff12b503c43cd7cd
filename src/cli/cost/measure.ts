import { defineJob } from "../../core/job/define.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import { Queue } from "../../core/queue/queue.ts";
import type { Meter } from "../../core/store/meter.ts";
import type { Store } from "../../core/store/store.ts";

/** What something costs, as measured. */
export interface Measured {
  readonly what: string;
  readonly commands: number;
  readonly roundTrips: number;
}

export interface Measurements {
  readonly idleTick: Measured;
  readonly enqueue: Measured;
  readonly lone: Measured;
  readonly eager: Measured;
  readonly batch: Measured;
  readonly retry: Measured;
  readonly occurrence: Measured;
}

/** The name of the queue used for measuring. */
export const SCRATCH = "scratch";
export const BATCH = 100;
const MINUTE_MS = 60_000;

/** Runs a few jobs through a separate queue and counts the commands. It has its own clock, so nothing waits. */
export async function measure(store: Store, startAt: number): Promise<Measurements> {
  const scratch = new Scratch(store, startAt);
  // The first calls also load the scripts, which Redis then keeps, and count names for the first time.
  await scratch.enqueueAndRun();
  await scratch.enqueueFailing();
  await scratch.drain();
  const idleTick = await scratch.drain();
  const enqueue = await scratch.enqueue(1);
  const lone = await scratch.drain();
  const eager = await scratch.enqueueAndRun();
  const many = await scratch.enqueue(BATCH);
  const batch = await scratch.drain();
  await scratch.enqueueFailing();
  const retry = await scratch.drain();
  await scratch.addSchedule();
  scratch.now += MINUTE_MS;
  const occurrence = await scratch.drain();
  return {
    idleTick: { what: "a tick that finds nothing", ...idleTick },
    enqueue: { what: "enqueue one job", ...enqueue },
    lone: { what: "a tick that finds one job, and runs it", ...lone },
    eager: { what: "one job enqueued over HTTP and run at once", ...eager },
    batch: { what: `one of ${BATCH} jobs, enqueued and run together`, ...shareOf(sumOf(many, batch)) },
    retry: { what: "a tick that runs one job, which fails", ...retry },
    occurrence: { what: "a tick that fires a schedule, and runs its job", ...occurrence },
  };
}

class Scratch {
  now: number;
  readonly #store: Store;

  constructor(store: Store, startAt: number) {
    this.now = startAt;
    this.#store = store;
  }

  async enqueue(size: number): Promise<Meter> {
    const queue = this.#queue();
    await queue.enqueueMany(Array.from({ length: size }, () => ({ job: succeeds })));
    return spentBy(queue);
  }

  async enqueueFailing(): Promise<void> {
    await this.#queue().enqueue(fails);
  }

  async enqueueAndRun(): Promise<Meter> {
    const queue = this.#queue();
    const { drain, enqueueHeld } = internalsOf(queue);
    const { held } = await enqueueHeld([{ job: succeeds }]);
    await drain({ held, heldOnly: true });
    return spentBy(queue);
  }

  async addSchedule(): Promise<void> {
    await this.#queue().schedules.upsert("each-minute", { job: succeeds, cron: "* * * * *" });
  }

  async drain(): Promise<Meter> {
    const { roundTrips, commands } = await this.#queue().drain();
    return { roundTrips, commands };
  }

  /** A new queue for each step, as each invocation has. One that remembers what is due would save a poll. */
  #queue(): Queue {
    return new Queue({
      name: SCRATCH,
      store: this.#store,
      jobs: [succeeds, fails],
      clock: () => this.now,
      // One of them fails on purpose.
      logger: null,
    });
  }
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

function spentBy({ spending: { roundTrips, commands } }: Queue): Meter {
  return { roundTrips, commands };
}

function sumOf(one: Meter, other: Meter): Meter {
  return { roundTrips: one.roundTrips + other.roundTrips, commands: one.commands + other.commands };
}

function shareOf({ roundTrips, commands }: Meter): Meter {
  return { roundTrips: roundTrips / BATCH, commands: commands / BATCH };
}
