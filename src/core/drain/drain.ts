import { Attempt, runTogether } from "../attempt/attempt.ts";
import type { ClaimedJob } from "../attempt/claimed-job.ts";
import { renewAll } from "../attempt/lease.ts";
import type { AttemptNeeds } from "../attempt/needs.ts";
import { held, released } from "../attempt/outcome.ts";
import { StepSaver } from "../attempt/step-saver.ts";
import { Timeouts } from "../attempt/timeouts.ts";
import type { AttemptOutcome } from "../job/attempt-info.ts";
import { batchSizeOf } from "../job/define.ts";
import { TimeoutError } from "../job/errors.ts";
import { leaseMsFor, SETTLE_MARGIN_MS } from "../job/lease-length.ts";
import { logMissing, logOutcomes } from "../observe/log.ts";
import { firesOf } from "../schedule/fire.ts";
import { OutOfBudgetError } from "../store/meter.ts";
import type { ExchangeReply, LeasedJob, NextDue, QueueStore } from "../store/store.ts";
import { DrainBounds } from "./bounds.ts";
import type { DrainBudget } from "./budget.ts";
import { Condition } from "./condition.ts";
import type { DrainContext } from "./context.ts";
import { type DrainRequest, InFlight } from "./in-flight.ts";
import { type EndedJob, JobsInHand } from "./in-hand.ts";
import { NextExchange, type Plan } from "./next-exchange.ts";
import { type DrainLimits, NO_LIMIT } from "./options.ts";
import { Prefetch } from "./prefetch.ts";
import { countOf, type DrainCounts, type DrainReport, noCounts } from "./report.ts";
import { Watch } from "./watch.ts";

const onlySettled = { paused: false, nextAt: undefined, fired: [], jobs: [], schedules: [], backlog: 0 };

/** Jobs that end within this many microtasks are settled together. Nested promises take a few each. */
const MOST_MICROTASKS = 32;

const outOfTime = () => new TimeoutError("The invocation's time was over before the attempt's timeout.");

/**
 * One drain. It starts jobs while slots are free, sends an exchange when one is due (`NextExchange`), and otherwise
 * waits until a job ends, a reply arrives or a time comes. It ends when nothing runs and no reply is on its way, and
 * nothing is due or a limit is reached.
 *
 * It does not wait for the reply of an exchange: jobs run on, and it may send the next exchange meanwhile.
 */
export class Drain {
  readonly #needs: AttemptNeeds;
  readonly #limits: DrainLimits;
  readonly #budget: DrainBudget;
  readonly #store: QueueStore;
  readonly #leaseMs: number;
  readonly #counts: Record<keyof DrainCounts, number> = { ...noCounts };
  readonly #news = new Condition();
  readonly #inFlight: InFlight;
  readonly #jobs: JobsInHand;
  readonly #bounds: DrainBounds;
  readonly #prefetch: Prefetch;
  readonly #next: NextExchange;
  readonly #watch: Watch;

