import type { Attempt } from "../attempt/attempt.ts";
import type { Outcome, Run } from "../store/store.ts";

/**
 * How long a job waits for a slot before it is released. A drain claims what it expects to start within 1.25 s
 * (`CLAIMED_MS` and `READY_MS` in prefetch.ts). A job that has waited longer is behind jobs that are slower than those
 * before them, and another drain may have a slot for it. Its lease leaves it 25 s to wait, so no lease runs out here.
 */
const LONGEST_WAIT_MS = 2_000;

/**
 * The jobs of a drain that are claimed and wait for a slot, or for those before them in a run (`Runs`).
 *
 * A poison job, which crashes its invocation, uses up an attempt of every job that was claimed with it. So a job that
 * may be one is quarantined: it starts only when everything else is settled, and all other quarantined jobs are
 * released, without using an attempt.
 */
export class WaitingJobs {
  #ready: Attempt[] = [];
  readonly #quarantined: Attempt[] = [];
  readonly #runs = new Runs();
  /** Whether the last job to leave was a quarantined one: then the next one may be another. */
  #claimsOneByOne = false;

  /** @param isTooLong whether the drain has no time for a job. @returns the jobs that go back. */
  add(attempts: readonly Attempt[], isTooLong: (attempt: Attempt) => boolean): readonly Attempt[] {
    const { first, back } = this.#runs.add(attempts, (each) => each.job.mayBePoison || isTooLong(each));
    const tooLong: Attempt[] = [];
    for (const attempt of first)
      (isTooLong(attempt) ? tooLong : attempt.job.mayBePoison ? this.#quarantined : this.#ready).push(attempt);
    if (this.#ready.length > 0) this.#claimsOneByOne = false;
    return [...tooLong, ...back];
  }

  /** Notes that a job has ended. The next one of its run waits for a slot now. */
  follow(ended: Attempt, to: Outcome["to"], now: number): Followed {
    const followed = this.#runs.follow(ended, to);
    if (followed.next) {
      followed.next.waitsSince = now;
      this.#ready.push(followed.next);
    }
    return followed;
  }

  /** When the first job will have waited too long; infinite if none waits. */
  get overdueAt(): number {
    return Math.min(this.#waitsSince, this.#runs.waitsSince) + LONGEST_WAIT_MS;
  }

  get #waitsSince(): number {
    const [ready, quarantined] = [this.#ready[0], this.#quarantined[0]];
    return Math.min(ready?.waitsSince ?? Number.POSITIVE_INFINITY, quarantined?.waitsSince ?? Number.POSITIVE_INFINITY);
  }

  get length(): number {
    return this.#ready.length + this.#quarantined.length + this.#runs.length;
  }

  /** How many wait for a slot alone. */
  get forSlot(): number {
    return this.#ready.length + this.#quarantined.length;
  }

  /** How many jobs may be claimed now: none while one is quarantined, and after it one at a time. */
  mostClaims(isIdle: boolean): number {
    if (this.#quarantined.length > 0 || (this.#claimsOneByOne && !isIdle)) return 0;
    return this.#claimsOneByOne ? 1 : Number.POSITIVE_INFINITY;
  }

  /**
   * Takes out what starts next in one slot: a job, or several that one call performs.
   *
   * @param isAlone whether nothing runs and nothing waits to be settled.
   */
  next(isAlone: boolean): readonly Attempt[] {
    const first = this.#ready.shift();
    if (first) return first.job.batchSize === 1 ? [first] : [first, ...this.#takeCompanions(first)];
    return isAlone && this.#quarantined.length === 1 ? this.takeAll() : [];
  }

  #takeCompanions({ job: { name, batchSize } }: Attempt): readonly Attempt[] {
    const isCompanion = ({ job }: Attempt) => job.name === name && job.batchSize > 1;
    const companions = this.#ready.filter(isCompanion).slice(0, batchSize - 1);
    const taken = new Set(companions);
    this.#ready = this.#ready.filter((attempt) => !taken.has(attempt));
    return companions;
  }

  /** Takes out the quarantined jobs that must be released before one of them may start. */
  takeSurplus(): readonly Attempt[] {
    return this.#ready.length > 0 ? [] : this.#quarantined.splice(1);
  }

  takeAll(): readonly Attempt[] {
    if (this.#quarantined.length > 0) this.#claimsOneByOne = true;
    return [...this.#ready.splice(0), ...this.#quarantined.splice(0), ...this.#runs.takeSince()];
  }

  /** Takes out the followers that have waited too long; all jobs if one has waited too long for a slot. */
  takeOverdue(now: number): readonly Attempt[] {
    const overdueSince = now - LONGEST_WAIT_MS;
    return this.#waitsSince <= overdueSince ? this.takeAll() : this.#runs.takeSince(overdueSince);
  }
}

export interface Followed {
  /** The follower that begins in its place. */
  readonly next: Attempt | undefined;
  /** The followers that go back. */
  readonly back: readonly Attempt[];
  /** Whether the slot of its key is free now, and another job waits for it. */
  readonly isAwaited: boolean;
}

const none: readonly Attempt[] = [];
const withoutKey: Followed = { next: undefined, back: none, isAwaited: false };

/**
 * The runs of a drain. A claim may take more jobs of a flow control key than the key has slots for: as many begin at
 * once as there are slots, and the others follow them. When one ends, the next one begins without a request. So a
 * key with one slot costs no more than jobs without keys.
 */
export class Runs {
  /** The followers of each run that has some, in their order. The oldest run comes first. */
  readonly #followers = new Map<Run, Attempt[]>();
  /** The keys of which others wait for a slot, by their latest claims. */
  readonly #awaited = new Set<string>();
  /** How many followers there are. Only this class changes it. */
  length = 0;

  /** Since when the first followers have waited; infinite if there are none. */
  get waitsSince(): number {
    for (const [first] of this.#followers.values()) if (first) return first.waitsSince;
    return Number.POSITIVE_INFINITY;
  }

  /**
   * Takes over the followers among claimed jobs.
   *
   * @param isUnfit whether a job is not started as others are. Then no job of its run follows.
   * @returns the jobs that may begin, and the followers that go back.
   */
  add(attempts: readonly Attempt[], isUnfit: (attempt: Attempt) => boolean) {
    const runs = new Map<Run, Attempt[]>();
    for (const attempt of attempts) {
      const { run, lease } = attempt.job;
      if (lease.current.flow) this.#awaited[run?.isAwaited ? "add" : "delete"](lease.current.flow.key);
      if (run?.slots !== undefined) runs.set(run, [...(runs.get(run) ?? []), attempt]);
    }
    if (runs.size === 0) return { first: attempts, back: none };
    const back: Attempt[] = [];
    const following = new Set<Attempt>();
    for (const [run, jobs] of runs) {
      const followers = jobs.slice(run.slots);
      for (const follower of followers) following.add(follower);
      if (jobs.some(isUnfit)) back.push(...followers);
      else this.#keep(run, followers);
    }
    return { first: attempts.filter((attempt) => !following.has(attempt)), back };
  }

  #keep(run: Run, followers: Attempt[]): void {
    this.length += followers.length;
    if (followers.length > 0) this.#followers.set(run, followers);
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
    const followers = this.#followers.get(run);
    const next = followers?.shift();
    if (followers?.length === 0) this.#followers.delete(run);
    if (next) this.length--;
    return next;
  }

  /** Takes out the followers that have waited since then, or longer. Default: all. */
  takeSince(waitsSince = Number.POSITIVE_INFINITY): readonly Attempt[] {
    const overdue = [...this.#followers].filter(([, [first]]) => first && first.waitsSince <= waitsSince);
    return overdue.flatMap(([run]) => this.#take(run));
  }

  #take(run: Run): readonly Attempt[] {
    const followers = this.#followers.get(run) ?? none;
    this.#followers.delete(run);
    this.length -= followers.length;
    return followers;
  }
}
