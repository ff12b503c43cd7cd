import { Afterwards } from "./afterwards.ts";
import { type Clock, sleep, steadyClock } from "./clock.ts";
import { type DrainLimits, type DrainOptions, type DrainParts, drainLimits } from "./drain-options.ts";
import { addCounts, type DrainReport, noCounts, type StoppedBy } from "./drain-report.ts";
import { invalidRequest } from "./errors.ts";
import type { Queue } from "./queue.ts";

type SharedOptions = DrainOptions & Pick<DrainParts, "longestAttemptMs">;

/**
 * Drains queues in their order under one budget, which is how priority is had: a later queue gets what the earlier ones left
 * of the jobs, the time, the round trips and the commands. While they linger, the earliest time of any queue counts.
 *
 * @returns one report on all. `stoppedBy` is the limit that was reached, else "paused" where any queue is. `backlog` is also
 *   true where a limit kept a queue from being looked at.
 * @throws {TidegateError} as `Queue.drain`; what the queues before did stays done.
 */
export async function drainQueues(queues: readonly Queue[], options: SharedOptions = {}): Promise<DrainReport> {
  const [first] = queues;
  if (!first) throw invalidRequest("drainQueues needs at least one queue.");
  return queues.length === 1 ? first.drain(options) : new SharedDrain(first, queues, options).run();
}

const limitReached: ReadonlySet<StoppedBy> = new Set(["maxJobs", "timeBudget", "budget", "aborted"]);

class SharedDrain {
  readonly #queues: readonly Queue[];
  readonly #options: SharedOptions;
  readonly #limits: DrainLimits;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #deadline: number;
  readonly #afterwards = new Afterwards();
  #counts = noCounts;
  readonly #latest = new Map<Queue, DrainReport>();
  #stop: StoppedBy | undefined;

  constructor(first: Queue, queues: readonly Queue[], options: SharedOptions) {
    this.#queues = queues;
    this.#options = options;
    this.#limits = drainLimits(options);
    this.#clock = steadyClock(first.clock);
    this.#startedAt = this.#clock();
    this.#deadline = this.#startedAt + Math.max(this.#limits.timeBudgetMs, this.#limits.lingerMs);
  }

  async run(): Promise<DrainReport> {
    try {
      do {
        await this.#round();
      } while (await this.#linger());
      return this.#report();
    } finally {
      await this.#afterwards.ended();
    }
  }

  async #round(): Promise<void> {
    for (const queue of this.#queues) {
      const report = await queue.drain(this.#whatIsLeft());
      this.#counts = addCounts(this.#counts, report);
      this.#latest.set(queue, report);
      if (!limitReached.has(report.stoppedBy)) continue;
      this.#stop = report.stoppedBy;
      // Where what a queue has next needs more time than there is, the time that there is goes to the others.
      if (report.stoppedBy !== "timeBudget" || this.#clock() >= this.#deadline) return;
    }
  }

  // A drain that ends without naming a limit leaves enough of each for another one to begin.
  #whatIsLeft(): DrainOptions & DrainParts {
    const { maxJobs, roundTrips, commands, onProgress } = this.#limits;
    return {
      ...this.#options,
      linger: 0,
      maxJobs: maxJobs - this.#counts.claimed,
      timeBudget: Math.max(0, this.#deadline - this.#clock()),
      wholeBudget: this.#limits,
      afterwards: this.#afterwards.take,
      clock: this.#clock,
      budget: { roundTrips: roundTrips - this.#counts.roundTrips, commands: commands - this.#counts.commands },
      ...(onProgress && { onProgress: (report) => onProgress({ ...report, ...addCounts(this.#counts, report) }) }),
    };
  }

  /** Sleeps until just then if something falls due inside the window; false where nothing does, or a limit is reached. */
  async #linger(): Promise<boolean> {
    const nextAt = this.#earliest([...this.#latest.values()].filter(({ stoppedBy }) => stoppedBy === "empty"));
    if (this.#stop || nextAt === undefined || nextAt > this.#startedAt + this.#limits.lingerMs) return false;
    await sleep(this.#clock, nextAt - this.#clock(), this.#limits.signal);
    return true;
  }

  #earliest(reports: readonly DrainReport[]): number | undefined {
    const times = reports.flatMap(({ nextRunAt }) => nextRunAt?.getTime() ?? []);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  #report(): DrainReport {
    const reports = [...this.#latest.values()];
    const nextAt = this.#earliest(reports);
    const isDue = nextAt !== undefined && nextAt <= this.#clock();
    return {
      ...this.#counts,
      stoppedBy: this.#stop ?? (reports.some(({ stoppedBy }) => stoppedBy === "paused") ? "paused" : "empty"),
      nextRunAt: nextAt === undefined ? null : new Date(nextAt),
      backlog: isDue || reports.length < this.#queues.length || reports.some(({ backlog }) => backlog),
    };
  }
}
