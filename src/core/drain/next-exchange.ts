import type { Clock } from "../shared/clock.ts";
import type { Cost } from "../store/meter.ts";
import { type ClaimRequest, type Fire, firesKeys } from "../store/store.ts";
import type { DrainBounds, PlannedExchange } from "./bounds.ts";
import { mostOf } from "./budget.ts";
import type { DrainRequest, InFlight } from "./in-flight.ts";
import type { JobsInHand } from "./in-hand.ts";
import type { DrainLimits } from "./options.ts";
import type { Prefetch } from "./prefetch.ts";
import type { StoppedBy } from "./report.ts";
import type { EndedJob } from "./settle-buffer.ts";

/** For how long a drain of occurrences relies on what its claim has read. */
const RELIED_ON_MS = 1_000;

/** What the next exchange depends on: the state of its drain. */
export interface DrainState {
  readonly limits: DrainLimits;
  readonly bounds: DrainBounds;
  readonly inFlight: InFlight;
  readonly jobs: JobsInHand;
  readonly prefetch: Prefetch;
  /** How many jobs have been claimed so far. */
  readonly counts: { readonly claimed: number };
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly retentionMs: number;
  readonly observe: boolean;
}

/**
 * The next exchange of a drain: when it is due, and what it settles, fires and claims.
 *
 * It is due for one of two reasons, and then also does whatever else there is to do:
 *
 * - **To claim**: something is due, and the drain has fewer jobs ahead than it can use soon (`Prefetch`).
 * - **To settle**: nothing runs any more, or the oldest ended job has waited for a second.
 *
 * It need not wait for the exchanges in flight, as long as there are not too many (`InFlight.hasRoom`). But a claim beside another one
 * needs a reason to believe that it will find jobs: the store must have counted more than the exchanges in flight will take
 * (`InFlight.mayFindMore`). A claim asks for that count if, at the pace of the jobs, it will not bring enough (`#isAnotherUseful`).
 */
export class NextExchange {
  readonly #drain: DrainState;
  /** Schedules to fire, which the last claim found due. */
  #fires: readonly Fire[] = [];
  #lastSentAt: number;
  /** When an exchange was sent that reads what is due next. */
  #lastReadAt = Number.NEGATIVE_INFINITY;
  /** How many of the claimed jobs are occurrences that the store has fired by itself. */
  #fired = 0;
  #hasMetTooLong = false;
  #hasClaimed = false;

  constructor(drain: DrainState) {
    this.#drain = drain;
    this.#lastSentAt = drain.clock();
  }

  // Why nothing more is claimed -------------------------------------------------------------------------------------------

