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
  let now = pointInTimeMs(start, "start");
  /** In the order in which they wake. */
  const sleepers: { readonly wakeAt: number; readonly wake: () => void }[] = [];
  const held = new Set<Promise<unknown>>();
  /** Counts sleeps and holds. A turn in which it does not change is quiet. */
  let stirred = 0;
  let isMoving = false;

  const hold = async <Result>(work: Promise<Result>): Promise<Result> => {
    stirred++;
    held.add(work);
    try {
      return await work;
    } finally {
      stirred++;
      held.delete(work);
    }
  };

  const sleep = (by: Duration, signal?: AbortSignal): Promise<void> => {
    const ms = typeof by === "string" ? durationMs(by, "sleep") : by;
    stirred++;
    if (signal?.aborted) return Promise.resolve();
    // The clock waits for this turn, which may take longer than its own.
    if (ms <= 0) return hold(turn());
    return new Promise((resolve) => {
      const wake = () => {
        const index = sleepers.indexOf(sleeper);
        if (index >= 0) sleepers.splice(index, 1);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { wakeAt: now + ms, wake };
      const before = sleepers.findIndex((other) => other.wakeAt > sleeper.wakeAt);
      sleepers.splice(before < 0 ? sleepers.length : before, 0, sleeper);
      signal?.addEventListener("abort", wake);
    });
  };

  const quietTurns = async (turns = 1): Promise<void> => {
    for (let quiet = 0; quiet < turns; ) {
      const before = stirred;
      await turn();
      if (held.size > 0) await Promise.allSettled(held);
      quiet = stirred === before && held.size === 0 ? quiet + 1 : 0;
    }
  };

  const moveTo = async (target: number): Promise<void> => {
    if (isMoving) throw invalidRequest("The test clock is already moving. Await each advance and set.");
    isMoving = true;
    try {
      await quietTurns(QUIET_TURNS_AT_FIRST);
      for (let [next] = sleepers; next && next.wakeAt <= target; [next] = sleepers) {
        now = Math.max(now, next.wakeAt);
        next.wake();
        await quietTurns();
      }
      now = target;
      await quietTurns();
    } finally {
      isMoving = false;
    }
  };

  const clock = Object.defineProperties(() => now, {
    now: { get: () => now, enumerable: true },
    nextWakeAt: { get: () => sleepers[0]?.wakeAt, enumerable: true },
  }) as unknown as TestClock;
  return Object.assign(clock, {
    sleep,
    advance: async (by: Duration) => moveTo(now + durationMs(by, "advance")),
    set: async (to: PointInTime) => moveTo(pointInTimeMs(to, "set")),
    hold,
    watch: (store: Store) => wrapStore(store, (_, run) => hold(run())),
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
