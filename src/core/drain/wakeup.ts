import { alarm, type Clock } from "../shared/clock.ts";

/** Lets the loop of a drain wait until something happens. */
export class Wakeup {
  #end: () => void = () => {};

  /** Ends the wait, if the loop is waiting. */
  readonly wake = (): void => this.#end();

  /** Waits for `wake`, or for the earliest of these times that is after `now`. */
  wait(clock: Clock, now: number, times: readonly number[]): Promise<void> {
    const wakeAt = Math.min(...times.filter((time) => time > now));
    return new Promise((resolve) => {
      const cancel = Number.isFinite(wakeAt) ? alarm(clock, wakeAt - now, resolve) : () => {};
      this.#end = () => {
        cancel();
        resolve();
      };
    });
  }
}