  /** Which limit of the drain has been reached, if any. */
  limitReached(): StoppedBy | undefined {
    const { bounds, counts } = this.#drain;
    return bounds.stoppedBy(counts.claimed, this.#planOfClaim().plan);
  }

  /** Why the drain claims nothing more, if so. Its time is over as well if a job that is due needs more of it. */
  stoppedBy(): StoppedBy | undefined {
    return this.limitReached() ?? (this.#hasMetTooLong ? "timeBudget" : undefined);
  }

  /** A job needs more time than this drain may give it. Nothing more is claimed, so that the job stays first for one that has the time. */
  meetTooLong(): void {
    this.#hasMetTooLong = true;
  }

  // When it is due --------------------------------------------------------------------------------------------------------

  isDue(): boolean {
    const { inFlight, clock } = this.#drain;
    if (!inFlight.hasRoom) return false;
    const now = clock();
    return this.#isTimeToClaim(now) || this.#isTimeToSettle(now);
  }

  #isTimeToClaim(now: number): boolean {
    return (this.isMoreDue(now) || this.#isTimeToCheck(now)) && this.#claims() > 0;
  }

  /** Whether something is due, as far as is known. */
  isMoreDue(now: number): boolean {
    return this.#fires.length > 0 || this.#drain.inFlight.nextAt <= now;
  }

  /** Whether to check for jobs that other processes have enqueued. */
  #isTimeToCheck(now: number): boolean {
    const { jobs, limits } = this.#drain;
    return jobs.running.size > 0 && now - this.#lastSentAt >= limits.checkEveryMs;
  }

  #isTimeToSettle(now: number): boolean {
    const { jobs, bounds } = this.#drain;
    const hasEnded = jobs.ended.length > 0;
    // Schedules that were found due are fired even if the budget has no room to claim more.
    const isLast = jobs.isIdle && (hasEnded || (this.limitReached() === "budget" && this.#firesNow().length > 0));
    // Jobs that wait for a slot may have to be released later, and settled before the last ones.
    const spare = !jobs.isIdle && jobs.ahead > 0 && !jobs.ended.hasReleased ? 1 : 0;
    return (isLast || (hasEnded && now >= this.#settleBy)) && bounds.affords(this.#plan([], spare));
  }

  /** When ended jobs are settled though others still run. After a failure they wait for all of them. */
  get #settleBy(): number {
    const { inFlight, jobs, limits, prefetch } = this.#drain;
    if (inFlight.hasFailed) return Number.POSITIVE_INFINITY;
    // A free slot must not wait for the place of a job that has ended.
    const isPlaceWanted = jobs.ended.freesPlaces && prefetch.freeSlots > 0;
    // After an abort there may be no time to wait.
    return jobs.ended.settleBy(limits.signal?.aborted === true || isPlaceWanted);
  }

  /** The times at which it may become due. */
  get dueTimes(): readonly number[] {
    const { inFlight, limits } = this.#drain;
    const claiming = this.#claims() > 0 ? [inFlight.nextAt, this.#lastSentAt + limits.checkEveryMs] : [];
    return [...claiming, this.#settleBy];
  }

  // What it does ----------------------------------------------------------------------------------------------------------

  /** Sets which schedules to fire. */
  setFires(fires: readonly Fire[]): void {
    this.#fires = fires;
  }

  /** The store has fired so many occurrences by itself, with the jobs that it has given. */
  noteFired(count: number): void {
    this.#fired += count;
  }

  /** Takes out what the exchange does, to be sent now. */
  take(): { readonly request: DrainRequest; readonly ended: readonly EndedJob[] } {
    const { jobs, bounds, inFlight, retentionMs, observe, clock } = this.#drain;
    const fire = this.#firesNow();
    const limit = this.#claims(fire);
    const meetsKeys = this.#mayMeetKeys(limit, fire);
    if (limit > 0) this.#hasClaimed = true;
    const ended = jobs.ended.take();
    const now = clock();
    const reads = !this.#isReadingNeedless(ended, now);
    this.#fires = this.#fires.slice(fire.length);
    this.#lastSentAt = now;
    if (reads) this.#lastReadAt = now;
    const request = {
      now,
      settle: ended.map(({ job, outcome }) => (observe && job.isReadable ? { ...outcome, name: job.name } : outcome)),
      fire,
      claim: limit > 0 && reads ? this.#claimRequest(limit, meetsKeys, now) : undefined,
      reads,
      retentionMs,
      observe,
      watch: jobs.longestRunning(now),
      resendPauseMs: bounds.cutOffAt - now,
      isResend: inFlight.hasFailed,
      isLastTry: inFlight.hasFailed || inFlight.isOutOfBudget,
    };
    return { request, ended };
  }

  /**
   * Whether the drain ends after this exchange, and knows what is due next: it has run nothing but occurrences, and its claim has just
   * found nothing else. So a tick that fires one occurrence saves a command. A drain with other jobs reads on, since more may follow them.
   */
  #isReadingNeedless(ended: readonly EndedJob[], now: number): boolean {
    const { limits, counts, jobs } = this.#drain;
    if (limits.heldOnly) return true;
    const isLast = jobs.isIdle && jobs.waiting.length === 0 && jobs.ended.length === 0 && !this.isMoreDue(now);
    const isOver =
      ended.length > 0 && ended.every(({ outcome }) => !("runAt" in outcome) && !outcome.followUps?.length);
    return isLast && isOver && this.#fired === counts.claimed && now - this.#lastReadAt < RELIED_ON_MS;
  }

  #claimRequest(limit: number, meetsKeys: boolean, now: number): ClaimRequest {
    const { inFlight, limits, leaseMs } = this.#drain;
    return {
      limit,
      leaseMs: leaseMs + inFlight.leaseApartMs,
      countLeft: this.#isAnotherUseful(limit, now),
      meetsKeys,
      refreshAfterMs: limits.checkEveryMs,
    };
  }

  /** Whether another claim beside one of `limit` would be useful, and it is not known whether it would find anything. */
  #isAnotherUseful(limit: number, now: number): boolean {
    const { bounds, counts, inFlight, jobs, prefetch } = this.#drain;
    if (bounds.jobsLeft(counts.claimed) <= limit || inFlight.left > limit) return false;
    return !prefetch.isEnough(jobs.ahead + limit, inFlight.replyMs, now);
  }

  /** The schedules that are fired now, as many as the budget allows. */
  #firesNow(): readonly Fire[] {
    const limit = this.limitReached();
    if (limit && limit !== "budget") return [];
    const isAffordable = (count: number) => this.#drain.bounds.affords(this.#plan(this.#fires.slice(0, count)));
    return this.#fires.slice(0, mostOf(this.#fires.length, isAffordable));
  }

