import { Afterwards } from "../observe/afterwards.ts";
import type { WakeCalls } from "../observe/wake.ts";
import { type Clock, steadyClock } from "../shared/clock.ts";
import { invalidRequest } from "../shared/errors.ts";
import { type Cost, isStoreFailure } from "../store/meter.ts";
import { checkBudget } from "./budget.ts";
import { Condition } from "./condition.ts";
import { thenWake } from "./next-wake.ts";
import type { DrainLimits } from "./options.ts";
import { addCounts, type DrainReport, noCounts, notDrained, type StoppedBy } from "./report.ts";

export interface DrainableQueue {
  readonly queue: string;
  readonly clock: Clock;
  /** The least budget with which a drain of it can do anything. */
  readonly leastRoundTrips: number;
  /** What asks for the next drain; undefined if the queue has no `wake`. */
  readonly wakes: WakeCalls | undefined;
  /** Drains within limits that have been read, and does not ask for the next drain. */
  drainWithin(limits: DrainLimits): Promise<DrainReport>;
  /**
   * Calls `listener` with the run time of each job that is enqueued, or becomes due sooner, through this object. So a
   * long-running process need not poll for it. The listener must not throw.
   *
   * @returns a function that ends this.
   */
  onDue(listener: (runAt: number) => void): () => void;
}

/**
 * Drains several queues in order under one budget, which gives the earlier ones priority: a later queue gets what they
 * leave of the jobs, the time, the round trips and the commands. A queue is skipped if that is too little. The drain
 * lingers until something is due in any queue.
 *
 * A peek at a queue costs a round trip and at most two commands. If the budget is too small to peek at all queues, each
 * drain peeks at the first, and at as many others as it can, chosen at random.
 *
 * At its end it asks for the next drain of each queue that has a `wake`, also if it has failed.
 *
 * @returns one report for all. `stoppedBy` is the limit that was reached ("budget" if a queue was skipped), else
 *   "paused" if any queue is. `backlog` is also true if a limit kept a queue from being drained.
 * @throws {TidegateError} as `Queue.drain`. If the store of a queue does not reply, the drain continues with the others
 *   first. What they did stays done.
 */
export async function drainTogether(queues: readonly DrainableQueue[], limits: DrainLimits): Promise<DrainReport> {
  const [first] = queues;
  if (!first) throw invalidRequest("A drain needs at least one queue.");
  if (queues.length === 1) return thenWake(queues, limits, () => first.drainWithin(limits));
  const shared = new SharedDrain(first, queues, limits);
  const reportOf = (queue: DrainableQueue, report: DrainReport) => shared.reportOf(queue, report);
  return thenWake(queues, limits, () => shared.run(), reportOf);
}

/** What ends the drains of all queues. A budget that is too small for one queue may be enough for another. */
const endsAll: ReadonlySet<StoppedBy> = new Set(["maxJobs", "timeBudget", "aborted"]);

function shuffled<Item>(items: readonly Item[]): readonly Item[] {
  const ranked = items.map((item) => ({ item, rank: Math.random() }));
  return ranked.sort((one, other) => one.rank - other.rank).map(({ item }) => item);
}

class SharedDrain {
  readonly #queues: readonly DrainableQueue[];
  readonly #limits: DrainLimits;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #deadline: number;
  readonly #afterwards = new Afterwards();
  readonly #news = new Condition();
  /** When the first job is due that this process has enqueued in a queue since its latest drain. */
  readonly #enqueuedAt = new Map<DrainableQueue, number>();
  #counts = noCounts;
  #held = 0;
  readonly #latest = new Map<DrainableQueue, DrainReport>();
  #stop: StoppedBy | undefined;
  #failure: unknown;

  constructor(first: DrainableQueue, queues: readonly DrainableQueue[], limits: DrainLimits) {
    this.#queues = queues;
    this.#limits = limits;
    for (const { queue, leastRoundTrips } of queues) checkBudget(limits.roundTrips, leastRoundTrips, queue);
    this.#clock = steadyClock(first.clock);
    this.#startedAt = this.#clock();
    this.#deadline = this.#startedAt + Math.max(limits.timeBudgetMs, limits.lingerMs);
  }