  /** @param needs its store is opened with the budget as its meter. @param budget includes what was spent before. */
  constructor(
    needs: Omit<AttemptNeeds, "timeouts"> & Pick<DrainContext, "declared" | "longestTimeoutMs">,
    budget: DrainBudget,
    limits: DrainLimits,
    nextDue: NextDue,
  ) {
    const { clock, store, declared, retentionMs, observe } = needs;
    const startedAt = clock();
    this.#budget = budget;
    this.#limits = limits;
    this.#leaseMs = leaseMsFor(needs.longestTimeoutMs, needs.random);
    const exchange = async ({ reads, isLastTry: _, ...rest }: DrainRequest): Promise<ExchangeReply> => {
      const request = { ...rest, retentionMs, observe };
      return reads ? declared.exchange(store, request) : { ...onlySettled, ...(await store.settle(request)) };
    };
    this.#inFlight = new InFlight(exchange, clock, nextDue, this.#news.notify);
    this.#jobs = new JobsInHand(this.#inFlight);
    const { running } = this.#jobs;
    const spacing = (ms: number) => budget.spacing(ms);
    const extend: QueueStore["extend"] = async (renewals) => {
      if (budget.isSpent) throw new OutOfBudgetError();
      return store.extend(renewals);
    };
    const storeOfJobs = { ...store, extend };
    this.#store = store;
    this.#needs = {
      ...needs,
      store: storeOfJobs,
      // The running jobs share the rest of the budget.
      spacing: (ms) => spacing(ms) * running.size,
      stepSaver: new StepSaver(storeOfJobs),
      timeouts: new Timeouts(clock),
      hasTimeFor: (timeoutMs, isFirst) => isFirst || this.#hasTimeFor(timeoutMs),
    };
    // A queue that does not observe spends nothing on checks.
    this.#watch = new Watch(observe ? running : new Set(), spacing);
    this.#bounds = new DrainBounds(limits, startedAt, this.#inFlight);
    // A worker has no budget to spare.
    const isFree = limits.roundTrips === NO_LIMIT && store.isFree;
    const largestBatch = Math.max(1, ...[...needs.definitions.values()].map(batchSizeOf));
    this.#prefetch = new Prefetch(limits.slots, largestBatch, startedAt, isFree);
    const exchangeNeeds = {
      ...{ limits, leaseMs: this.#leaseMs, counts: this.#counts, bounds: this.#bounds, jobs: this.#jobs },
      ...{ budget, inFlight: this.#inFlight, prefetch: this.#prefetch },
    };
    this.#next = new NextExchange(exchangeNeeds, startedAt);
    budget.setAside(this.#jobs);
  }

  take(leased: readonly LeasedJob[], now = this.#needs.clock()): void {
    this.#counts.claimed += leased.length;
    const attempts = leased.map((job) => new Attempt(this.#needs, job, now));
    const isTooLong = ({ job }: Attempt) => job.timeoutMs > this.#limits.longestAttemptMs;
    if (attempts.some(isTooLong)) this.#next.noteTooLong();
    const mayBeHeld = this.#inFlight.pausedNames.size > 0;
    const goesBack = mayBeHeld ? (attempt: Attempt) => isTooLong(attempt) || this.#isHeld(attempt) : isTooLong;
    this.#release(this.#jobs.waiting.add(attempts, goesBack), now);
  }

  /** Notes that this process has enqueued something that is due at `at`: the drain need not check for it. */
  noteEnqueued(at: number): void {
    this.#inFlight.noteEnqueued(at);
    // Without `checkEvery` a drain wakes by its own events alone: on some platforms one request may not wake another.
    // It sees what its jobs have enqueued when they end.
    if (Number.isFinite(this.#limits.checkEveryMs)) this.#news.notify();
  }

  /** Drains until a limit is reached or nothing is due. @throws {TidegateError} `store_unavailable` */
  async run(): Promise<DrainReport> {
    const wake = this.#news.notify;
    const { signal, slots } = this.#limits;
    const { clock } = this.#needs;
    signal?.addEventListener("abort", wake);
    slots.join({ wants: () => this.#wantsSlot(clock()), wake });
    try {
      do {
        await this.#runDue();
      } while (await this.#linger());
      // Lost responses have used up what was set aside to settle these. They run again when their leases run out.
      this.#counts.lost += this.#jobs.ended.length;
      return this.report(clock());
    } finally {
      signal?.removeEventListener("abort", wake);
      slots.leave();
    }
  }

  async #runDue(): Promise<void> {
    const { clock, store } = this.#needs;
    for (;;) {
      let now = clock();
      this.#startWaiting(now);
      // Jobs that are about to end are settled together. Replies may arrive meanwhile, too.
      if (this.#jobs.running.size > 0 && this.#next.isDue(now)) {
        for (let count = 0; count < MOST_MICROTASKS && this.#jobs.running.size > 0; count++) await undefined;
        now = clock();
        this.#startWaiting(now);
      }
      this.#limits.slots.changed();
      // Do not await between these conditions and the wait: the drain would miss what happens in between.
      const plan = this.#next.plan(now);
      if (plan) this.#exchange(plan);
      else if (now >= this.#watch.dueAt(now)) this.#watch.check(store, now);
      else if (!this.#jobs.isIdle || this.#awaitsSlot(now)) await this.#somethingHappens();
      // Jobs that must run alone wait until all others are settled. If the budget has no room for one more exchange,
      // they are released.
      else if (this.#jobs.waiting.length > 0) this.#release(this.#jobs.waiting.takeAll(), now);
      else break;
    }
    if (this.#inFlight.error) throw this.#inFlight.error;
  }

  /** Whether a running job may begin another step. If not, it leaves, and the drain leaves it to one with more time. */
  #hasTimeFor(timeoutMs: number): boolean {
    const now = this.#needs.clock();
    const hasTime = !this.#bounds.startsNothing(now) && now + timeoutMs <= this.#bounds.cutOffAt;
    if (!hasTime) this.#next.noteTooLong();
    return hasTime;
  }

  // Starting and ending jobs ------------------------------------------------------------------------------------------

  #startWaiting(now: number): void {
    const { waiting, ended } = this.#jobs;
    if (waiting.length === 0) return;
    if (this.#isOverdue(now)) this.#releaseOverdue(now);
    if (this.#bounds.startsNothing(now)) this.#release(waiting.takeAll(), now);
    while (this.#prefetch.freeSlots > 0) {
      const attempts = waiting.next(this.#jobs.isIdle && ended.length === 0);
      const [first] = attempts;
      if (!first) break;
      // The jobs of one slot are of one type.
      if (this.#inFlight.pausedNames.has(first.job.name)) this.#release(attempts, now);
      else this.#start(attempts, now);
    }
    if (this.#jobs.isIdle) this.#release(waiting.takeSurplus(), now);
  }

  /** Whether a job has waited too long for a slot, and can be released. */
  #isOverdue(now: number): boolean {
    const { waiting } = this.#jobs;
    // The next exchange releases them, and a later one settles the others.
    return now >= waiting.overdueAt && this.#budget.allowsExchange(-waiting.length);
  }

  #releaseOverdue(now: number): void {
    const { waiting } = this.#jobs;
    const before = waiting.forSlot;
    this.#release(waiting.takeOverdue(now), now);
    if (waiting.forSlot < before) this.#prefetch.forget();
  }

  #wantsSlot(now: number): boolean {
    return this.#jobs.waiting.forSlot > 0 || (this.#next.knowsOfDue(now) && !this.#next.stoppedBy(now));
  }

  /** Whether other drains have taken all slots that this one could use. */
  #awaitsSlot(now: number): boolean {
    return this.#limits.slots.most === 0 && this.#wantsSlot(now);
  }

  /** Starts the jobs of one slot: several if one call performs them. */
  #start(attempts: readonly Attempt[], now: number): void {
    for (const attempt of attempts) this.#jobs.running.add(attempt);
    this.#limits.slots.take();
    this.#prefetch.slotTaken(now, Math.max(...attempts.map(({ job }) => job.batchSize)));
    const failed = (error: unknown) => this.#failed(attempts, error);
    const [first] = attempts;
    try {
      // Most slots take one job, which costs one promise here.
      if (first && attempts.length === 1 && first.canStart(now))
        void first.run().then((outcome) => this.#ended(attempts, [outcome]), failed);
      else void this.#runTogether(attempts, now).then((outcomes) => this.#ended(attempts, outcomes), failed);
    } catch (error) {
      failed(error);
    }
  }

  /** Ends the drain because something other than a job has failed, such as the clock. */
  #failed(attempts: readonly Attempt[], error: unknown): void {
    this.#inFlight.abort(error);
    this.#ended(attempts, []);
  }

  /** @returns what became of each attempt; undefined if it could not start, since its lease is too short. */
  async #runTogether(attempts: readonly Attempt[], now: number): Promise<readonly (AttemptOutcome | undefined)[]> {
    const canStart = attempts.every((attempt) => attempt.canStart(now))
      ? attempts
      : await this.#extendLeases(attempts, now);
    const outcomes = await runTogether(canStart);
    return attempts.map((attempt) => outcomes[canStart.indexOf(attempt)]);
  }

  /** The jobs of a slot have ended. */
  #ended(attempts: readonly Attempt[], outcomes: readonly (AttemptOutcome | undefined)[]): void {
    const { running } = this.#jobs;
    for (const attempt of attempts) running.delete(attempt);
    this.#limits.slots.give();
    try {
      const now = this.#needs.clock();
      attempts.forEach((attempt, index) => {
        const outcome = outcomes[index];
        if (outcome) this.#end(attempt, outcome, now);
        else this.#release([attempt], now);
      });
      this.#prefetch.slotFreed(now, attempts.length);
      this.#startWaiting(now);
      if (running.size === 0 || this.#next.isWanted(now)) this.#news.notify();
    } catch (error) {
      this.#inFlight.abort(error);
      this.#news.notify();
    }
  }

  /**
   * Extends the leases of jobs with a longer timeout than their claim expected: no job starts with a lease shorter than
   * its timeout.
   *
   * @returns the attempts with a lease that is long enough.
   */
  async #extendLeases(attempts: readonly Attempt[], now: number): Promise<readonly Attempt[]> {
    const neededMs = (job: ClaimedJob) => job.timeoutMs + SETTLE_MARGIN_MS;
    const short = attempts.filter(({ job }) => !job.canStart(now) && neededMs(job) > this.#leaseMs);
    const onLost = () => {};
    const renewals = short.map(({ job }) => ({ lease: job.lease, endsAt: now + neededMs(job), onLost }));
    // With any budget of commands, a drain can run one job.
    const isOnly = this.#jobs.running.size === attempts.length && this.#jobs.ended.length === 0;
    await Promise.allSettled(renewAll(isOnly ? this.#store : this.#needs.store, renewals));
    return attempts.filter((attempt) => attempt.canStart(now));
  }

  #release(attempts: readonly Attempt[], now: number): void {
    for (const attempt of attempts) {
      const isHeld = this.#isHeld(attempt);
      if (isHeld) this.#jobs.held++;
      this.#end(attempt, isHeld ? held(attempt, now) : released(attempt.job), now);
    }
  }

  #isHeld({ job }: Attempt): boolean {
    return this.#inFlight.pausedNames.has(job.name);
  }

  #end(attempt: Attempt, outcome: AttemptOutcome, at: number): void {
    const { ended, waiting } = this.#jobs;
    const { back, isAwaited } = waiting.follow(attempt, outcome.to, at);
    ended.add({ job: { info: attempt.job.info }, outcome, at, isAwaited });
    if (ended.length === 1 || outcome.to === "released") this.#news.notify();
    this.#release(back, at);
  }

  // Exchanging --------------------------------------------------------------------------------------------------------

  #exchange(plan: Plan): void {
    const { request, ended } = this.#next.take(plan);
    this.#inFlight.send(request, (reply) => {
      if (reply) this.#apply(reply, ended, request);
      // What the last try has not settled stays so: after a failure there is one, when all jobs have ended.
      else if (request.isLastTry) this.#counts.lost += ended.length;
      else this.#jobs.ended.putBack(ended);
      this.#limits.onProgress?.(this.report());
    });
  }

  #apply(reply: ExchangeReply, ended: readonly EndedJob[], { fire, claim }: DrainRequest): void {
    const { alerting, clock, hooks, logger, queue } = this.#needs;
    const now = clock();
    const claimed = new Set(reply.jobs.map(({ lease }) => lease.id));
    // What the same exchange has claimed needs no other one.
    const noteReturn = (id: string, runAt: number) => {
      if (!claimed.has(id)) this.#limits.onReturn?.(runAt);
    };
    ended.forEach((job, index) => {
      const { outcome } = job;
      const isAccepted = reply.settled[index] ?? false;
      this.#limits.onSettled?.(job, isAccepted);
      this.#counts[isAccepted ? countOf(outcome.to) : "lost"]++;
      if (isAccepted && outcome.to !== "released" && "runAt" in outcome) {
        const { id } = outcome.lease;
        noteReturn(id, reply.woken?.includes(id) ? now : outcome.runAt);
      }
      // A parent waits for its children, whenever it may run.
      if (!isAccepted || !outcome.followUps) return;
      for (const { id, runAt, parent } of outcome.followUps) if (!parent) noteReturn(id, runAt);
      alerting?.noteStored(outcome.followUps);
    });
    const gone = new Set(reply.gone);
    if (gone.size > 0)
      for (const attempt of this.#jobs.running) if (gone.has(attempt.job.lease.current.id)) attempt.onLost();
    hooks?.exchanged(reply, ended, fire);
    if (logger) logOutcomes(logger, reply.settled, ended);
    if (reply.evicted) logMissing(logger, queue, reply.evicted, now);
    const firedByStore = reply.jobs.filter(({ isFired }) => isFired).length;
    this.#counts.rearmed += firedByStore + reply.fired.filter((fired) => fired !== "stale").length;
    this.#next.noteFired(firedByStore);
    if (claim) this.#next.setFires(firesOf(reply.schedules, now));
    this.take(reply.jobs, now);
  }

  // Waiting -----------------------------------------------------------------------------------------------------------

  /** Waits until a job ends, a reply arrives, a slot comes free, or it is time for the next exchange or to end. */
  async #somethingHappens(): Promise<void> {
    const { waiting, running } = this.#jobs;
    // Read again, since a job has just begun: if the clock is set back, a steady clock loses the time since its
    // last reading.
    const now = this.#needs.clock();
    const { onStopped } = this.#limits;
    if (onStopped && running.size > 0 && this.#next.stoppedBy(now)) onStopped(this.report(now), this.failure);
    const { deadline, cutOffAt } = this.#bounds;
    if (now >= cutOffAt) for (const attempt of running) attempt.stop(outOfTime());
    const times = [deadline, cutOffAt, ...this.#next.dueTimes, waiting.overdueAt, this.#watch.dueAt(now)];
    await this.#news.wait(this.#needs.clock, now, times);
  }

  /** Waits until the next job is due. @returns false if that is too late, or if a limit is reached. */
  async #linger(): Promise<boolean> {
    const { clock } = this.#needs;
    const { nextAt } = this.#inFlight;
    const now = clock();
    if (nextAt > this.#bounds.lingersUntil || this.#next.stoppedBy(now)) return false;
    if (nextAt > now) {
      // An idle hour says nothing of the pace of what comes next.
      this.#prefetch.forget();
      await this.#news.wait(clock, now, [nextAt]);
    }
    return true;
  }

  /** How many jobs it has released because their job type is paused. */
  get held(): number {
    return this.#jobs.held;
  }

  /** What has failed and stopped the drain; undefined if nothing has. */
  get failure(): unknown {
    return this.#inFlight.failure;
  }

  report(now = this.#needs.clock()): DrainReport {
    const { nextAt } = this.#inFlight;
    const backlog = this.#next.knowsOfDue(now);
    const stoppedBy = this.#next.stoppedBy(now) ?? "empty";
    return {
      ...this.#counts,
      roundTrips: this.#budget.roundTrips,
      commands: this.#budget.commands,
      // A budget stops nothing if nothing is due.
      stoppedBy: stoppedBy === "budget" && !backlog ? "empty" : stoppedBy,
      nextRunAt: nextAt === Number.POSITIVE_INFINITY ? null : new Date(nextAt),
      backlog,
    };
  }
}
