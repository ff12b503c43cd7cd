/** The slots of one drain: how many jobs it may run at the same time. Several drains may share slots. */
export interface DrainSlots {
  /** How many it may have now, including those that it has taken. */
  readonly most: number;
  take(): void;
  give(): void;
  /** Begins to share. `wants` says whether the drain could use a slot now; `wake` is called when it can have one. */
  join(drain: { readonly wants: () => boolean; readonly wake: () => void }): void;
  /** Wakes the other drains if a slot has come free for them. */
  changed(): void;
  leave(): void;
}

export function ownSlots(most: number): DrainSlots {
  const nothing = () => {};
  return { most, take: nothing, give: nothing, join: nothing, changed: nothing, leave: nothing };
}

/** The slots of a worker. Its queues share them in their order: a later one gets none that an earlier one could use. */
export class SharedSlots {
  readonly shares = new Set<Share>();
  taken = 0;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** The slots as one drain sees them. @param rank of its queue: 0 is the first. */
  for(rank: number): DrainSlots {
    return new Share(this, rank);
  }

  freeFor(rank: number): number {
    const free = this.#most - this.taken;
    if (free <= 0) return 0;
    for (const share of this.shares) if (share.rank < rank && share.wants()) return 0;
    return free;
  }

  wake(): void {
    for (const share of this.shares) share.wakeIfFreed();
  }
}

class Share implements DrainSlots {
  readonly rank: number;
  readonly #all: SharedSlots;
  #taken = 0;
  #hadFree = true;
  #drain: Parameters<DrainSlots["join"]>[0] = { wants: () => false, wake: () => {} };

  constructor(all: SharedSlots, rank: number) {
    this.#all = all;
    this.rank = rank;
  }

  get most(): number {
    return this.#taken + this.#free;
  }

  get #free(): number {
    const free = this.#all.freeFor(this.rank);
    this.#hadFree = free > 0;
    return free;
  }

  take(): void {
    this.#taken++;
    this.#all.taken++;
  }

  give(): void {
    this.#taken--;
    this.#all.taken--;
    this.#all.wake();
  }

  join(drain: Parameters<DrainSlots["join"]>[0]): void {
    this.#drain = drain;
    this.#all.shares.add(this);
  }

  changed(): void {
    this.#all.wake();
  }

  leave(): void {
    this.#all.shares.delete(this);
    this.#all.wake();
  }

  wants(): boolean {
    return this.#drain.wants();
  }

  wakeIfFreed(): void {
    if (!this.#hadFree && this.#free > 0) this.#drain.wake();
  }
}
