import type { Clock } from "../core/shared/clock.ts";
import { type Duration, durationMs, type PointInTime, pointInTimeMs } from "../core/shared/duration.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import type { Store } from "../core/store/store.ts";
import { wrapStore } from "./wrap-store.ts";

/** A clock that stands still until your test moves it. Pass it to `new Queue({ clock })`. */
export interface TestClock extends Clock {
  /** The current time, in ms since 1970. Calling the clock returns the same. */
  readonly now: number;
  /** When the next sleeper wakes, in ms since 1970. Undefined if nothing sleeps. */
  readonly nextWakeAt: number | undefined;
  /**
   * Resolves once the clock has moved this far, or `signal` is aborted. Never rejects.
   *
   * @param by a duration such as "90s", or ms. With 0 or less it resolves without a move.
   * @throws {TidegateError} `invalid_request`, at once, if a text is not a duration.
   */
  sleep(by: Duration, signal?: AbortSignal): Promise<void>;
  /**
   * Moves the clock forward. On the way it stops to wake each sleeper, and continues when that sleeps again or has
   * ended. So things happen in the same order as in real time.
   *
   * @param by a duration such as "90s", or ms.
   * @throws {TidegateError} `invalid_request` while another move is under way: await each move.
   */
  advance(by: Duration): Promise<void>;
  /**
   * Moves the clock to a point in time: forward as `advance` does, or back, which wakes nothing.
   *
   * @throws as `advance`
   */
  set(to: PointInTime): Promise<void>;
  /**
   * Stops the clock while `work` is under way, and returns its result. Use it for work that the clock cannot see, such
   * as files or requests to a real server. Otherwise such a job times out when the clock moves on.
   */
  hold<Result>(work: Promise<Result>): Promise<Result>;
  /** A store whose calls stop the clock. Use it for stores over a network; `memoryStore` does not need it. */
  watch(store: Store): Store;
}

const START = "2026-01-01T00:00:00Z";

/**
 * Makes a clock for tests. Delays, retries, schedules and timeouts pass without waiting.
 *
 * ```ts
 * const clock = testClock("2026-03-01T12:00:00Z");
 * const queue = new Queue({ store: memoryStore(), jobs: [remind], clock });
 * await queue.enqueue(remind, { user: 7 }, { delay: "1d" });
 * await clock.advance("1d");
 * await queue.drain();
 * ```
 *
 * @param start the first time. Default: the start of 2026, UTC.
 * @throws {TidegateError} `invalid_request` if `start` is not a point in time.
 */
export function testClock(start: PointInTime = START): TestClock {
  const face = new Face(pointInTimeMs(start, "start"));
  const clock = Object.defineProperties(() => face.now, {
    now: { get: () => face.now, enumerable: true },
    nextWakeAt: { get: () => face.nextWakeAt, enumerable: true },
  }) as unknown as TestClock;
  return Object.assign(clock, {
    sleep: (by: Duration, signal?: AbortSignal) =>
      face.sleep(typeof by === "string" ? durationMs(by, "sleep") : by, signal),
    advance: async (by: Duration) => face.moveTo(face.now + durationMs(by, "advance")),
    set: async (to: PointInTime) => face.moveTo(pointInTimeMs(to, "set")),
    hold: <Result>(work: Promise<Result>) => face.hold(work),
    watch: (store: Store) => wrapStore(store, (_, run) => face.hold(run())),
  });
}

// Captured now: a test framework may replace the global one with a fake that never fires.
const { setTimeout } = globalThis;

/** How often code may hash, encrypt or sign between two sleeps. */
const HASHES = 3;

/**
 * Lets everything run that can run now, including input and output. Code that hashes waits for a thread. So does the
 * clock: on a busy machine, both wait longer.
 */
async function turn(): Promise<void> {
  for (let hash = 0; hash < HASHES; hash++) await crypto.subtle.digest("SHA-256", new Uint8Array());
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
}

/** How many quiet turns in a row a move begins with: the code under test may have just started. */
const QUIET_TURNS_AT_FIRST = 3;

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
}

class Face {
  now: number;
  /** In the order in which they wake. */
  readonly #sleepers: Sleeper[] = [];
  readonly #held = new Set<Promise<unknown>>();
  /** Counts sleeps and holds. A turn in which it does not change is quiet. */
  #stirred = 0;
  #isMoving = false;

  constructor(now: number) {
    this.now = now;
  }

  get nextWakeAt(): number | undefined {
    return this.#sleepers[0]?.wakeAt;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#stirred++;
    if (signal?.aborted) return Promise.resolve();
    // The clock waits for this turn, which may take longer than its own.
    if (ms <= 0) return this.hold(turn());
    return new Promise((resolve) => {
      const wake = () => {
        const index = this.#sleepers.indexOf(sleeper);
        if (index >= 0) this.#sleepers.splice(index, 1);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { wakeAt: this.now + ms, wake };
      const before = this.#sleepers.findIndex((other) => other.wakeAt > sleeper.wakeAt);
      this.#sleepers.splice(before < 0 ? this.#sleepers.length : before, 0, sleeper);
      signal?.addEventListener("abort", wake);
    });
  }

  async hold<Result>(work: Promise<Result>): Promise<Result> {
    this.#stirred++;
    this.#held.add(work);
    try {
      return await work;
    } finally {
      this.#stirred++;
      this.#held.delete(work);
    }
  }

  async moveTo(target: number): Promise<void> {
    if (this.#isMoving) throw invalidRequest("The test clock is already moving. Await each advance and set.");
    this.#isMoving = true;
    try {
      await this.#quiet(QUIET_TURNS_AT_FIRST);
      for (let next = this.#sleepers[0]; next && next.wakeAt <= target; next = this.#sleepers[0]) {
        this.now = Math.max(this.now, next.wakeAt);
        next.wake();
        await this.#quiet();
      }
      this.now = target;
      await this.#quiet();
    } finally {
      this.#isMoving = false;
    }
  }

  /** Waits for quiet turns, in which nothing sleeps or is held. */
  async #quiet(turns = 1): Promise<void> {
    for (let quiet = 0; quiet < turns; ) {
      const before = this.#stirred;
      await turn();
      if (this.#held.size > 0) await Promise.allSettled(this.#held);
      quiet = this.#stirred === before && this.#held.size === 0 ? quiet + 1 : 0;
    }
  }
}
