import { type Cost, type Meter, noCost } from "../store/meter.ts";

/**
 * What one drain may spend. Every request of the drain counts here: exchanges, resends, and what handlers send through
 * `extend` and `progress`. The budget refuses a request that would leave too little to settle the jobs in hand.
 */
export class DrainBudget implements Meter {
  roundTrips = 0;
  commands = 0;
  #limit: Cost;
  #setAside: () => Cost = () => noCost;
  readonly #held = new Set<Cost>();
  #isClosed = false;

  constructor(limit: Cost) {
    this.#limit = limit;
  }

  /** Makes room for more commands: what jobs enqueue, and the signals that they wait for, do not count. */
  grant(commands: number): void {
    this.#limit = { ...this.#limit, commands: this.#limit.commands + commands };
  }

  /** Sets aside what `cost` returns. It is called for each request. */
  setAside(cost: () => Cost): void {
    this.#setAside = cost;
  }

  /** Refuses every request from now on. */
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

  /**
   * How far apart requests of this cost must be for the budget to last this long, in ms: 0 while half of it is left,
   * infinite if it has no room for one.
   */
  spacing(ms: number, cost: Cost): number {
    const { roundTrips, commands } = this.#with([this.#setAside()]);
    const left = { roundTrips: this.#limit.roundTrips - roundTrips, commands: this.#limit.commands - commands };
    const parts = ["roundTrips", "commands"] as const;
    if (parts.every((part) => 2 * left[part] >= this.#limit[part])) return 0;
    const requests = Math.min(...parts.map((part) => (cost[part] === 0 ? left.roundTrips : left[part] / cost[part])));
    return requests < 1 ? Number.POSITIVE_INFINITY : ms / requests;
  }

  /** What is spent or held, plus these costs. */
  #with(costs: readonly Cost[]): Cost {
    let { roundTrips, commands } = this as Cost;
    for (const more of [this.#held, costs])
      for (const cost of more) {
        roundTrips += cost.roundTrips;
        commands += cost.commands;
      }
    return { roundTrips, commands };
  }

  /** Whether the budget has room for all of these costs. */
  affords(...costs: readonly Cost[]): boolean {
    const { roundTrips, commands } = this.#with(costs);
    return roundTrips <= this.#limit.roundTrips && commands <= this.#limit.commands;
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
