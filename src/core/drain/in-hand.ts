import type { Attempt } from "../attempt/attempt.ts";
import type { AttemptOutcome, SettledAttempt } from "../job/attempt-info.ts";
import { MOST_SETTLED_BYTES, mostBytesOf } from "../shared/limits.ts";
import { type Lease, possibleLeases } from "../store/store.ts";
import type { Unsettled } from "./budget.ts";
import type { InFlight } from "./in-flight.ts";
import { WaitingJobs } from "./waiting-jobs.ts";

const WATCHED_AFTER_MS = 1_000;

/** The jobs that a drain has claimed and not settled yet, from the claim to the outcome. */
export class JobsInHand implements Unsettled {
  readonly waiting = new WaitingJobs();
  readonly running = new Set<Attempt>();
  /** Jobs that have ended, or are released, and wait for the next exchange. */
  readonly ended = new SettleBuffer();
  /** How many were released because their job type is paused. Others may be claimed in their place. */
  held = 0;
  readonly #inFlight: Readonly<InFlight>;

  constructor(inFlight: Readonly<InFlight>) {
    this.#inFlight = inFlight;
  }

  /** The leases of jobs that have run for a while: quick ones end before anybody can cancel them. */
  longestRunning(now: number): readonly Lease[] {
    return [...this.running]
      .filter(({ startedAt }) => startedAt > 0 && now - startedAt >= WATCHED_AFTER_MS)
      .map(({ job }) => job.lease.current);
  }

  /** How many wait for a slot or are being claimed. Followers wait for others of their key. */
  get ahead(): number {
    return this.waiting.forSlot + this.#inFlight.claiming;
  }

  /** How many jobs no exchange has settled or is settling. Jobs that are being claimed count too. */
  get unsettled(): number {
    return this.waiting.length + this.#inFlight.claiming + this.running.size + this.ended.length;
  }

  /** Each request holds only so many bytes of records. */
  get requestsToSettle(): number {
    return this.unsettled === 0 ? 0 : Math.max(1, this.ended.requests.length);
  }

  requestsAfter(more: number): number {
    const [settled = 0, ...rest] = this.ended.requests;
    return this.unsettled - settled + more > 0 ? Math.max(1, rest.length) : 0;
  }

  /** Whether nothing runs and no reply is on its way. */
  get isIdle(): boolean {
    return this.running.size === 0 && this.#inFlight.count === 0;
  }
}

/** A job whose attempt has ended, or that is released. */
export interface EndedJob extends SettledAttempt {
  readonly at: number;
  /** Whether another job waits for the slot of the flow control key that this one holds. */
  readonly isAwaited: boolean;
}

const none: NonNullable<AttemptOutcome["followUps"]> = [];

/**
 * The most bytes of records that it takes to settle a job: its own, its first one if the store needs that, and those of
 * the jobs that its end makes; all of them for each of its possible leases.
 */
function sentBytes({ outcome: { record, lease, followUps = none } }: EndedJob): number {
  const made = followUps.reduce((sum, job) => sum + mostBytesOf(job.record), 0);
  const bytes = mostBytesOf(record) + made;
  return lease.mayEndAt ? bytes * possibleLeases(lease).length : bytes;
}

/** How long an ended job waits for others to be settled with it. Its lease leaves it 5 s (`SETTLE_MARGIN_MS`). */
const WAITS_MS = 1_000;

/** The jobs of a drain that have ended and are not settled yet, oldest first. */
export class SettleBuffer {
  #jobs: EndedJob[] = [];
  /** How many they are. Only this class changes it. */
  length = 0;
  /** Whether some are released. Only this class changes it. */
  hasReleased = false;
  /** How many hold a slot of their flow control key that another job waits for. Only this class changes it. */
  awaitedSlots = 0;
  /** How many jobs each of the next requests settles. */
  requests: number[] = [];
  /** How many bytes of records the last of these requests has. */
  #lastBytes = 0;

  add(job: EndedJob): void {
    if (job.outcome.to === "released") this.hasReleased = true;
    this.#append(job);
  }

  /**
   * When the oldest must be settled; infinite if there is none. Released jobs are settled at once, since another
   * drain may have a slot for them.
   */
  settleBy(isUrgent: boolean): number {
    const [oldest] = this.#jobs;
    return oldest ? oldest.at + (isUrgent || this.hasReleased ? 0 : WAITS_MS) : Number.POSITIVE_INFINITY;
  }

  #append(job: EndedJob): void {
    const bytes = sentBytes(job);
    if (job.isAwaited) this.awaitedSlots++;
    const last = this.requests.at(-1);
    this.length = this.#jobs.push(job);
    if (last === undefined || this.#lastBytes + bytes > MOST_SETTLED_BYTES) {
      this.requests.push(1);
      this.#lastBytes = bytes;
    } else {
      this.requests[this.requests.length - 1] = last + 1;
      this.#lastBytes += bytes;
    }
  }

  take(): readonly EndedJob[] {
    this.hasReleased = false;
    const taken = this.#jobs.splice(0, this.requests.shift());
    this.length -= taken.length;
    if (this.awaitedSlots > 0) this.awaitedSlots -= taken.filter(({ isAwaited }) => isAwaited).length;
    return taken;
  }

  putBack(jobs: readonly EndedJob[]): void {
    const all = [...jobs, ...this.#jobs];
    this.#jobs = [];
    this.requests = [];
    this.awaitedSlots = 0;
    for (const job of all) this.#append(job);
  }
}
