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
  /**
   * Billed commands so far. A store that knows the maximum of a request counts it when it sends the request, and
   * corrects it by the reply. If the reply is lost, the maximum stays counted.
   */
  commands: number;
  /** Whether the budget has room for this too. A store asks before each request. Default: always. */
  allows?(cost: Cost): boolean;
  /** Keeps room for requests that may follow, until its result is called. A store calls it in the turn of a request. */
  hold?(cost: Cost): () => void;
}

export const noCost: Cost = { roundTrips: 0, commands: 0 };

export function sumOf(one: Cost, other: Cost): Cost {
  return { roundTrips: one.roundTrips + other.roundTrips, commands: one.commands + other.commands };
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

/** Counts a request at its maximum. @returns what to call with the bill. @throws {OutOfBudgetError} if not allowed. */
export function countRequest(meter: Meter | undefined, mostCommands: number): (billed: number) => void {
  if (meter?.allows?.({ roundTrips: 1, commands: mostCommands }) === false) throw new OutOfBudgetError();
  if (!meter) return () => {};
  meter.roundTrips++;
  meter.commands += mostCommands;
  return (billed) => {
    meter.commands += billed - mostCommands;
  };
}
