import { isLast, jobEvent } from "../../core/manage/job-event.ts";
import type { JobInfo } from "../../core/manage/job-info.ts";
import { readJob } from "../../core/manage/jobs.ts";
import { internalsOf } from "../../core/queue/internals.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { sleep } from "../../core/shared/clock.ts";
import { refreshWaitMs } from "../../core/shared/poll-wait.ts";

/** The shortest time between two readings of a job, and the age up to which a new viewer uses one. */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 15_000;
/** The longest time between two readings of a job that has just begun to run or to wait, while nothing changes. */
const QUIET_MS = 5_000;
/** A job is read after this part of the time for which it has been running: what takes long may be shown later. */
const PART = 1 / 60;
/** A reading that takes longer is given up: the request that made it may have been cancelled. */
const GIVEN_UP_MS = 5_000;
/** How soon to look again for what another viewer is reading. */
const MEANWHILE_MS = 250;
/** What nobody has read for this long, nobody watches. */
const FORGOTTEN_MS = 60_000;

export interface Reading {
  /** Null if it no longer exists. */
  readonly job: JobInfo | null;
  readonly readAt: number;
  readonly nextAt: number;
  /** How many readings in a row have found no change. */
  readonly quiet: number;
  readonly text: string;
}

/** Data and no promises: workerd refuses to await a promise that another request made. */
interface Kept {
  readonly last: Reading | undefined;
  /** Since when a viewer has been reading the job again. */
  readonly since?: number;
}

/**
 * The jobs that this isolate watches. However many viewers a job has, it is read once at a time, and less and less
 * often: each viewer looks when the last reading is old, and the first to do so reads for all.
 */
export class Readings {
  readonly #kept = new Map<string, Kept>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Of a job that has ended it is new: the job may have been retried since, or another one have its id. */
  async first(queue: Queue, id: string, onRead: () => void): Promise<Reading> {
    const now = queue.clock();
    for (const [key, { last, since = last?.readAt ?? now }] of this.#kept)
      if (Math.abs(now - since) > FORGOTTEN_MS) this.#kept.delete(key);
    const known = this.#kept.get(keyOf(queue, id))?.last;
    const isFresh = (reading: Reading, at: number) =>
      reading !== known || (reading.job !== null && !isLast(reading.job) && isWithin(at - reading.readAt, SHORTEST_MS));
    return this.#reading(queue, id, onRead, isFresh);
  }

  /** The latest reading. If the store fails, that is the one before, until the next one is due. */
  async latest(queue: Queue, id: string, before: Reading, onRead: () => void): Promise<Reading> {
    try {
      return await this.#reading(queue, id, onRead, ({ readAt, nextAt }, at) => at >= readAt && at < nextAt, before);
    } catch (error) {
      this.#onError(error);
      const delayed = { ...before, readAt: queue.clock(), nextAt: queue.clock() + LONGEST_MS };
      this.#kept.set(keyOf(queue, id), { last: delayed });
      return delayed;
    }
  }

  async #reading(
    queue: Queue,
    id: string,
    onRead: () => void,
    isFresh: (reading: Reading, now: number) => boolean,
    before?: Reading,
  ): Promise<Reading> {
    const key = keyOf(queue, id);
    for (;;) {
      const now = queue.clock();
      const { last = before, since } = this.#kept.get(key) ?? {};
      if (last && isFresh(last, now)) return last;
      if (since === undefined || !isWithin(now - since, GIVEN_UP_MS)) {
        onRead();
        return this.#read(queue, id, last);
      }
      if (before) return { ...before, nextAt: now + MEANWHILE_MS };
      await sleep(queue.clock, MEANWHILE_MS);
    }
  }

  async #read(queue: Queue, id: string, last: Reading | undefined): Promise<Reading> {
    const key = keyOf(queue, id);
    this.#kept.set(key, { last, since: queue.clock() });
    try {
      const reading = following(last, await readJob(internalsOf(queue), id), queue.clock());
      this.#kept.set(key, { last: reading });
      return reading;
    } catch (error) {
      this.#kept.set(key, { last });
      throw error;
    }
  }
}

function following(last: Reading | undefined, found: JobInfo | null, now: number): Reading {
  // A completed job keeps no progress.
  const job = found && isLast(found) ? { progress: last?.job?.progress, ...found } : found;
  const text = JSON.stringify(jobEvent(job, true));
  const quiet = last?.text === text ? last.quiet + 1 : 0;
  return { job, readAt: now, nextAt: now + waitMs(job, quiet, now), quiet, text };
}

function waitMs(job: JobInfo | null, quiet: number, now: number): number {
  if (!job || isLast(job)) return LONGEST_MS;
  const { state, startedAt, runAt, enqueuedAt } = job;
  const since = state === "running" ? startedAt : state === "ready" ? runAt : undefined;
  const shortest = Math.min(Math.max((now - Number(since ?? enqueuedAt)) * PART, SHORTEST_MS), LONGEST_MS);
  return refreshWaitMs(shortest, Math.max(shortest, QUIET_MS), quiet, runAt ? [Number(runAt) - now] : []);
}

// A clock can be set back.
const isWithin = (age: number, most: number) => Math.abs(age) < most;

const keyOf = ({ name }: Queue, id: string) => `${name}/${id}`;
