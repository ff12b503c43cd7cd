import { Queue } from "../core/queue/queue.ts";
import type { Store } from "../core/store/store.ts";
import { redisStore } from "../stores/redis-tcp/index.ts";
import { type Ended, EndedAttempts } from "./ended-attempts.ts";
import type { RedisLink } from "./redis-link.ts";

export interface Scope {
  /** What they begin with. Undefined: all queues of the Redis are the app's. */
  readonly prefix: string | undefined;
  /** The name of a queue that is not the app's. */
  readonly hidden: string;
}

export interface Looked {
  /** What its prefix is and what its name is, if the prefix is not the usual one: "shop:default". */
  readonly name: string;
  /** When something is due next, in ms since 1970: in the past if there is a backlog, infinite if nothing is. */
  readonly nextAt: number;
  readonly isRunning: boolean;
  readonly ended: number;
}

interface Watched {
  readonly queue: Queue;
  readonly attempts: EndedAttempts;
}

export const USUAL_PREFIX = "tidegate";

/** The share of the time that looking for new queues may take in a large Redis. */
const MOST_SHARE = 0.1;

/** The queues that an app keeps in a Redis, as their keys show them. */
export class AppQueues {
  readonly #redis: RedisLink;
  readonly #scope: Scope;
  readonly #onEnded: (ended: Ended) => void;
  readonly #watched = new Map<string, Watched>();
  #queues: readonly Queue[] = [];
  #scanAt = Number.NEGATIVE_INFINITY;
  #finding: Promise<void> | undefined;
  readonly #startedAt: number;
  #isFirstLook = true;

  /** @param onEnded gets what has ended since `startedAt`. */
  constructor(redis: RedisLink, scope: Scope, onEnded: (ended: Ended) => void, startedAt: number) {
    this.#redis = redis;
    this.#scope = scope;
    this.#onEnded = onEnded;
    this.#startedAt = startedAt;
  }

  /** Those found so far: another array when that changes. */
  get queues(): readonly Queue[] {
    return this.#queues;
  }

  async look(now: number): Promise<readonly Looked[]> {
    await this.find();
    const looked = await Promise.all([...this.#watched.values()].map((watched) => this.#lookAt(watched, now)));
    this.#isFirstLook = false;
    return looked.flat();
  }

  async #lookAt({ queue, attempts }: Watched, now: number): Promise<readonly Looked[]> {
    try {
      const ended = await attempts.read(now);
      // The first look may fail: the one after it finds what has ended since the start, and all that ended before.
      this.#onEnded(this.#isFirstLook ? this.#sinceStart(ended) : ended);
      const { stats } = ended;
      const nextAt = stats.paused ? Number.POSITIVE_INFINITY : (stats.nextAt ?? Number.POSITIVE_INFINITY);
      return [{ name: queue.name, nextAt, isRunning: stats.running > 0, ended: attempts.count }];
    } catch {
      return [];
    }
  }

  #sinceStart({ attempts, stats }: Ended): Ended {
    return { attempts: attempts.filter(({ endedAt }) => endedAt.getTime() >= this.#startedAt), stats, others: 0 };
  }

  find(): Promise<void> {
    this.#finding ??= this.#find().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  async #find(): Promise<void> {
    const startedAt = performance.now();
    if (startedAt < this.#scanAt) return;
    for (const [key, place] of await this.#places()) if (!this.#watched.has(key)) this.#add(key, place);
    const endedAt = performance.now();
    this.#scanAt = endedAt + (endedAt - startedAt) / MOST_SHARE;
  }

  /** The prefix and the name of each queue, by the two as the keys have them. */
  async #places(): Promise<ReadonlyMap<string, readonly [prefix: string, name: string]>> {
    const places = new Map<string, readonly [string, string]>();
    const { prefix: wanted, hidden } = this.#scope;
    const matching = ["MATCH", `${wanted ?? "*"}:{*}:due`, "COUNT", "1000", "TYPE", "zset"];
    let cursor: unknown = "0";
    do {
      const [next, keys] = (await this.#redis.sendCommand(["SCAN", String(cursor), ...matching])) as [string, string[]];
      for (const key of keys) {
        const [, prefix = "", name = hidden] = /^(.+):\{([^{}/]+)\}:due$/.exec(key) ?? [];
        if (name !== hidden && prefix === (wanted ?? prefix)) places.set(key, [prefix, name]);
      }
      cursor = next;
    } while (cursor !== "0");
    return places;
  }

  #add(key: string, [prefix, name]: readonly [string, string]): void {
    const opened = redisStore(this.#redis, { prefix });
    // Two prefixes may have queues of the same name.
    const shown = prefix === (this.#scope.prefix ?? USUAL_PREFIX) ? name : `${prefix}:${name}`;
    const store: Store = { open: (_, ...rest) => opened.open(name, ...rest) };
    const queue = new Queue({ name: shown, store, jobs: [] });
    this.#watched.set(key, { queue, attempts: new EndedAttempts(opened.open(name)) });
    this.#queues = [...this.#queues, queue];
  }
}
