import { TidegateError } from "../shared/errors.ts";

/** HTTP round trips, and the commands that Upstash bills for them. A memory store bills none. */
export interface Cost {
  readonly roundTrips: number;
  readonly commands: number;
}

/** What calls cost. */
export interface Meter {
  /** HTTP round trips so far, resends included: each from when it is sent. */
  roundTrips: number;
  /**
   * Billed commands so far. Where a store knows how many a request is billed at most, it counts those from when the request is
   * sent, and puts it right by the answer: of what an answer that was lost has cost nobody knows more.
   */
  commands: number;
  /** Whether there is room for this beside what has been counted. A store asks before each request. Default: there always is. */
  allows?(cost: Cost): boolean;
}

export const noCost: Cost = { roundTrips: 0, commands: 0 };

/** No room is left for a request in the budget of its drain. It was not sent. */
export class OutOfBudgetError extends TidegateError {
  constructor() {
    super(
      "conflict",
      "The budget of the drain leaves no room for this request, so it was not sent. Raise budget.roundTrips or budget.commands.",
    );
  }
}

/**
 * Counts a request that is sent now, at the most that it can be billed: where its answer is lost, nobody knows more.
 *
 * @returns takes what it was billed, once it is answered.
 * @throws {OutOfBudgetError} where the meter does not allow it.
 */
export function countRequest(meter: Meter | undefined, mostCommands: number): (billed: number) => void {
  if (meter?.allows?.({ roundTrips: 1, commands: mostCommands }) === false) throw new OutOfBudgetError();
  if (!meter) return () => {};
  meter.roundTrips++;
  meter.commands += mostCommands;
  return (billed) => {
    meter.commands += billed - mostCommands;
  };
}
