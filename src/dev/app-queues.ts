import { Queue } from "../core/queue/queue.ts";
import type { QueueStore, Store } from "../core/store/store.ts";
import { partitioned } from "../stores/partitioned/partitioned.ts";
import { redisStore } from "../stores/redis-tcp/index.ts";
import type { RedisLink } from "./redis-link.ts";

interface Watched {
  readonly queue: Queue;
  readonly store: QueueStore;
}

const NEVER = Number.POSITIVE_INFINITY;

/** The share of the time that looking for new queues may take in a large Redis. */
const MOST_SHARE = 0.02;

/** The queues that an app keeps under a prefix, as their keys show them. */
export class AppQueues {
  readonly #redis: RedisLink;
  readonly #prefix: string;
  readonly #store: Store;
  readonly #hidden: string;
  readonly #watched = new Map<string, Watched>();
  #queues: readonly Queue[] = [];
  #scanAt = Number.NEGATIVE_INFINITY;

  /** @param hidden the name of a queue that is not the app's. */
  constructor(redis: RedisLink, prefix: string, hidden: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#store = redisStore(redis, { prefix });
    this.#hidden = hidden;
  }

  /**
   * The queues that were found so far: another array when that changes. They can be read and changed; their jobs are
   * the app's.
   */
  get queues(): readonly Queue[] {
    return this.#queues;
  }

  /**
   * Finds queues that are new, and peeks at all: one command a queue and partition.
   *
   * @returns when something is due next in each queue, in ms since 1970: in the past if there is a backlog, infinite if
   *   nothing is.
   */
  async look(now: number): Promise<readonly number[]> {
    await this.find();
    return Promise.all([...this.#watched].map(([name, { store }]) => this.#peek(name, store, now)));
  }

  async #peek(name: string, store: QueueStore, now: number): Promise<number> {
    try {
      const { paused, nextAt } = await store.peek(now);
      return paused ? NEVER : (nextAt ?? NEVER);
    } catch {
      // The app may keep it in another way since, such as in partitions. It is found again, as it is then.
      this.#watched.delete(name);
      this.#list();
      this.#scanAt = Number.NEGATIVE_INFINITY;
      return NEVER;
    }
  }

  /** Finds queues that are new. */
  async find(): Promise<void> {
    const startedAt = performance.now();
    if (startedAt < this.#scanAt) return;
    for (const name of await this.#names()) if (!this.#watched.has(name)) await this.#add(name);
    const endedAt = performance.now();
    this.#scanAt = endedAt + (endedAt - startedAt) / MOST_SHARE;
  }

  async #names(): Promise<ReadonlySet<string>> {
    const names = new Set<string>();
    const match = `${this.#prefix}:{*}:due`;
    let cursor: unknown = "0";
    do {
      const reply = await this.#redis.sendCommand(["SCAN", String(cursor), "MATCH", match, "COUNT", "1000"]);
      const [next, keys] = reply as [string, string[]];
      for (const key of keys) {
        // A slash begins the number of a partition. The queue has a key of its own beside them.
        const name = /^\{([^{}/]+)\}:due$/.exec(key.slice(this.#prefix.length + 1))?.[1];
        if (name !== undefined && name !== this.#hidden) names.add(name);
      }
      cursor = next;
    } while (cursor !== "0");
    return names;
  }

  async #add(name: string): Promise<void> {
    const layout = await this.#store.open(name).partitions();
    const { partitions, stores } = typeof layout === "object" ? layout : { partitions: 1, stores: 1 };
    // The rest of it is elsewhere.
    if (stores > 1) return;
    const store = partitioned(this.#store, partitions);
    this.#watched.set(name, { queue: new Queue({ name, store, jobs: [] }), store: store.open(name) });
    this.#list();
  }

  #list(): void {
    this.#queues = [...this.#watched.values()].map(({ queue }) => queue);
  }
}
