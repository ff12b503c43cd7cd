/**
 * Returns the time, in milliseconds since 1970. A clock with its own `sleep` also decides how waiting works, which lets
 * tests move it by hand. Without one, the timers of the platform are used.
 */
export interface Clock {
  (): number;
  /** Resolves after `ms`, or as soon as `signal` is aborted. Never rejects. */
  sleep?(ms: number, signal?: AbortSignal): Promise<void>;
}

/** How far apart the clocks of two invocations may be without harm. Beyond that, one of them counts as wrong. */
export const CLOCKS_APART_MS = 5 * 60_000;

/** A clock with an `alarm` of its own, for the start of a Worker, which has neither timers nor signals. */
export interface RingingClock extends Clock {
  alarm?(ms: number, ring: () => void): () => void;
}

/** The system's time. Looked up at each call, so that tests can replace `Date.now`. */
export const systemClock: Clock = () => Date.now();

/** The same clock in whole ms: `performance.now()` gives fractions, which a score cannot hold. */
export function wholeClock(clock: Clock): Clock {
  return clock === systemClock ? clock : waitingAs(clock, () => Math.floor(clock()));
}

/** The same clock for one piece of work. Set back, it stays at its last reading: limits keep their lengths. */
export function steadyClock(clock: Clock): Clock {
  let latest = Number.NEGATIVE_INFINITY;
  let setBackMs = 0;
  return waitingAs(clock, () => {
    const now = clock() + setBackMs;
    setBackMs += Math.max(0, latest - now);
    latest = Math.max(latest, now);
    return latest;
  });
}

function waitingAs(clock: RingingClock, reading: () => number): Clock {
  const result: RingingClock = reading;
  if (clock.sleep) result.sleep = (ms, signal) => sleep(clock, ms, signal);
  if (clock.alarm) result.alarm = clock.alarm;
  return result;
}

/** Calls `ring` once after `ms`, unless it is cancelled. Cheaper than `sleep` with a signal if most are cancelled. */
export function alarm(clock: RingingClock, ms: number, ring: () => void): () => void {
  if (clock.alarm) return clock.alarm(ms, ring);
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

/** Waits on the given clock: resolves after `ms`, or at once when `signal` is aborted. Never rejects. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  // Timers with a signal reject when it is aborted: then `sleepOnTimer` resolves at once.
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
