import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { seed as first, isForAll } from "../../scripts/shared/all-tests.ts";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import {
  createWakeObject,
  createWorker,
  durableObjectWake,
  type WakeNamespace,
  type WakeObject,
} from "../../src/platforms/cloudflare.ts";
import { start } from "../support/clock.ts";
import { chosen, seededRandom } from "../support/random.ts";
import { objectStorage } from "../support/wake-object.ts";

const HOUR = 3_600_000;
/** Jobs of a call that leases them: if it dies, they are due when their leases end. */
const LEASE = 120_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: start });
});

afterEach(() => {
  vi.useRealTimers();
});

interface Trial {
  /** How many of a hundred calls of `wake` are lost. Then the object also forgets what it keeps in memory. */
  readonly lost: number;
}

/**
 * Lets three isolates enqueue, move, pause, resume and die at random, on a Worker that a Durable Object and a cron each
 * hour wake. Returns how late each job began.
 */
async function run(seed: number, { lost }: Trial): Promise<number[]> {
  const random = seededRandom(seed);
  const store = memoryStore();
  const storage = objectStorage();
  const due = new Map<string, number>();
  const begun = new Map<string, number>();
  const pauses: (readonly [from: number, to: number])[] = [];
  let pausedSince: number | undefined;

  const job = defineJob({
    name: "job",
    timeout: LEASE,
    async perform(id: string) {
      if (!begun.has(id)) begun.set(id, Date.now());
      if (random() < 0.1) await enqueue(worker, chosen([0, 400, 20_000], random));
    },
  });
  const namespace: WakeNamespace = {
    idFromName: (name) => name,
    get: () => ({
      async fetch(url) {
        if (random() * 100 < lost) {
          if (random() < 0.5) throw new Error("lost");
          return new Response(null);
        }
        const response = await object.fetch(new Request(url));
        // Some arrive twice.
        if (random() < 0.1) await object.fetch(new Request(url));
        return response;
      },
    }),
  };
  const open = () => new Queue({ store, jobs: [job], random, logger: null, wake: durableObjectWake(namespace) });
  const worker = open();
  const isolates = [open(), open(), open()];
  // If the call after a drain is lost, the backlog that it leaves waits for the next hour.
  const configure = () => ({ queue: worker, auth: "none" as const, scheduled: { maxJobs: lost > 0 ? 1_000 : 10 } });
  const Wake = createWakeObject(configure);
  const cron = createWorker(configure);
  let object: WakeObject = new Wake({ storage }, {});

  async function enqueue(queue: Queue, delay: number) {
    const id = `j${due.size}`;
    due.set(id, Date.now() + delay);
    await queue.enqueue(job, id, { id, delay });
  }

  async function enqueueAndDie(queue: Queue) {
    const id = `j${due.size}`;
    const { held } = await internalsOf(queue).enqueueHeld([{ job, id, payload: id }]);
    // A paused queue leases nothing.
    due.set(id, held[0]?.lease.endsAt ?? Date.now());
  }

  /** Lets time pass, from alarm to alarm and from hour to hour. */
  async function pass(ms: number) {
    const end = Date.now() + ms;
    while (Date.now() < end) {
      const now = Date.now();
      const hour = Math.floor(now / HOUR + 1) * HOUR;
      const next = Math.max(now, Math.min(storage.alarm ?? Number.POSITIVE_INFINITY, hour, end));
      vi.setSystemTime(next);
      if (storage.alarm !== null && storage.alarm <= next) {
        storage.alarm = null;
        if (lost > 0 && random() < 0.3) object = new Wake({ storage }, {});
        await object.alarm();
      }
      if (next === hour) await cron.scheduled({}, {}, {} as never);
    }
  }

  async function move(queue: Queue) {
    const waiting = [...due].filter(([id, at]) => !begun.has(id) && at > Date.now()).map(([id]) => id);
    if (waiting.length === 0) return;
    const id = chosen(waiting, random);
    const to = Date.now() + chosen([0, 5_000, 600_000], random);
    const isMoved = await queue.reschedule(id, to).then(
      () => true,
      () => false,
    );
    if (isMoved) due.set(id, to);
  }

  async function pauseOrResume(queue: Queue) {
    if (pausedSince === undefined) {
      await queue.pause();
      pausedSince = Date.now();
      return;
    }
    await queue.resume();
    pauses.push([pausedSince, Date.now()]);
    pausedSince = undefined;
  }

  for (let step = 0; step < 80; step++) {
    const queue = chosen(isolates, random);
    const what = random();
    if (what < 0.5) await enqueue(queue, chosen([0, 1, 500, 3_000, 60_000, 1_200_000], random));
    else if (what < 0.6)
      await Promise.all(Array.from({ length: 30 }, () => enqueue(queue, Math.floor(random() * 5_000))));
    else if (what < 0.75) await enqueueAndDie(queue);
    else if (what < 0.9) await move(queue);
    // A pause may hide the queue from a tick of the net.
    else if (lost === 0) await pauseOrResume(queue);
    await pass(chosen([1, 20, 300, 2_000, 30_000, 900_000], random));
  }
  if (pausedSince !== undefined) await pauseOrResume(worker);
  await pass(3 * HOUR);
  return [...due].map(([id, at]) => {
    const before = (moment: number): number => {
      const pause = pauses.find(([from, to]) => moment >= from - 1_000 && moment < to);
      return pause ? before(pause[1]) : moment;
    };
    return (begun.get(id) ?? Number.POSITIVE_INFINITY) - before(at);
  });
}

const seeds = Array.from({ length: isForAll ? 100 : 3 }, (_, index) => first + index);

test("no job begins more than a second late, whatever isolates do and whichever die", async () => {
  for (const seed of seeds) {
    const late = await run(seed, { lost: 0 });
    expect(Math.max(...late), `seed ${seed}`).toBeLessThanOrEqual(1_000);
  }
});

test("with a third of the calls lost, and an object that forgets, every job begins within the hour of the net", async () => {
  const all: number[] = [];
  for (const seed of seeds) {
    const late = await run(seed, { lost: 33 });
    expect(Math.max(...late), `seed ${seed}`).toBeLessThanOrEqual(HOUR + 1_000);
    all.push(...late);
  }
  // Most of the calls that arrive make up for those that are lost.
  expect(all.filter((ms) => ms > 1_000).length).toBeGreaterThan(0);
});
