/**
 * Tells the time, in milliseconds since 1970. One with a `sleep` of its own also decides how waiting works, which is how
 * tests move it by hand; one without is paired with the platform's timers.
 */
export interface Clock {
  (): number;
  /** Resolves after `ms`, or as soon as `signal` is aborted. Never rejects. */
  sleep?(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Wall time, read anew at each call. */
export const systemClock: Clock = () => Date.now();

/** The same clock, read in whole milliseconds: scores hold no fractions, which `performance.now()` for one gives. */
export function wholeClock(clock: Clock): Clock {
  const whole: Clock = () => Math.floor(clock());
  if (clock.sleep) whole.sleep = (ms, signal) => sleep(clock, ms, signal);
  return whole;
}

/**
 * The same clock for one stretch of work, which goes on from its last reading where the clock is set back: limits and leases that
 * were reckoned from it keep their lengths.
 */
export function steadyClock(clock: Clock): Clock {
  let latest = Number.NEGATIVE_INFINITY;
  let setBackMs = 0;
  const steady: Clock = () => {
    const now = clock() + setBackMs;
    setBackMs += Math.max(0, latest - now);
    latest = Math.max(latest, now);
    return latest;
  };
  if (clock.sleep) steady.sleep = (ms, signal) => sleep(clock, ms, signal);
  return steady;
}

/**
 * Calls `ring` once after `ms` on the clock given, unless it is called off by the function returned. Cheaper than `sleep` with
 * a signal where most are called off, as the timeouts of jobs are.
 */
export function alarm(clock: Clock, ms: number, ring: () => void): () => void {
  if (clock.sleep) {
    const off = new AbortController();
    void sleep(clock, ms, off.signal).then(() => off.signal.aborted || ring());
    return () => off.abort();
  }
  return startTimer(ms, ring);
}

// Longer timers overflow to 1 ms on Node and in browsers.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Starts a timer of any length. @returns a function that stops it. */
function startTimer(ms: number, ring: () => void): () => void {
  const next = Math.min(Math.max(ms, 0), LONGEST_TIMER_MS);
  let stop = () => clearTimeout(timer);
  const timer = setTimeout(() => {
    if (ms > next) stop = startTimer(ms - next, ring);
    else ring();
  }, next);
  return () => stop();
}

/** Waits on the clock given: resolves after `ms`, or at once when `signal` is aborted. Never rejects. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  // Timers with a signal reject when it is aborted, and then there is no time left to wait.
  if (clock.sleep) return clock.sleep(ms, signal).catch(() => sleepOnTimer(ms, signal));
  return sleepOnTimer(ms, signal);
}

function sleepOnTimer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      stop();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const stop = startTimer(ms, finish);
    signal?.addEventListener("abort", finish);
  });
}
