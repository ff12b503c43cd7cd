import { Attempt } from "../attempt/attempt.ts";
import type { Claim } from "../attempt/claimed-job.ts";
import { leaseMsFor, SETTLE_MARGIN_MS } from "../attempt/lease-time.ts";
import { released } from "../attempt/outcome.ts";
import type { Workshop } from "../attempt/runtime.ts";
import type { AttemptOutcome } from "../job/attempt-info.ts";
import { TimeoutError } from "../job/errors.ts";
import { logFailures } from "../observe/log.ts";
import type { DeclaredSchedules } from "../schedule/declared.ts";
import { firesOf } from "../schedule/fire.ts";
import { alarm, sleep } from "../shared/clock.ts";
import type { ClaimRequest, ExchangeReply, ExchangeRequest, Fire, LeasedJob, NextDue } from "../store/store.ts";
import { type DrainBudget, mostOf } from "./budget.ts";
import { Exchanges } from "./in-flight.ts";
import { Allowance, type NextExchange } from "./limits.ts";
import type { DrainLimits } from "./options.ts";
import { Prefetch } from "./prefetch.ts";
import { Lineup } from "./prefetch-buffer.ts";
import { countOf, type DrainCounts, type DrainReport, noCounts, type StoppedBy } from "./report.ts";
import { type Finished, FinishedJobs } from "./settle-buffer.ts";

/** What a drain needs of its queue. */
export interface DrainShop extends Workshop {
  readonly declared: DeclaredSchedules;
}

/** The reply to an exchange that only settles. */
const onlySettled = { paused: false, nextAt: undefined, fired: [], jobs: [], schedules: [], left: 0 };

const outOfTime = () => new TimeoutError("The invocation's time was over before the attempt's timeout.");

/**
 * One drain: exchange, run, exchange, ..., exchange. Each exchange hands in what finished and takes what is due, so round
 * trips follow the batches and not the jobs; what finishes while one is in flight goes with the next.
 */
export class Drain {
  readonly #shop: DrainShop;
  readonly #limits: DrainLimits;
  readonly #allowance: Allowance;
  readonly #leaseMs: number;
  readonly #counts: Record<keyof DrainCounts, number> = { ...noCounts };
  readonly #budget: DrainBudget;
  readonly #exchanges: Exchanges;
  readonly #prefetch: Prefetch;
  readonly #lineup = new Lineup();
  readonly #running = new Set<Attempt>();
  readonly #finished = new FinishedJobs();
  #fires: readonly Fire[] = [];
  #lookedAt: number;
  /** Whether it has met a job that needs more time than it may give. */
  #hasMetLonger = false;
  #ring: () => void = () => {};