  /** How many jobs to claim now: none while enough are ahead, or once a limit is reached. */
  #claims(fires: readonly Fire[] = []): number {
    const { bounds, counts, inFlight, jobs, prefetch } = this.#drain;
    if (this.stoppedBy() || !inFlight.mayFindMore) return 0;
    const batch = Math.min(bounds.batch(counts.claimed), jobs.waiting.mostClaims(jobs.isIdle));
    const { plan, isAhead } = this.#planOfClaim(fires);
    const startable = jobs.ahead === 0 ? prefetch.mostStartable : 0;
    return bounds.mostClaims(Math.min(isAhead ? this.#wanted() : startable, batch), plan);
  }

  /** Whether a claim of so many may bring jobs with keys: they cost more to claim, and to settle with all others in hand. */
  #mayMeetKeys(claims: number, fires: readonly Fire[]): boolean {
    return this.#drain.bounds.mostClaims(claims, withKeys(this.#planOfClaim(fires).plan)) === claims;
  }

  /** Whether the drain could use more jobs, and may ask for them. */
  get isWanted(): boolean {
    return this.#drain.inFlight.hasRoom && this.#wanted() > 0;
  }

  #wanted(): number {
    const { prefetch, jobs, inFlight, clock } = this.#drain;
    return prefetch.missing(jobs.ahead, inFlight.replyMs, clock());
  }

  // What it costs ---------------------------------------------------------------------------------------------------------

  /** An exchange that settles what fits into one, fires these and claims nothing. @param spare for how many more there must be room. */
  #plan(fires: readonly Fire[] = [], spare = 0): PlannedExchange {
    const { jobs, inFlight } = this.#drain;
    const { requests } = jobs.ended;
    const [settles = 0] = requests;
    const firedJobs = fires.reduce((sum, fire) => sum + fire.jobs.length, 0);
    const hasKeys = jobs.mayHaveKeys || firesKeys(fires);
    return {
      size: { settles, fires: fires.length, firedJobs, isResend: inFlight.hasFailed, hasKeys },
      jobsAfter: jobs.unsettled - settles,
      requestsAfter: Math.max(1, requests.length - 1) + spare,
    };
  }

  /**
   * The exchange of a claim, with as much room as the budget has: to claim ahead of free slots (`isAhead`), or else for those alone.
   *
   * The first claim has room for whatever comes first, so that no job waits forever for a larger budget: for keys, and to lengthen a
   * lease. Later ones spend what is left. But once one of them has left keys out, the next one must have room for them.
   *
   * A claim whose reply is lost has leased jobs that nobody runs. So it takes no more than can be claimed again, if that is any.
   */
  #planOfClaim(fires: readonly Fire[] = []): { readonly plan: PlannedExchange; readonly isAhead: boolean } {
    const { bounds, inFlight } = this.#drain;
    const least = inFlight.hasLeftKeys ? withKeys : asItIs;
    // Jobs that will wait for a slot may have to be released: those that this claim brings, and those that each one in flight brings.
    const spare = 1 + inFlight.count;
    const rooms = (this.#hasClaimed ? [least] : [withAnything, least]).flatMap((room) => [andResend(room), room]);
    for (const room of rooms)
      for (const isAhead of [true, false]) {
        const plan = room(this.#plan(fires, isAhead ? spare : 0));
        if (bounds.mostClaims(1, plan) === 1) return { plan, isAhead };
      }
    return { plan: least(this.#plan(fires)), isAhead: false };
  }

  /** Whether the budget has room to release what waits for a slot with it. */
  get canRelease(): boolean {
    const { bounds, jobs } = this.#drain;
    const { size, jobsAfter, requestsAfter } = this.#plan();
    const { length } = jobs.waiting;
    const settles = (size.settles ?? 0) + length;
    return bounds.affords({ size: { ...size, settles }, jobsAfter: jobsAfter - length, requestsAfter });
  }

  /** What must be set aside to settle all jobs in hand. */
  get reserve(): Cost {
    const { bounds, jobs } = this.#drain;
    return bounds.costOfSettling(jobs.unsettled, Math.max(1, jobs.ended.requests.length), jobs.mayHaveKeys);
  }
}

function asItIs(plan: PlannedExchange): PlannedExchange {
  return plan;
}

function withKeys(plan: PlannedExchange): PlannedExchange {
  return { ...plan, size: { ...plan.size, hasKeys: true } };
}

function withAnything(plan: PlannedExchange): PlannedExchange {
  return { ...withKeys(plan), extendsAfter: true };
}

function andResend(room: (plan: PlannedExchange) => PlannedExchange): typeof room {
  return (plan) => ({ ...room(plan), mayResend: true });
}
