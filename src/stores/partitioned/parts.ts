import type { Cost, Meter } from "../../core/store/meter.ts";
import type { LocalFacts, PeekReply, QueueStore } from "../../core/store/store.ts";
import { PartitionedFacts, partitionOf } from "./facts.ts";
import { Outlooks } from "./outlooks.ts";
import type { SpreadCheck } from "./spread-check.ts";
import { UnreachableParts } from "./unreachable-parts.ts";

/** What this process knows of a queue. Plain data, so that requests may share it. */
export interface Known {
  readonly checked: Set<number>;
  readonly unreachable: UnreachableParts;
  /** As in `Outlooks`. */
  readonly enqueued: Map<number, number>;
}

export function nothingKnown(stores: number): Known {
  return { checked: new Set(), unreachable: new UnreachableParts(stores), enqueued: new Map() };
}

/** The parts of a queue, by their numbers, and what this process knows of them. */
export class Parts {
  readonly all: readonly QueueStore[];
  readonly local: LocalFacts;
  readonly outlooks: Outlooks;
  readonly meter: Meter | undefined;
  readonly #spread: SpreadCheck;

  constructor(
    all: readonly QueueStore[],
    spread: SpreadCheck,
    { unreachable, enqueued }: Known,
    meter: Meter | undefined,
  ) {
    this.all = all;
    this.meter = meter;
    this.#spread = spread;
    this.outlooks = new Outlooks(all.length, unreachable, enqueued);
    const facts = all.slice(0, spread.stores).map(({ local }) => local);
    this.local = new PartitionedFacts(facts, all.length, unreachable);
  }

  get stores(): number {
    return this.#spread.stores;
  }

  at(part: number): QueueStore {
    return this.all[part] as QueueStore;
  }

  of(id: string): number {
    return partitionOf(id, this.all.length);
  }

  /** Checks the store of an emptied part again: the text that spreads the queue is gone too. */
  checkIfEmptied(part: number, { isEmptied = false }: Pick<PeekReply, "isEmptied">): void {
    if (isEmptied) this.#spread.checkAgain(part % this.stores);
  }

  /** Keeps room in the budget for several parts. Returns what gives it back, by part. */
  holdRoom(parts: Iterable<number>, mostOf: (part: number) => Cost): ReadonlyMap<number, (() => void) | undefined> {
    return new Map([...parts].map((part) => [part, this.meter?.hold?.(mostOf(part))]));
  }

  group<Item>(items: readonly Item[], partOf: (item: Item) => number): ReadonlyMap<number, readonly Item[]> {
    const groups = new Map<number, Item[]>();
    for (const item of items) {
      const part = partOf(item);
      const group = groups.get(part) ?? [];
      groups.set(part, group);
      group.push(item);
    }
    return groups;
  }

  /** Sends each item to its part, and returns the replies in the order of the items. */
  async each<Item, Reply>(
    items: readonly Item[],
    partOf: (item: Item) => number,
    ask: (part: number, items: readonly Item[]) => Promise<readonly Reply[]>,
  ): Promise<readonly Reply[]> {
    const asked = [...this.group(items, partOf)].map(
      async ([part, some]) => [part, (await ask(part, some)).values()] as const,
    );
    const replies = new Map(await Promise.all(asked));
    return items.map((item) => replies.get(partOf(item))?.next().value as Reply);
  }
}
