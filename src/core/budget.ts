import { TidegateError } from "./errors.ts";
import type { Cost, Meter } from "./store.ts";

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

/**
 * What one drain may spend. Every request that it causes is counted here, and none is sent for which there is no room: resends, and
 * what handlers send through `extend` and `progress`, among them. What it takes to settle the jobs in hand is set aside.
 */
export class DrainBudget implements Meter {
  roundTrips = 0;
  commands = 0;
  readonly #limit: Cost;
  #setAside: () => Cost = () => noCost;
  #isClosed = false;

  constructor(limit: Cost) {
    this.#limit = limit;
  }

  /** Asks `setAside`, from now on, how much must stay for the jobs in hand that no exchange under way settles. */
  keep(setAside: () => Cost): void {
    this.#setAside = setAside;
  }

  /** From now on nothing is sent any more. */
  close(): void {
    this.#isClosed = true;
  }

  allows(cost: Cost): boolean {
    return !this.#isClosed && this.affords(cost, this.#setAside());
  }

  /** Whether this can be spent, and then that. */
  affords(cost: Cost, then: Cost = noCost): boolean {
    return (
      this.roundTrips + cost.roundTrips + then.roundTrips <= this.#limit.roundTrips &&
      this.commands + cost.commands + then.commands <= this.#limit.commands
    );
  }
}

/** The most of so many that can be had, where fewer can always be had too. */
export function mostOf(wanted: number, canBeHad: (count: number) => boolean): number {
  if (wanted <= 0 || canBeHad(wanted)) return Math.max(0, wanted);
  let [least, beyond] = [0, wanted];
  while (beyond - least > 1) {
    const middle = Math.floor((least + beyond) / 2);
    if (canBeHad(middle)) least = middle;
    else beyond = middle;
  }
  return least;
}
