import type { ClaimRequest, Fire } from "../store/store.ts";
import type { DrainBounds } from "./bounds.ts";
import type { DrainBudget } from "./budget.ts";
import type { DrainRequest, InFlight } from "./in-flight.ts";
import type { EndedJob, JobsInHand } from "./in-hand.ts";
import type { DrainLimits } from "./options.ts";
import type { Prefetch } from "./prefetch.ts";
import type { StoppedBy } from "./report.ts";

/** For how long a drain trusts what its last exchange has read of the queue. */
const TRUSTED_MS = 1_000;

/** Beside others in flight, an exchange is sent early only if it frees awaited slots for this part of a batch. */
const PART_OF_BATCH = 1 / 4;

interface ExchangeNeeds {
  readonly limits: DrainLimits;
  readonly bounds: DrainBounds;
  readonly budget: DrainBudget;
  readonly inFlight: Readonly<InFlight>;
  readonly jobs: JobsInHand;
  readonly prefetch: Prefetch;
  readonly counts: { readonly claimed: number };
  readonly leaseMs: number;
}

/** What an exchange does beside settling. */
export interface Plan {
  readonly now: number;
  readonly fire: readonly Fire[];
  /** How many jobs it claims; 0 for none. */
  readonly limit: number;
}

/**
 * The next exchange of a drain: when it is due, and what it settles, fires and claims.
 *
 * It is due for one of three reasons, and then also does everything else there is to do:
 *
 * - **To settle**: the drain is idle, or the oldest ended job has waited for a second.
 * - **To fire** schedules that the last claim has handed out.
 * - **To claim**: the drain has fewer jobs ahead than it can use soon (`Prefetch`), and something is due, or may be:
 *   jobs run, and the last exchange was sent `checkEvery` ago.
 *
 * It need not wait for the exchanges in flight, as long as there are not too many (`InFlight.hasRoom`). But the drain
 * claims beside another claim only if the store has counted more due jobs than the exchanges in flight will claim
 * (`InFlight.mayFindMore`). A claim asks for that count if it may not bring enough jobs (`#needsBacklog`).
 */
export class NextExchange {
  readonly #needs: ExchangeNeeds;
  /** Schedules to fire, which the last claim found due. */
  #fires: readonly Fire[] = [];
  #lastSentAt: number;
  /** When the drain last sent an exchange that reads what is due next. */
  #lastReadAt = Number.NEGATIVE_INFINITY;
  /** How many of the claimed jobs the store has made by itself, by firing a schedule. */
  #fired = 0;
  #hasMetTooLong = false;

  constructor(needs: ExchangeNeeds, startedAt: number) {
    this.#needs = needs;
    this.#lastSentAt = startedAt;
  }

  // Why nothing more is claimed ---------------------------------------------------------------------------------------

  /** Why the drain claims no more; undefined if it may. A due job that needs more time than is left ends it too. */
  stoppedBy(now: number): StoppedBy | undefined {
    const { budget, bounds, inFlight } = this.#needs;
    const limit = bounds.stoppedBy(this.#claimed, now);
    if (limit) return limit;
    if (inFlight.isOutOfBudget || !budget.allowsClaim(0)) return "budget";
    return this.#hasMetTooLong ? "timeBudget" : undefined;
  }

  /** A job needs more time than this drain has. The drain claims no more, so that one with more time finds it first. */
  noteTooLong(): void {
    this.#hasMetTooLong = true;
  }

  /** How many jobs count for `maxJobs`. */
  get #claimed(): number {
    return this.#needs.counts.claimed - this.#needs.jobs.held;
  }

  // When it is due ----------------------------------------------------------------------------------------------------

  knowsOfDue(now: number): boolean {
    return this.#fires.length > 0 || this.#needs.inFlight.nextAt <= now;
  }

