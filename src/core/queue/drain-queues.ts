import { checkBudget, type DrainLimits, type DrainOptions, type DrainParts, drainLimits } from "../drain/options.ts";
import { addCounts, type DrainReport, noCounts, notDrained, type StoppedBy } from "../drain/report.ts";
import { Afterwards } from "../observe/afterwards.ts";
import { type Clock, sleep, steadyClock } from "../shared/clock.ts";
import { invalidRequest } from "../shared/errors.ts";
import type { Cost } from "../store/meter.ts";
import type { Queue } from "./queue.ts";

type SharedOptions = DrainOptions & Pick<DrainParts, "longestAttemptMs">;

/**
 * Drains queues in their order under one budget, which is how priority is had: a later queue gets what the earlier ones left
 * of the jobs, the time, the round trips and the commands. One for which the budget has too little left is passed over. While they
 * linger, the earliest time of any queue counts.
 *
 * To look at a queue costs a round trip, and two commands at most. Where a budget cannot reach all of the queues even while the
 * others have nothing to do, the first is looked at each time, and so are as many others as it can reach, chosen by chance.
 *
 * @returns one report on all. `stoppedBy` is the limit that was reached ("budget" where a queue was passed over), else "paused" where any queue is. `backlog` is also
 *   true where a limit kept a queue from being looked at.
 * @throws {TidegateError} as `Queue.drain`; what the queues before did stays done.
 */
export async function drainQueues(queues: readonly Queue[], options: SharedOptions = {}): Promise<DrainReport> {
  const [first] = queues;
  if (!first) throw invalidRequest("drainQueues needs at least one queue.");
  return queues.length === 1 ? first.drain(options) : new SharedDrain(first, queues, options).run();
}

/** What ends the drains of all. Where the budget has no room for one queue, it may have some for another. */
const endsAll: ReadonlySet<StoppedBy> = new Set(["maxJobs", "timeBudget", "aborted"]);

/** Whether a budget allows to look at all of these queues, and to do something in any one of them. */
function isEnough(budget: Cost, needs: readonly Queue["needs"][]): boolean {
  return (["roundTrips", "commands"] as const).every((part) => {
    const looks = needs.reduce((sum, { look }) => sum + look[part], 0);
    return looks + Math.max(...needs.map(({ look, least }) => least[part] - look[part])) <= budget[part];
  });
}

function inAnyOrder<Item>(items: readonly Item[]): readonly Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);
}

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
    for (const { name, needs } of queues) checkBudget(this.#limits, needs.least, name);
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
    const reachable = this.#reachable();
    for (const queue of this.#queues) {
      if (!reachable.has(queue)) {
        // What the queue reported before no longer holds.
        this.#latest.set(queue, notDrained);
        continue;
      }
      if (this.#counts.claimed >= this.#limits.maxJobs) {
        this.#stop = "maxJobs";
        return;
      }
      const report = await queue.drain(this.#bounds());
      this.#counts = addCounts(this.#counts, report);
      this.#latest.set(queue, report);
      if (!endsAll.has(report.stoppedBy)) continue;
      this.#stop = report.stoppedBy;
      // Where what a queue has next needs more time than there is, the time that there is goes to the others.
      if (report.stoppedBy !== "timeBudget" || this.#clock() >= this.#deadline) return;
    }
  }

  /**
   * The queues that what is left of the budget can reach, should the others have nothing to do: all, as a rule. Else the first,
   * and which of the others is left to chance, so that none waits for ever.
   */
  #reachable(): ReadonlySet<Queue> {
    const { roundTrips, commands } = this.#limits;
    const left = { roundTrips: roundTrips - this.#counts.roundTrips, commands: commands - this.#counts.commands };
    const [first, ...others] = this.#queues;
    const reached = new Set<Queue>();
    for (const queue of [...(first ? [first] : []), ...inAnyOrder(others)]) {
      const chosen = [...reached, queue].map(({ needs }) => needs);
      if (isEnough(left, chosen)) reached.add(queue);
    }
    return reached;
  }

  #bounds(): DrainOptions & DrainParts {
    const { onProgress } = this.#limits;
    return {
      ...this.#options,
      linger: 0,
      timeBudget: Math.max(0, this.#deadline - this.#clock()),
      before: this.#counts,
      afterwards: this.#afterwards.take,
      clock: this.#clock,
      ...(onProgress && { onProgress: (report) => onProgress({ ...report, ...addCounts(this.#counts, report) }) }),
    };
  }

  /** Sleeps until just then if something falls due inside the window; false where nothing does, or a limit is reached. */
  async #linger(): Promise<boolean> {
    const nextAt = this.#earliest([...this.#latest.values()].filter(({ stoppedBy }) => stoppedBy === "empty"));
    if (this.#limitReached || nextAt === undefined || nextAt > this.#startedAt + this.#limits.lingerMs) return false;
    await sleep(this.#clock, nextAt - this.#clock(), this.#limits.signal);
    return true;
  }

  get #limitReached(): StoppedBy | undefined {
    if (this.#stop) return this.#stop;
    const isShort = this.#queues.some((queue) => (this.#latest.get(queue)?.stoppedBy ?? "budget") === "budget");
    return isShort ? "budget" : undefined;
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
      stoppedBy: this.#limitReached ?? (reports.some(({ stoppedBy }) => stoppedBy === "paused") ? "paused" : "empty"),
      nextRunAt: nextAt === undefined ? null : new Date(nextAt),
      backlog: isDue || reports.length < this.#queues.length || reports.some(({ backlog }) => backlog),
    };
  }
}