  /** How many jobs count for `maxJobs`: not those of paused job types. */
  get #claimed(): number {
    return this.#counts.claimed - this.#held;
  }

  /** The latest report of one queue, with what the drain of all has done. */
  reportOf(queue: DrainableQueue, all: DrainReport): DrainReport {
    const { stoppedBy, nextRunAt, backlog } = this.#latest.get(queue) ?? notDrained;
    return { ...all, stoppedBy, nextRunAt, backlog };
  }

  async run(): Promise<DrainReport> {
    const { signal } = this.#limits;
    const wake = this.#news.notify;
    const stopListening = this.#queues.map((queue) => queue.onDue((at) => this.#noteEnqueued(queue, at)));
    signal?.addEventListener("abort", wake);
    try {
      do {
        await this.#round();
      } while (await this.#linger());
      if (this.#failure !== undefined) throw this.#failure;
      return this.#report();
    } finally {
      signal?.removeEventListener("abort", wake);
      for (const stop of stopListening) stop();
      await this.#afterwards.ended();
    }
  }

  /** Wakes the drain only if `checkEvery` is set, as `Drain.noteEnqueued` does. */
  #noteEnqueued(queue: DrainableQueue, at: number): void {
    this.#enqueuedAt.set(queue, Math.min(this.#enqueuedAt.get(queue) ?? at, at));
    if (Number.isFinite(this.#limits.checkEveryMs)) this.#news.notify();
  }

  async #round(): Promise<void> {
    const reachable = this.#reachable();
    for (const queue of this.#queues) {
      if (!reachable.has(queue)) {
        // Its earlier report no longer holds.
        this.#latest.set(queue, notDrained);
        continue;
      }
      if (this.#claimed >= this.#limits.maxJobs) {
        this.#stop = "maxJobs";
        return;
      }
      const report = await this.#drain(queue);
      this.#counts = addCounts(this.#counts, report);
      this.#latest.set(queue, report);
      this.#enqueuedAt.delete(queue);
      if (!endsAll.has(report.stoppedBy)) continue;
      // Only the store of this queue has failed.
      if (report.stoppedBy === "aborted" && !this.#limits.signal?.aborted) continue;
      this.#stop = report.stoppedBy;
      // If the queue's next job needs more time than is left, the other queues get that time.
      if (report.stoppedBy !== "timeBudget" || this.#clock() >= this.#deadline) return;
    }
  }

  /** Drains one queue. If its store does not reply, the report says what that has cost. */
  async #drain(queue: DrainableQueue): Promise<DrainReport> {
    let spent: Cost | undefined;
    try {
      return await queue.drainWithin({ ...this.#nextLimits(), onFailed: (cost) => (spent = cost) });
    } catch (error) {
      if (!isStoreFailure(error)) throw error;
      this.#failure ??= error;
      return { ...notDrained, ...spent, stoppedBy: "aborted" };
    }
  }

  /**
   * The queues that the rest of the budget is enough to peek at: usually all. If not, these are the first and others
   * chosen at random, so that none waits forever.
   */
  #reachable(): ReadonlySet<DrainableQueue> {
    const { roundTrips, commands } = this.#limits;
    const left = roundTrips - this.#counts.roundTrips;
    const [first, ...others] = this.#queues;
    const reached = new Set<DrainableQueue>();
    if (this.#counts.commands >= commands) return reached;
    // A peek at each, and enough to do something in any of them.
    let least = 0;
    for (const queue of [...(first ? [first] : []), ...shuffled(others)]) {
      const most = Math.max(least, queue.leastRoundTrips);
      if (reached.size + most > left) continue;
      least = most;
      reached.add(queue);
    }
    return reached;
  }

  #nextLimits(): DrainLimits {
    const { onProgress } = this.#limits;
    return {
      ...this.#limits,
      lingerMs: 0,
      timeBudgetMs: Math.max(0, this.#deadline - this.#clock()),
      before: { ...this.#counts, claimed: this.#claimed },
      onHeld: (count) => (this.#held += count),
      afterwards: this.#afterwards.take,
      clock: this.#clock,
      ...(onProgress && { onProgress: (report) => onProgress({ ...report, ...addCounts(this.#counts, report) }) }),
    };
  }

  /** Waits until the next job is due. @returns false if that is too late, or if a limit is reached. */
  async #linger(): Promise<boolean> {
    for (;;) {
      const nextAt = this.#earliest(({ stoppedBy }) => stoppedBy === "empty");
      if (this.#limitReached || nextAt > this.#startedAt + this.#limits.lingerMs) return false;
      const now = this.#clock();
      if (nextAt <= now || this.#limits.signal?.aborted) return true;
      await this.#news.wait(this.#clock, now, [nextAt]);
    }
  }

  get #limitReached(): StoppedBy | undefined {
    if (this.#stop) return this.#stop;
    const stops = this.#queues.map((queue) => this.#latest.get(queue)?.stoppedBy ?? "budget");
    return (["aborted", "budget"] as const).find((stop) => stops.includes(stop));
  }

  /** When something is due next in the queues with a chosen latest report; infinite if nothing is. */
  #earliest(isChosen: (report: DrainReport) => boolean): number {
    const chosen = [...this.#latest].filter(([, report]) => isChosen(report));
    const times = chosen.flatMap(([queue, { nextRunAt }]) => [nextRunAt?.getTime(), this.#enqueuedAt.get(queue)]);
    return Math.min(...times.filter((time) => time !== undefined), Number.POSITIVE_INFINITY);
  }

  #report(): DrainReport {
    const reports = [...this.#latest.values()];
    const nextAt = this.#earliest(() => true);
    return {
      ...this.#counts,
      stoppedBy: this.#limitReached ?? (reports.some(({ stoppedBy }) => stoppedBy === "paused") ? "paused" : "empty"),
      nextRunAt: nextAt === Number.POSITIVE_INFINITY ? null : new Date(nextAt),
      backlog:
        nextAt <= this.#clock() || reports.length < this.#queues.length || reports.some(({ backlog }) => backlog),
    };
  }
}