  /** Whether it is time to check for jobs that other processes have enqueued. */
  #isTimeToCheck(now: number): boolean {
    const { jobs, limits } = this.#needs;
    return jobs.running.size > 0 && now - this.#lastSentAt >= limits.checkEveryMs;
  }

  #isTimeToSettle(now: number): boolean {
    const { jobs, budget, inFlight } = this.#needs;
    const { ended, isIdle, waiting } = jobs;
    if (ended.length === 0 || (!isIdle && now < this.#settleBy)) return false;
    // Leave room for one more exchange: jobs that get no slot are released before the last one.
    const mayRelease = !isIdle && waiting.length + inFlight.claiming > 0 && !ended.hasReleased;
    return budget.allowsExchange(0, mayRelease ? 1 : 0);
  }

  /** When ended jobs are settled while others still run. After a failure they wait for the others. */
  get #settleBy(): number {
    const { inFlight, jobs, limits } = this.#needs;
    if (inFlight.hasFailed) return Number.POSITIVE_INFINITY;
    // After an abort there may be no time to wait.
    return jobs.ended.settleBy(limits.signal?.aborted === true || this.#isKeySlotWanted);
  }

  /**
   * Whether a slot is free here, and a job waits for the slot of its key that an ended job holds. While replies are on
   * their way, a few such slots wait for more of them. Once the commands are spent, the drain claims no job for them.
   */
  get #isKeySlotWanted(): boolean {
    const { budget, inFlight, jobs, limits, prefetch } = this.#needs;
    const { awaitedSlots } = jobs.ended;
    if (awaitedSlots === 0 || prefetch.freeSlots === 0 || budget.isSpent) return false;
    return inFlight.count === 0 || awaitedSlots >= limits.batchSize * PART_OF_BATCH;
  }

  get dueTimes(): readonly number[] {
    const { inFlight, limits } = this.#needs;
    return [inFlight.nextAt, this.#lastSentAt + limits.checkEveryMs, this.#settleBy];
  }

  // What it does ------------------------------------------------------------------------------------------------------

  setFires(fires: readonly Fire[]): void {
    this.#fires = fires;
  }

  /** Notes how many of the jobs in a reply the store has made by itself, by firing a schedule. */
  noteFired(count: number): void {
    this.#fired += count;
  }

  take({ now, fire, limit }: Plan): { readonly request: DrainRequest; readonly ended: readonly EndedJob[] } {
    const { budget, jobs, bounds, inFlight } = this.#needs;
    const ended = jobs.ended.take();
    const reads = !this.#isReadingNeedless(ended, now);
    const claim = limit > 0 && reads ? this.#claimRequest(limit, now) : undefined;
    if (claim) budget.noteClaim();
    this.#fires = this.#fires.slice(fire.length);
    this.#lastSentAt = now;
    if (reads) this.#lastReadAt = now;
    const request = {
      now,
      settle: ended.map(({ outcome }) => outcome),
      fire,
      claim,
      reads,
      watch: jobs.longestRunning(now),
      resendPauseMs: bounds.cutOffAt - now,
      isResend: inFlight.hasFailed,
      isLastTry: inFlight.hasFailed || inFlight.isOutOfBudget,
    };
    return { request, ended };
  }

  /** Whether an exchange may be due. It may still have nothing to do. */
  isDue(now: number): boolean {
    const { hasRoom } = this.#needs.inFlight;
    return hasRoom && (this.#isTimeToSettle(now) || this.knowsOfDue(now) || this.#isTimeToCheck(now));
  }

  /** What the exchange does; undefined if it is not due. */
  plan(now: number): Plan | undefined {
    if (!this.isDue(now)) return undefined;
    const fire = this.#firesNow(now);
    const limit = this.#claimsNow(now);
    return limit > 0 || fire.length > 0 || this.#isTimeToSettle(now) ? { now, fire, limit } : undefined;
  }

  /**
   * Whether the drain ends after this exchange and knows what is due next: it has run nothing but occurrences, and its
   * claim has just found nothing else. So a tick that fires one occurrence saves a command.
   */
  #isReadingNeedless(ended: readonly EndedJob[], now: number): boolean {
    const { limits, counts, jobs } = this.#needs;
    if (limits.heldOnly) return true;
    const isLast = jobs.isIdle && jobs.waiting.length === 0 && jobs.ended.length === 0 && !this.knowsOfDue(now);
    const isOver =
      ended.length > 0 && ended.every(({ outcome }) => !("runAt" in outcome) && !outcome.followUps?.length);
    return isLast && isOver && this.#fired === counts.claimed && now - this.#lastReadAt < TRUSTED_MS;
  }

  #claimRequest(limit: number, now: number): ClaimRequest {
    const { inFlight, jobs, leaseMs, prefetch } = this.#needs;
    return {
      limit,
      leaseMs: leaseMs + inFlight.leaseApartMs,
      countBacklog: this.#needsBacklog(limit, now),
      runs: prefetch.runLimits(jobs.ahead, now),
    };
  }

  /** Whether a second claim, beside this one of `limit` jobs, would help if more is due. */
  #needsBacklog(limit: number, now: number): boolean {
    const { bounds, inFlight, jobs, prefetch } = this.#needs;
    if (bounds.mostClaims(this.#claimed) <= limit || inFlight.backlog > limit) return false;
    return !prefetch.isEnough(jobs.ahead + limit, inFlight.replyMs, now);
  }

  /** The schedules to fire now, even if the budget has no room for a claim. */
  #firesNow(now: number): readonly Fire[] {
    const { budget, bounds } = this.#needs;
    return !bounds.stoppedBy(this.#claimed, now) && budget.allowsExchange() ? this.#fires : [];
  }

  /** How many jobs to claim now: none while enough are ahead, or once a limit is reached. */
  #claimsNow(now: number): number {
    const { budget, bounds, inFlight, jobs } = this.#needs;
    const isStopped = bounds.stoppedBy(this.#claimed, now) || inFlight.isOutOfBudget || this.#hasMetTooLong;
    if (isStopped || !(inFlight.mayFindMore || this.#isKeySlotWanted) || !budget.allowsClaim(inFlight.count)) return 0;
    return Math.min(this.#wanted(now), bounds.batch(this.#claimed), jobs.waiting.mostClaims(jobs.isIdle));
  }

  isWanted(now: number): boolean {
    return this.#needs.inFlight.hasRoom && this.#wanted(now) > 0;
  }

  #wanted(now: number): number {
    const { prefetch, jobs, inFlight } = this.#needs;
    return prefetch.missing(jobs.ahead, inFlight.replyMs, now);
  }
}
