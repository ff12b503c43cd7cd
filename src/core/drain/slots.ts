/** How many jobs one drain may run at the same time, where other drains may need the same slots. */
export interface DrainSlots {
  /** How many it may have now, those that it has included. */
  readonly most: number;
  take(): void;
  give(): void;
  /** Begins to share: `wants` says whether the drain could use a slot now, and `ring` is called when one has become free for it. */
  join(drain: { readonly wants: () => boolean; readonly ring: () => void }): void;
  /** Has the others see to it that nothing is left free which they want. */
  changed(): void;
  leave(): void;
}

/** Slots of a drain that shares them with none. */
export function ownSlots(most: number): DrainSlots {
  const nothing = () => {};
  return { most, take: nothing, give: nothing, join: nothing, changed: nothing, leave: nothing };
}

/**
 * The slots of a worker. The drains of several queues share them, in the order of the queues: while an earlier one could use a
 * slot, the later ones get none.
 */
export class SharedSlots {
  readonly #most: number;
  readonly #shares = new Set<Share>();
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The slots as one drain sees them. @param rank of its queue: 0 is the first. */
  for(rank: number): DrainSlots {
    return new Share(this, rank);
  }

  add(share: Share): void {
    this.#shares.add(share);
  }

  remove(share: Share): void {
    this.#shares.delete(share);
    this.ring();
  }

  count(difference: 1 | -1): void {
    this.#taken += difference;
    if (difference < 0) this.ring();
  }

  /** How many are free for a drain of this rank. */
  freeFor(rank: number): number {
    const free = this.#most - this.#taken;
    if (free <= 0) return 0;
    for (const share of this.#shares) if (share.rank < rank && share.wants()) return 0;
    return free;
  }

  /** Wakes the drains for which a slot has become free since they were asked last. */
  ring(): void {
    for (const share of this.#shares) share.ringIfFreed();
  }
}

class Share implements DrainSlots {
  readonly rank: number;
  readonly #all: SharedSlots;
  #taken = 0;
  #hadFree = true;
  #drain: Parameters<DrainSlots["join"]>[0] = { wants: () => false, ring: () => {} };

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
    this.#all.count(1);
  }

  give(): void {
    this.#taken--;
    this.#all.count(-1);
  }

  join(drain: Parameters<DrainSlots["join"]>[0]): void {
    this.#drain = drain;
    this.#all.add(this);
  }

  changed(): void {
    this.#all.ring();
  }

  leave(): void {
    this.#all.remove(this);
  }

  wants(): boolean {
    return this.#drain.wants();
  }

  ringIfFreed(): void {
    if (!this.#hadFree && this.#free > 0) this.#drain.ring();
  }
}
