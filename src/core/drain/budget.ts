import { type Cost, type Meter, noCost } from "../store/meter.ts";

/**
 * What one drain may spend. Every request that it causes counts here: exchanges, resends, and what handlers send through `extend`
 * and `progress`. A request for which there is no room is not sent. What it takes to settle the jobs in hand is set aside.
 */
export class DrainBudget implements Meter {
  roundTrips = 0;
  commands = 0;
  readonly #limit: Cost;
  #setAside: () => Cost = () => noCost;
  readonly #held = new Set<Cost>();
  #isClosed = false;

  constructor(limit: Cost) {
    this.#limit = limit;
  }

  /** From now on sets aside what `cost` gives, which is asked anew for each request. */
  setAside(cost: () => Cost): void {
    this.#setAside = cost;
  }

  /** From now on nothing is sent any more. */
  close(): void {
    this.#isClosed = true;
  }

  allows(cost: Cost): boolean {
    return !this.#isClosed && this.affords(cost, this.#setAside());
  }

  hold(cost: Cost): () => void {
    const held = { ...cost };
    this.#held.add(held);
    return () => void this.#held.delete(held);
  }

  /** Whether this can be spent, and then that. */
  affords(cost: Cost, then: Cost = noCost): boolean {
    const all = [this, ...this.#held, cost, then];
    const sum = (part: keyof Cost) => all.reduce((total, each) => total + each[part], 0);
    return sum("roundTrips") <= this.#limit.roundTrips && sum("commands") <= this.#limit.commands;
  }
}

/** The largest count, up to `wanted`, that is possible. If a count is possible, so is every smaller one. */
export function mostOf(wanted: number, isPossible: (count: number) => boolean): number {
  if (wanted <= 0 || isPossible(wanted)) return Math.max(0, wanted);
  let [least, beyond] = [0, wanted];
  while (beyond - least > 1) {
    const middle = Math.floor((least + beyond) / 2);
    if (isPossible(middle)) least = middle;
    else beyond = middle;
  }
  return least;
}
