import { type Cost, type Meter, noCost } from "../store/meter.ts";

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
