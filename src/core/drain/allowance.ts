import { type Cost, noCost } from "../store/meter.ts";
import {
  type ExchangeRequest,
  type ExchangeSize,
  type Fire,
  type LocalFacts,
  sizeOf,
  sizeOfFires,
} from "../store/store.ts";
import { type DrainBudget, mostOf } from "./budget.ts";
import type { JobsInHand } from "./in-hand.ts";

/** What an exchange leaves room for, besides settling all jobs that are then in hand. */
export interface Room {
  /** To send it again, if its reply is lost. Default false. */
  readonly again?: boolean;
  /** To settle once more before the end: jobs that get no slot are released. Default false. */
  readonly release?: boolean;
}

/** What to claim. */
export interface Claim {
  /** How many jobs; 0 for none. */
  readonly limit: number;
  /** Whether they may have flow control keys. */
  readonly meetsKeys: boolean;
}

/**
 * What the budget allows a drain to do. Whatever it does, it keeps room to settle all jobs that are then in hand.
 *
 * The first claim has room for whatever is due first, so that no job waits forever for a larger budget: a job with a
 * flow control key, or one whose lease must be extended. Without room for keys, later claims skip jobs with keys. Once
 * such a job was claimed or skipped, the price of every claim includes keys.
 */
export class Allowance {
  readonly #budget: DrainBudget;
  readonly #local: LocalFacts;
  readonly #jobs: JobsInHand;
  #isFirst = true;

  constructor(budget: DrainBudget, local: LocalFacts, jobs: JobsInHand) {
    this.#budget = budget;
    this.#local = local;
    this.#jobs = jobs;
  }

  /** What to set aside for settling all jobs in hand. */
  get reserve(): Cost {
    const { unsettled, mayHaveKeys, ended } = this.#jobs;
    return this.#costOfSettling(unsettled, ended.requests.length, mayHaveKeys);
  }

  /** Notes that a claim is sent. */
  noteClaim(): void {
    this.#isFirst = false;
  }

  /** Whether the drain may settle the ended jobs now, and the others later. */
  allowsSettling(room: Room): boolean {
    return this.#affords(this.#size(), room);
  }

  /** Whether it may release the jobs that wait for a slot, too. */
  get allowsRelease(): boolean {
    const size = this.#size();
    return this.#affords({ ...size, settles: size.settles + this.#jobs.waiting.length });
  }

  /** How many of these schedules it may fire. */
  mostFires(fires: readonly Fire[]): number {
    return mostOf(fires.length, (count) => this.#affords(this.#size(fires.slice(0, count))));
  }

  /** What it may claim while it fires these schedules: up to `wanted` jobs. */
  mostClaims(wanted: number, fires: readonly Fire[], room: Room): Claim {
    const size = this.#size(fires);
    const isAllowed = (claims: number, hasKeys = size.hasKeys) => this.#affords({ ...size, claims, hasKeys }, room);
    const limit = mostOf(wanted, isAllowed);
    return { limit, meetsKeys: limit > 0 && (size.hasKeys || isAllowed(limit, true)) };
  }

  /** An exchange that settles what fits into one, fires these and claims nothing. */
  #size(fires: readonly Fire[] = []): ExchangeSize & { readonly settles: number; readonly hasKeys: boolean } {
    const { ended, mayHaveKeys } = this.#jobs;
    const { hasKeys, ...fired } = sizeOfFires(fires);
    return { settles: ended.requests[0] ?? 0, ...fired, hasKeys: hasKeys || mayHaveKeys || this.#isFirst };
  }

  #affords(size: ExchangeSize, { again = false, release = false }: Room = {}): boolean {
    const { settles = 0, claims = 0, hasKeys } = size;
    const { unsettled, ended } = this.#jobs;
    const exchange = this.#costOf(size);
    const settling = this.#costOfSettling(unsettled - settles + claims, ended.requests.length - 1, hasKeys);
    const more = [
      again ? exchange : noCost,
      release ? settling : noCost,
      claims > 0 && this.#isFirst ? this.#local.mostOfExtend(1) : noCost,
    ];
    return this.#budget.affords(exchange, settling, ...more);
  }

  #costOf(size: ExchangeSize): Cost {
    return this.#local.mostOfExchange(size);
  }

  /**
   * The most commands that an exchange takes for the jobs that its outcomes make, and for signals that jobs wait for.
   */
  mostOfExtras(request: Pick<ExchangeRequest, "settle" | "fire" | "claim">): number {
    const settle = request.settle.map(({ followUps: _, waits: __, ...outcome }) => outcome);
    return this.#costOf(sizeOf(request)).commands - this.#costOf(sizeOf({ ...request, settle })).commands;
  }

  /** @param requests how many requests it takes at least: one holds only so many bytes of records. */
  #costOfSettling(jobs: number, requests: number, hasKeys = false): Cost {
    if (jobs === 0) return noCost;
    const { roundTrips, commands } = this.#costOf({ settles: jobs, hasKeys });
    const times = Math.max(1, requests);
    return { roundTrips: roundTrips * times, commands: commands * times };
  }
}
