import type { Attempt } from "../attempt/attempt.ts";
import type { Outcome, Run } from "../store/store.ts";

/** What follows when a job has ended. */
export interface Followed {
  /** The rider that begins in its place. */
  readonly next: Attempt | undefined;
  /** The riders that go back. */
  readonly back: readonly Attempt[];
  /** Whether the slot of its key is free now, and another job waits for it. */
  readonly isAwaited: boolean;
}

const none: readonly Attempt[] = [];
const withoutKey: Followed = { next: undefined, back: none, isAwaited: false };

/**
 * The runs of a drain. A claim may take more jobs of a flow control key than the key has slots for: as many begin at
 * once as there are slots, and the others ride behind them. When one ends, the next one begins without a request. So a
 * key with one slot costs no more than jobs without keys.
 */
export class Runs {
  /** The riders of each run that has some, in their order. The oldest run comes first. */
  readonly #riders = new Map<Run, Attempt[]>();
  /** The keys of which others wait for a slot, by their latest claims. */
  readonly #awaited = new Set<string>();
  /** How many riders there are. Only this class changes it. */
  length = 0;

  /** Since when the first riders have waited; infinite if there are none. */
  get waitsSince(): number {
    for (const [first] of this.#riders.values()) if (first) return first.waitsSince;
    return Number.POSITIVE_INFINITY;
  }

  /**
   * Takes over the riders among claimed jobs.
   *
   * @param isUnfit whether a job is not started as others are. Then no job of its run rides.
   * @returns the jobs that may begin, and the riders that go back.
   */
  add(
    attempts: readonly Attempt[],
    isUnfit: (attempt: Attempt) => boolean,
  ): { readonly first: readonly Attempt[]; readonly back: readonly Attempt[] } {
    const runs = new Map<Run, Attempt[]>();
    for (const attempt of attempts) {
      const { run, lease } = attempt.job;
      if (lease.current.flow) this.#awaited[run?.isAwaited ? "add" : "delete"](lease.current.flow.key);
      if (run?.slots !== undefined) runs.set(run, [...(runs.get(run) ?? []), attempt]);
    }
    if (runs.size === 0) return { first: attempts, back: none };
    const back: Attempt[] = [];
    const riding = new Set<Attempt>();
    for (const [run, jobs] of runs) {
      const riders = jobs.slice(run.slots);
      for (const rider of riders) riding.add(rider);
      if (jobs.some(isUnfit)) back.push(...riders);
      else this.#keep(run, riders);
    }
    return { first: attempts.filter((attempt) => !riding.has(attempt)), back };
  }

  #keep(run: Run, riders: Attempt[]): void {
    this.length += riders.length;
    if (riders.length > 0) this.#riders.set(run, riders);
  }

  /** Notes that a job has ended, or is released. Behind one that waits again in an ordered key nothing may begin. */
  follow({ job }: Attempt, to: Outcome["to"]): Followed {
    const { run } = job;
    const { flow } = job.lease.current;
    if (!flow) return withoutKey;
    const isAwaited = this.#awaited.has(flow.key);
    if (!run) return { next: undefined, back: none, isAwaited };
    const isDone = to === "completed" || to === "dead" || to === "expired";
    if (to === "released" || (flow.order > 0 && !isDone)) return { next: undefined, back: this.#take(run), isAwaited };
    const next = this.#next(run);
    return { next, back: none, isAwaited: isAwaited && !next };
  }

  #next(run: Run): Attempt | undefined {
    const riders = this.#riders.get(run);
    const next = riders?.shift();
    if (riders?.length === 0) this.#riders.delete(run);
    if (next) this.length--;
    return next;
  }

  /** Takes out the riders that have waited since then, or longer. Default: all. */
  takeSince(waitsSince = Number.POSITIVE_INFINITY): readonly Attempt[] {
    const overdue = [...this.#riders].filter(([, [first]]) => first && first.waitsSince <= waitsSince);
    return overdue.flatMap(([run]) => this.#take(run));
  }

  #take(run: Run): readonly Attempt[] {
    const riders = this.#riders.get(run) ?? none;
    this.#riders.delete(run);
    this.length -= riders.length;
    return riders;
  }
}
