import { invalidRequest } from "../shared/errors.ts";
import type { Cost, Meter } from "../store/meter.ts";

/** What a claim leaves room for: a request that is sent again, and one that releases jobs which get no slot. */
const RESEND_AND_RELEASE = 2;
/** The least round trips of a drain: a claim, what settles its jobs, and these two. */
export const LEAST_ROUND_TRIPS = 2 + RESEND_AND_RELEASE;
/** What an exchange without a reply is taken to cost at least. Only claims of many flow control keys cost more. */
const LEAST_ASSUMED = 40;

/** How many requests it takes to settle the jobs in hand. */
export interface Unsettled {
  readonly requestsToSettle: number;
  /** The same after the next exchange, if that brings so many more jobs. */
  requestsAfter(more: number): number;
}

/**
 * What one drain may spend.
 *
 * - **Round trips are a hard limit.** Every request counts: exchanges, resends, and those of jobs. None is sent
 *   that would leave too few to settle the jobs in hand, and no job is claimed that could not be settled.
 * - **Commands are a soft limit**, since only a reply tells what a request costs. Once they are spent, the drain claims
 *   nothing more, its jobs send nothing, and it settles what it holds. The first claim is always allowed.
 */
export class DrainBudget implements Meter {
  roundTrips = 0;
  commands = 0;
  largest = 0;
  readonly #limit: Cost;
  #jobs: Unsettled = { requestsToSettle: 0, requestsAfter: () => 0 };
  #held = 0;
  #hasClaimed = false;
  #isClosed = false;

  constructor(limit: Cost) {
    this.#limit = limit;
  }

  setAside(jobs: Unsettled): void {
    this.#jobs = jobs;
  }

  close(): void {
    this.#isClosed = true;
  }

  allows(requests: number): boolean {
    return !this.#isClosed && this.fits(requests + this.#jobs.requestsToSettle);
  }

  hold(requests: number): () => void {
    this.#held += requests;
    return () => {
      this.#held -= requests;
    };
  }

  fits(requests: number): boolean {
    return this.roundTrips + this.#held + requests <= this.#limit.roundTrips;
  }

  get isSpent(): boolean {
    return this.commands >= this.#limit.commands;
  }

  /** Whether an exchange fits that brings `more` jobs, with `spare` requests to spare. */
  allowsExchange(more = 0, spare = 0): boolean {
    return this.fits(1 + this.#jobs.requestsAfter(more) + spare);
  }

  /** @param inFlight how many others have no reply yet: each may cost as much as the largest so far. */
  allowsClaim(inFlight: number): boolean {
    const unknown = inFlight * Math.max(this.largest, LEAST_ASSUMED);
    const hasCommands = !this.#hasClaimed || this.commands + unknown < this.#limit.commands;
    return hasCommands && this.allowsExchange(1, RESEND_AND_RELEASE);
  }

  noteClaim(): void {
    this.#hasClaimed = true;
  }

  /** How far apart requests must be for the round trips to last `ms`: 0 while half of them are left. */
  spacing(ms: number): number {
    const { roundTrips } = this.#limit;
    const left = roundTrips - this.roundTrips - this.#held - this.#jobs.requestsToSettle;
    if (this.isSpent || left < 1) return Number.POSITIVE_INFINITY;
    return 2 * left >= roundTrips ? 0 : ms / left;
  }
}

/** @throws {TidegateError} `invalid_request` for a budget with which no drain of the queue could do anything. */
export function checkBudget(roundTrips: number, least: number, queue: string): void {
  if (roundTrips < least)
    throw invalidRequest(`budget.roundTrips must be at least ${least} to drain the queue "${queue}".`);
}