  /**
   * @param budget the meter of the shop's store: what it shows already counts.
   * @param outlook what is known, or thought, to come next.
   */
  constructor(shop: DrainShop, budget: DrainBudget, limits: DrainLimits, longestTimeoutMs: number, outlook: NextDue) {
    this.#shop = shop;
    this.#budget = budget;
    this.#limits = limits;
    this.#lookedAt = shop.clock();
    this.#prefetch = new Prefetch(limits.slots, this.#lookedAt);
    this.#leaseMs = leaseMsFor(longestTimeoutMs, shop.random);
    const exchange = limits.heldOnly
      ? async (request: ExchangeRequest) => ({ ...onlySettled, ...(await shop.store.settle(request)) })
      : (request: ExchangeRequest) => shop.declared.exchange(shop.store, request);
    this.#exchanges = new Exchanges({ exchange }, shop.clock, outlook, () => this.#ring());
    this.#allowance = new Allowance(limits, shop, budget, this.#exchanges);
    budget.keep(() => this.#allowance.costOfSettling(this.#unsettled, Math.max(1, this.#finished.requests.length)));
  }

  /** Takes over jobs that are leased already. */
  take(jobs: readonly LeasedJob[]): void {
    this.#counts.claimed += jobs.length;
    const now = this.#shop.clock();
    const attempts = jobs.map((job) => new Attempt(this.#shop, job, now));
    const isTooLong = ({ claim }: Attempt) => claim.timeoutMs > this.#limits.longestAttemptMs;
    this.#lineup.add(attempts.filter((attempt) => !isTooLong(attempt)));
    const tooLong = attempts.filter(isTooLong);
    if (tooLong.length > 0) this.#hasMetLonger = true;
    this.#release(tooLong);
  }

  /** Tells that something falls due then, so that it need not be looked for. */
  expect(at: number): void {
    this.#exchanges.expect(at);
  }

  /** Drains until a limit is reached or nothing is due. @throws {TidegateError} `store_unavailable` */
  async run(): Promise<DrainReport> {
    const ring = () => this.#ring();
    const { signal, slots } = this.#limits;
    signal?.addEventListener("abort", ring);
    slots.join({ wants: () => this.#wantsSlot, ring });
    try {
      do {
        await this.#runDue();
      } while (await this.#linger());
      // Nothing is left to settle them with: they run again when their leases run out.
      this.#counts.lost += this.#finished.length;
      return this.#report();
    } finally {
      signal?.removeEventListener("abort", ring);
      slots.leave();
    }
  }

  async #runDue(): Promise<void> {
    for (;;) {
      this.#startWaiting();
      this.#limits.slots.changed();
      // No await may stand between looking and waiting: what happens in between would go unnoticed.
      if (this.#isTimeToExchange()) await this.#exchange();
      else if (this.#running.size > 0 || this.#exchanges.underWay > 0 || this.#awaitsSlot)
        await this.#somethingHappens();
      // What waits for the others to be handed in goes back with them, where the budget has no room for another exchange.
      else if (this.#lineup.length > 0) this.#release(this.#lineup.clear());
      else break;
    }
    if (this.#exchanges.error) throw this.#exchanges.error;
  }

  // Starting -------------------------------------------------------------------------------------------------------------

  #startWaiting(): void {
    const stop = this.#stoppedBy();
    const isOverdue = this.#isOverdue();
    if (isOverdue) this.#prefetch.forget();
    if (isOverdue || stop === "aborted" || stop === "timeBudget" || stop === "paused") {
      this.#release(this.#lineup.clear());
    }
    while (this.#running.size < this.#limits.slots.most) {
      const attempt = this.#lineup.next(this.#isIdle && this.#finished.length === 0);
      if (!attempt) break;
      void this.#start(attempt).catch((error: unknown) => this.#breakOff(attempt, error));
    }
    if (this.#isIdle) this.#release(this.#lineup.surplus());
  }

  /** Whether something has waited too long for a slot, and can be handed back. */
  #isOverdue(): boolean {
    if (this.#lineup.length === 0 || this.#shop.clock() < this.#lineup.overdueAt) return false;
    return this.#allowance.affords(this.#handingBack);
  }

  /** Whether there is something to start, as far as is known. */
  get #wantsSlot(): boolean {
    return this.#lineup.length > 0 || (!this.#endedBy() && this.#isMoreDue(this.#shop.clock()));
  }

  /** Whether others have all the slots that it could use. */
  get #awaitsSlot(): boolean {
    return this.#limits.slots.most === 0 && this.#wantsSlot;
  }

  /** Whether nothing runs, and nothing is about to be claimed. */
  get #isIdle(): boolean {
    return this.#running.size === 0 && this.#exchanges.underWay === 0;
  }

  async #start(attempt: Attempt): Promise<void> {
    const { slots } = this.#limits;
    this.#running.add(attempt);
    slots.take();
    const now = this.#shop.clock();
    this.#prefetch.take(now);
    if (attempt.claim.canStart(now) || (await this.#lengthenLease(attempt))) {
      const outcome = await attempt.run();
      this.#finish(attempt.claim, outcome);
    } else this.#release([attempt]);
    this.#running.delete(attempt);
    slots.give();
    this.#prefetch.free(this.#shop.clock());
    this.#startWaiting();
    if (this.#running.size === 0 || (this.#exchanges.mayBegin && this.#missing() > 0)) this.#ring();
  }

  /** Something else than a job failed, such as the clock: its lease runs out, and the drain ends with the error. */
  #breakOff(attempt: Attempt, error: unknown): void {
    this.#running.delete(attempt);
    this.#exchanges.breakOff(error);
    this.#ring();
  }

  /** No job starts with less lease left than its timeout. One whose timeout no claim foresaw gets a longer lease. */
  async #lengthenLease({ claim }: Attempt): Promise<boolean> {
    const neededMs = claim.timeoutMs + SETTLE_MARGIN_MS;
    if (neededMs <= this.#leaseMs) return false;
    const lease = await this.#shop.store.extend(claim.lease, this.#shop.clock() + neededMs).catch(() => undefined);
    if (lease) claim.held.current = lease;
    return lease !== undefined;
  }

  #release(attempts: readonly Attempt[]): void {
    for (const { claim } of attempts) this.#finish(claim, released(claim));
  }

  #finish(claim: Claim, outcome: AttemptOutcome): void {
    this.#finished.add({ claim, outcome, at: this.#shop.clock() });
    if (this.#finished.length === 1 || outcome.to === "released") this.#ring();
  }

  // Exchanging -----------------------------------------------------------------------------------------------------------

  #isTimeToExchange(): boolean {
    if (!this.#exchanges.mayBegin) return false;
    const now = this.#shop.clock();
    if ((this.#isMoreDue(now) || this.#isTimeToLook(now)) && this.#claimable() > 0) return true;
    const hasFinished = this.#finished.length > 0;
    // What was found, and leaves no room to claim more, is fired all the same.
    const isLast = this.#isIdle && (hasFinished || (this.#stoppedBy() === "budget" && this.#firesNow().length > 0));
    // What waits for a slot may have to be handed back later, before the last ones are handed in.
    const spare = !this.#isIdle && this.#ahead > 0 && !this.#finished.hasReleased ? 1 : 0;
    return (isLast || (hasFinished && now >= this.#handInAt)) && this.#allowance.affords(this.#nextExchange([], spare));
  }

  /** Lets handlers that end in this very turn be settled with the others, not one by one. */
  async #handlersAboutToEnd(): Promise<void> {
    for (let turn = 0; turn < 32 && this.#running.size > 0; turn++) await undefined;
  }

  /** When what has finished is handed in though others still run. After a failure it waits for all of them. */
  get #handInAt(): number {
    if (this.#exchanges.hasFailed) return Number.POSITIVE_INFINITY;
    return this.#finished.dueAt(this.#limits.signal?.aborted === true);
  }

  #isMoreDue(now: number): boolean {
    return this.#fires.length > 0 || this.#exchanges.dueAt <= now;
  }

  #isTimeToLook(now: number): boolean {
    return this.#running.size > 0 && now - this.#lookedAt >= this.#limits.checkEveryMs;
  }

  /** How many jobs to claim now: none while there is enough to do, or once a limit is reached. */
  #claimable(fires: readonly Fire[] = []): number {
    if (this.#endedBy() || !this.#exchanges.mayFindMore) return 0;
    const batch = this.#allowance.batch(this.#counts.claimed);
    const most = (wanted: number, next: NextExchange) =>
      this.#allowance.mostClaims(Math.min(wanted, batch, this.#lineup.mostClaimed(this.#isIdle)), next);
    // What comes to wait for a slot may have to be handed back: what this claim brings, and what each of those under way brings.
    const prefetching = this.#nextExchange(fires, 1 + this.#exchanges.underWay);
    if (this.#allowance.mostClaims(1, prefetching) === 1) return most(this.#missing(), prefetching);
    return most(this.#ahead === 0 ? this.#prefetch.freeSlots : 0, this.#nextExchange(fires));
  }

  /** What is to be fired now, as far as the budget allows. */
  #firesNow(): readonly Fire[] {
    const stop = this.#stoppedBy();
    if (stop && stop !== "budget") return [];
    const isAffordable = (count: number) => this.#allowance.affords(this.#nextExchange(this.#fires.slice(0, count)));
    return this.#fires.slice(0, mostOf(this.#fires.length, isAffordable));
  }

  /** An exchange that hands in what fits into one, fires these and claims nothing. @param spare how many more are to be possible. */
  #nextExchange(fires: readonly Fire[] = [], spare = 0): NextExchange {
    const { requests } = this.#finished;
    const [settles = 0] = requests;
    const firedJobs = fires.reduce((sum, { jobs }) => sum + jobs.length, 0);
    return {
      size: { settles, fires: fires.length, firedJobs, isResend: this.#hasFailed },
      jobsAfter: this.#unsettled - settles,
      requestsAfter: Math.max(1, requests.length - 1) + spare,
    };
  }

  /** An exchange that hands in what has finished, and hands back what waits for a slot. */
  get #handingBack(): NextExchange {
    const next = this.#nextExchange();
    const { length } = this.#lineup;
    const settles = (next.size.settles ?? 0) + length;
    return { ...next, size: { ...next.size, settles }, jobsAfter: next.jobsAfter - length };
  }

  get #hasFailed(): boolean {
    return this.#exchanges.hasFailed || this.#exchanges.isOutOfBudget;
  }

  #missing(): number {
    return this.#prefetch.missing(this.#ahead, this.#exchanges.answerMs, this.#shop.clock());
  }

  /** How many wait for a slot, or are being claimed. */
  get #ahead(): number {
    return this.#lineup.length + this.#exchanges.claiming;
  }

  /** How many have been claimed, or may be by the exchanges under way, that none of these settles. */
  get #unsettled(): number {
    return this.#ahead + this.#running.size + this.#finished.length;
  }

  async #exchange(): Promise<void> {
    await this.#handlersAboutToEnd();
    // An answer may have come meanwhile, and changed what there is to do.
    if (!this.#isTimeToExchange()) return;
    const fire = this.#firesNow();
    const limit = this.#claimable(fire);
    const finished = this.#finished.take();
    const request = this.#request(finished, fire, limit);
    this.#fires = this.#fires.slice(fire.length);
    this.#lookedAt = request.now;
    this.#exchanges.send(request, (reply) => {
      const unsettled = finished.filter((_, index) => reply?.settled[index] === undefined);
      // What has run is worth one more try once all is done.
      if (request.isResend) this.#counts.lost += unsettled.length;
      else this.#finished.putBack(unsettled);
      if (reply) this.#takeIn(reply, finished, request);
    });
  }

  #request(finished: readonly Finished[], fire: readonly Fire[], limit: number): ExchangeRequest {
    const now = this.#shop.clock();
    return {
      now,
      settle: finished.map(({ outcome }) => outcome),
      fire,
      claim: limit > 0 ? this.#claim(limit, now) : undefined,
      retentionMs: this.#shop.retentionMs,
      resendPauseMs: this.#allowance.cutOffAt - this.#shop.clock(),
      isResend: this.#hasFailed,
    };
  }

