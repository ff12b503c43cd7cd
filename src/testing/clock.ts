import type { Clock } from "../core/shared/clock.ts";
import { type Duration, durationMs, type PointInTime, pointInTimeMs } from "../core/shared/duration.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import type { Store } from "../core/store/store.ts";
import { wrapStore } from "./wrap-store.ts";

/** A clock that stands still until a test moves it. `new Queue({ clock })` takes it. */
export interface TestClock extends Clock {
  /** What the clock shows, in ms since 1970: the same that calling it gives. */
  readonly now: number;
  /** When the code that sleeps on this clock wakes next, in ms since 1970; undefined where none sleeps. */
  readonly nextWakeAt: number | undefined;
  /**
   * Resolves once the clock has been moved on so far, or `signal` is aborted. Never rejects.
   *
   * @param by a duration such as "90s", or ms; 0 and less end without the clock.
   * @throws {TidegateError} `invalid_request`, at once, for a text that is no duration.
   */
  sleep(by: Duration, signal?: AbortSignal): Promise<void>;
  /**
   * Moves the clock on. On its way it stops whenever code that sleeps on it is to wake, and goes on when that code sleeps
   * again or has ended: what happens is what happens in real time.
   *
   * @param by a duration such as "90s", or ms.
   * @throws {TidegateError} `invalid_request` while the clock is being moved already: await each move.
   */
  advance(by: Duration): Promise<void>;
  /** Moves the clock on to a point in time as `advance` does, or back to one, where it wakes nobody. @throws as `advance` */
  set(to: PointInTime): Promise<void>;
  /**
   * Stops moves of the clock while `work` is under way, and gives what it gives. Needed for work that the clock cannot see:
   * requests to a real server, files. A job that is not held times out when the clock moves on without it.
   */
  hold<Result>(work: Promise<Result>): Promise<Result>;
  /** A store whose calls hold the clock. Needed for stores that are reached over a network; `memoryStore` does without. */
  watch(store: Store): Store;
}

/** Where a test clock stands unless told otherwise. */
const START = "2026-01-01T00:00:00Z";

/**
 * Makes a clock for tests: delays, retries, schedules and timeouts play out without waiting.
 *
 * ```ts
 * const clock = testClock("2026-03-01T12:00:00Z");
 * const queue = new Queue({ store: memoryStore(), jobs: [remind], clock });
 * await queue.enqueue(remind, { user: 7 }, { delay: "1d" });
 * await clock.advance("1d");
 * await queue.drain();
 * ```
 *
 * @param start where it stands at first. Default: the start of 2026, UTC.
 * @throws {TidegateError} `invalid_request` where `start` is no point in time.
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

// Taken at once: a test framework may replace the global one by a fake that never fires.
const { setTimeout } = globalThis;

/** Lets everything run that can run by now, input and output included. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** How many turns in a row must be quiet before the clock moves on: code may hash or read something between two sleeps. */
const QUIET_TURNS = 3;
/** The same before the first step of a move: the code under test may just have been started. */
const QUIET_TURNS_AT_FIRST = 8;

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
}

class Face {
  now: number;
  /** In the order in which they wake. */
  readonly #sleepers: Sleeper[] = [];
  readonly #held = new Set<Promise<unknown>>();
  /** Counts sleeps and holds, so that a turn in which there was one can be told from a quiet one. */
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
    if (ms <= 0) return turn();
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
    if (this.#isMoving) throw invalidRequest("The test clock is being moved already. Await each advance and set.");
    this.#isMoving = true;
    try {
      await this.#quiet(QUIET_TURNS_AT_FIRST);
      for (let next = this.#sleepers[0]; next && next.wakeAt <= target; next = this.#sleepers[0]) {
        this.now = Math.max(this.now, next.wakeAt);
        next.wake();
        await this.#quiet(QUIET_TURNS);
      }
      this.now = target;
      await this.#quiet(QUIET_TURNS);
    } finally {
      this.#isMoving = false;
    }
  }

  /** Waits until nothing is held and nothing has stirred for some turns. */
  async #quiet(turns: number): Promise<void> {
    for (let quiet = 0; quiet < turns; ) {
      const before = this.#stirred;
      await turn();
      if (this.#held.size > 0) await Promise.allSettled(this.#held);
      quiet = this.#stirred === before && this.#held.size === 0 ? quiet + 1 : 0;
    }
  }
}
