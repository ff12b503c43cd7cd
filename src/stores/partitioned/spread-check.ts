import type { Layout, QueueStore, Spread } from "../../core/store/store.ts";
import { wrongPartitions } from "../wrong-partitions.ts";

/** The checks of one turn of the event loop. */
interface Round {
  readonly asked: Map<number, Promise<Layout>>;
  begun: Promise<void> | undefined;
}

/**
 * Checks that a queue is opened as it is stored, before the first call of a process to each of its stores. Each store
 * is checked alone, so that an unreachable one does not block the others. Only a new queue needs all of them: it is
 * created in all of its stores, or in none.
 */
export class SpreadCheck {
  readonly #queue: string;
  readonly #wholes: readonly QueueStore[];
  readonly #partitions: number;
  readonly #checked: Set<number>;
  /** How many stores there are. */
  readonly stores: number;
  #round: Round | undefined;

  /** @param wholes the queue in each store. @param checked the numbers of checked stores, which grow. */
  constructor(queue: string, wholes: readonly QueueStore[], partitions: number, checked: Set<number>) {
    this.#queue = queue;
    this.#wholes = wholes;
    this.#partitions = partitions;
    this.#checked = checked;
    this.stores = wholes.length;
  }

  /** Checks one store, once. @throws {TidegateError} `invalid_request`, or why a store is unreachable. */
  check(store: number): Promise<void> | undefined {
    return this.#checked.has(store) ? undefined : this.#check(store, this.#roundOfTurn());
  }

  /** Checks an emptied store again before its next call. The check also stores again how the queue is spread. */
  checkAgain(store: number): void {
    this.#checked.delete(store);
  }

  /** Calls of one turn share a check of each store. On Workers, no other request may await its promise. */
  #roundOfTurn(): Round {
    if (this.#round) return this.#round;
    const round: Round = { asked: new Map(), begun: undefined };
    this.#round = round;
    void Promise.resolve().then(() => {
      this.#round = undefined;
    });
    return round;
  }

  async #check(store: number, round: Round): Promise<void> {
    const isThere = this.#accept(store, await this.#ask(store, round));
    if (isThere) return;
    round.begun ??= this.#begin(round);
    await round.begun;
  }

  async #begin(round: Round): Promise<void> {
    const stores = [...this.#wholes.keys()];
    const layouts = await Promise.all(stores.map((store) => this.#ask(store, round)));
    const missing = stores.filter((store) => !this.#accept(store, layouts[store] as Layout));
    await Promise.all(
      missing.map(async (store) => this.#accept(store, await this.#whole(store).partitions(this.#spread(store)))),
    );
  }

  /** A single store creates the queue at once. */
  #ask(store: number, { asked }: Round): Promise<Layout> {
    const asking =
      asked.get(store) ?? this.#whole(store).partitions(this.#wholes.length === 1 ? this.#spread(store) : undefined);
    asked.set(store, asking);
    return asking;
  }

  /** Whether a store has its part of the queue, rather than nothing. @throws {TidegateError} `invalid_request` */
  #accept(store: number, layout: Layout): boolean {
    if (layout === "nothing") return false;
    const opened = this.#spread(store);
    if (layout === "whole" || !isSame(layout, opened)) throw wrongPartitions(this.#queue, layout, opened);
    this.#checked.add(store);
    return true;
  }

  #spread(store: number): Spread {
    return { partitions: this.#partitions, stores: this.#wholes.length, store };
  }

  #whole(store: number): QueueStore {
    return this.#wholes[store] as QueueStore;
  }
}

function isSame(one: Spread, other: Spread): boolean {
  return one.partitions === other.partitions && one.stores === other.stores && one.store === other.store;
}
