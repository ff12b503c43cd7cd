import type { Wake } from "../core/observe/wake.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import { checkFunctions, knownOptions } from "../core/shared/validate.ts";

/** How the timer of a process ends. */
export interface TimerWakeOptions {
  /** Aborting it ends the timer. A drain that runs continues: pass the signal to it too. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Called with what a drain throws. The queue asks for the next drain by itself. Default: does nothing. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

// Longer timers overflow to 1 ms.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Makes a `wake` for a process that is not there for the queue, such as a web server: a timer that drains when
 * something is due, one drain at a time. It does not keep the process alive. What other processes enqueue it learns
 * only with the next drain, so keep a cron, or a `startWorker` with a long `checkEvery`.
 *
 * ```ts
 * const wake = timerWake(() => queue.drain({ signal }), { signal });
 * const queue = new Queue({ store, jobs, wake });
 * ```
 *
 * @param drain drains the queue. A drain with jobs that run for long delays the next one: `startWorker` does not.
 * @throws {TidegateError} `invalid_request` for an invalid option.
 */
export function timerWake(drain: () => unknown, options: TimerWakeOptions = {}): Wake {
  const { signal, onError = () => {} } = knownOptions(options, ["signal", "onError"], "timerWake");
  checkFunctions({ drain, onError }, ["drain", "onError"]);
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalidRequest("signal must be an AbortSignal.");
  const asked = new Set<number>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isDraining = false;
  const set = () => {
    clearTimeout(timer);
    if (isDraining || signal?.aborted || asked.size === 0) return;
    const ms = Math.min(...asked) - Date.now();
    timer = setTimeout(ring, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    timer.unref();
  };
  const ring = async () => {
    const now = Date.now();
    const due = [...asked].filter((at) => at <= now);
    for (const at of due) asked.delete(at);
    if (due.length > 0) {
      isDraining = true;
      await (async () => drain())()
        .catch(onError)
        .catch(() => {});
      isDraining = false;
    }
    set();
  };
  signal?.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return (at) => {
    asked.add(at);
    set();
  };
}
