/** How long to leave a part alone that gave no reply, by the clock of the callers, in ms. */
const LEFT_ALONE_MS = 30_000;

/** What gave no reply last time: parts of a queue, and stores. Plain data, so that requests may share it. */
export class UnreachableParts {
  readonly #stores: number;
  /** When each unreachable part is asked again; undefined until a caller names a time. */
  readonly #askAt = new Map<number, number | undefined>();
  /** Until when new jobs avoid a store. */
  readonly #avoidedUntil = new Map<number, number>();
  /** The time that a caller named last. */
  #now: number | undefined;

  /** @param stores how many there are: each part is in the store whose number is the part's, modulo this. */
  constructor(stores: number) {
    this.#stores = stores;
  }

  /** Whether nothing is claimed from a part, until it shows that it replies. */
  has(part: number): boolean {
    return this.#askAt.has(part);
  }

  /** Whether new jobs that may be in any part should go to another. */
  isAvoided(part: number): boolean {
    const now = this.#now ?? 0;
    const askAt = this.#askAt.has(part) ? (this.#askAt.get(part) ?? Number.POSITIVE_INFINITY) : 0;
    return now < askAt || now < (this.#avoidedUntil.get(part % this.#stores) ?? 0);
  }

  /** The unreachable parts that it is time to ask again. Postpones the next time. */
  toAsk(now: number): readonly number[] {
    this.#now = now;
    const due = [...this.#askAt].filter(([, at = 0]) => at <= now);
    for (const [part] of due) this.add(part);
    return due.flatMap(([part, at]) => (at === undefined ? [] : part));
  }

  /** @param now default: the time that a caller named last. */
  add(part: number, now = this.#now): void {
    this.#now = now;
    this.#askAt.set(part, now === undefined ? undefined : now + LEFT_ALONE_MS);
  }

  delete(part: number): void {
    this.#askAt.delete(part);
  }

  /** Records whether a part took new jobs. A store that is full refuses them, but still returns its jobs. */
  noteEnqueue(part: number, now: number, isTaken: boolean): void {
    this.#now = now;
    if (isTaken) this.#avoidedUntil.delete(part % this.#stores);
    else this.#avoidedUntil.set(part % this.#stores, now + LEFT_ALONE_MS);
  }
}
