/** How long to leave an unreachable part alone, by the clock of the callers, in ms. */
const LEFT_ALONE_MS = 30_000;

/** The parts and stores that did not reply last time. Plain data, so that requests may share it. */
export class UnreachableParts {
  readonly #stores: number;
  /** When to try each unreachable part again; undefined until a caller names a time. */
  readonly #askAt = new Map<number, number | undefined>();
  /** Until when new jobs avoid a store. */
  readonly #avoidedUntil = new Map<number, number>();
  /** The latest time from a caller. */
  #now: number | undefined;

  /** @param stores how many stores there are: a part is in the store whose number is the part's, modulo this. */
  constructor(stores: number) {
    this.#stores = stores;
  }

  /** Whether a part is unreachable. Nothing is claimed from it until it replies. */
  has(part: number): boolean {
    return this.#askAt.has(part);
  }

  /** Whether new jobs should go to another part, if they can. */
  isAvoided(part: number): boolean {
    const now = this.#now ?? 0;
    const askAt = this.#askAt.has(part) ? (this.#askAt.get(part) ?? Number.POSITIVE_INFINITY) : 0;
    return now < askAt || now < (this.#avoidedUntil.get(part % this.#stores) ?? 0);
  }

  /** The unreachable parts that it is time to try again. It postpones the next try. */
  toAsk(now: number): readonly number[] {
    this.#now = now;
    const due = [...this.#askAt].filter(([, at = 0]) => at <= now);
    for (const [part] of due) this.add(part);
    return due.flatMap(([part, at]) => (at === undefined ? [] : part));
  }

  /** @param now default: the latest time from a caller. */
  add(part: number, now = this.#now): void {
    this.#now = now;
    this.#askAt.set(part, now === undefined ? undefined : now + LEFT_ALONE_MS);
  }

  delete(part: number): void {
    this.#askAt.delete(part);
  }

  /** Records whether a part took new jobs. A full store refuses them, but jobs are still claimed from it. */
  noteEnqueue(part: number, now: number, isTaken: boolean): void {
    this.#now = now;
    if (isTaken) this.#avoidedUntil.delete(part % this.#stores);
    else this.#avoidedUntil.set(part % this.#stores, now + LEFT_ALONE_MS);
  }
}