  #claim(limit: number, now: number): ClaimRequest {
    return {
      limit,
      leaseMs: this.#leaseMs + this.#exchanges.leaseApartMs,
      countLeft: this.#isAnotherOfUse(limit, now),
      refreshAfterMs: this.#limits.checkEveryMs,
    };
  }

  /** Whether a claim beside one of so many would be of use, and nobody knows whether it would find anything. */
  #isAnotherOfUse(limit: number, now: number): boolean {
    if (this.#allowance.jobsLeft(this.#counts.claimed) <= limit || this.#exchanges.left > limit) return false;
    return !this.#prefetch.suffices(this.#ahead + limit, this.#exchanges.answerMs, now);
  }

  #takeIn(reply: ExchangeReply, finished: readonly Finished[], { fire, claim }: ExchangeRequest): void {
    const now = this.#shop.clock();
    finished.forEach(({ outcome }, index) => {
      const isAccepted = reply.settled[index];
      if (isAccepted === undefined) return;
      this.#counts[isAccepted ? countOf(outcome.to) : "lost"]++;
      if (isAccepted && outcome.to !== "released" && "runAt" in outcome) this.#limits.onReturn?.(outcome.runAt);
    });
    this.#shop.hooks?.exchanged(reply, finished, fire);
    if (this.#shop.logger) logFailures(this.#shop.logger, reply.settled, finished);
    this.#counts.rearmed += reply.fired.filter((fired) => fired !== "stale").length;
    if (claim) this.#fires = firesOf(reply.schedules, now);
    this.take(reply.jobs);
    // After the failure of a part nothing more is begun, but what another part has given is.
    if ("failure" in reply) this.#startWaiting();
    this.#limits.onProgress?.(this.#report());
  }

  // Waiting --------------------------------------------------------------------------------------------------------------

  #stoppedBy(): StoppedBy | undefined {
    return this.#allowance.stoppedBy(this.#counts.claimed, this.#nextExchange());
  }

  /** Why nothing more is claimed, if so: time is over as well where what is due needs more of it. */
  #endedBy(): StoppedBy | undefined {
    return this.#stoppedBy() ?? (this.#hasMetLonger ? "timeBudget" : undefined);
  }

  /** Waits until a job ends, a free slot gets something to do, time is over, or finished jobs have waited long enough. */
  async #somethingHappens(): Promise<void> {
    const { clock } = this.#shop;
    const now = clock();
    if (this.#running.size > 0 && this.#endedBy()) this.#limits.onStopped?.(this.#report());
    const { deadline, cutOffAt } = this.#allowance;
    if (now >= cutOffAt) for (const attempt of this.#running) attempt.stop(outOfTime());
    const moments = [
      deadline,
      cutOffAt,
      ...(this.#claimable() > 0 ? [this.#exchanges.dueAt, this.#lookedAt + this.#limits.checkEveryMs] : []),
      this.#handInAt,
      this.#lineup.overdueAt,
    ];
    const wakeAt = Math.min(...moments.filter((moment) => moment > now));
    await new Promise<void>((resolve) => {
      const off = Number.isFinite(wakeAt) ? alarm(clock, wakeAt - now, resolve) : () => {};
      this.#ring = () => {
        off();
        resolve();
      };
    });
  }

  /** Sleeps until just then if something falls due inside the window; false where nothing does, or a limit is reached. */
  async #linger(): Promise<boolean> {
    const { clock } = this.#shop;
    const nextAt = this.#exchanges.dueAt;
    if (this.#endedBy() || nextAt > this.#allowance.lingersUntil) return false;
    await sleep(clock, nextAt - clock(), this.#limits.signal);
    return true;
  }

  #report(): DrainReport {
    const now = this.#shop.clock();
    const nextAt = this.#exchanges.dueAt;
    return {
      ...this.#counts,
      roundTrips: this.#budget.roundTrips,
      commands: this.#budget.commands,
      stoppedBy: this.#endedBy() ?? "empty",
      nextRunAt: nextAt === Number.POSITIVE_INFINITY ? null : new Date(nextAt),
      backlog: this.#isMoreDue(now),
    };
  }
}
