import { isTidegateError, TidegateError } from "../shared/errors.ts";

/** Requests to a store, and the commands that it bills for them. A memory store bills none. */
export interface Cost {
  readonly roundTrips: number;
  readonly commands: number;
}

/** Counts what calls cost. */
export interface Meter {
  /** Requests so far, resends included. Each counts from when it is sent. */
  roundTrips: number;
  /** Billed commands so far, as replies say. A script whose reply is lost counts as one. */
  commands: number;
  /** The most commands that one request has cost. */
  largest?: number;
  /** Whether so many more requests may be sent. A store asks before each. Default: always. */
  allows?(requests: number): boolean;
  /** Keeps room for requests that may follow, until its result is called. A store calls it in the turn of a request. */
  hold?(requests: number): () => void;
}

/** The budget of a drain has no room for a request. The request was not sent. */
export class OutOfBudgetError extends TidegateError {
  constructor() {
    super(
      "conflict",
      "The budget of the drain leaves no room for this request, so it was not sent. Raise budget.roundTrips or budget.commands.",
    );
  }
}

/** Whether a request failed because the store did not respond, or because the budget had no room for it. */
export function isStoreFailure(error: unknown): boolean {
  return error instanceof OutOfBudgetError || (isTidegateError(error) && error.code === "store_unavailable");
}

/** Counts a request that is about to be sent, at its least price. @returns what to call with the bill. */
export function countRequest(meter: Meter | undefined, commands: number): (billed: number) => void {
  if (meter?.allows?.(1) === false) throw new OutOfBudgetError();
  if (!meter) return () => {};
  meter.roundTrips++;
  meter.commands += commands;
  return (billed) => {
    meter.commands += billed - commands;
    meter.largest = Math.max(meter.largest ?? 0, billed);
  };
}
