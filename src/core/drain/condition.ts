import { alarm, type Clock } from "../shared/clock.ts";

/** What the loop of a drain waits for: that something happens, or that a time comes. */
export class Condition {
  #end: () => void = () => {};

  /** Ends the wait, if the loop is waiting. */
  readonly notify = (): void => this.#end();

  /** Waits for `notify`, or for the earliest of these times that is after `now`. */
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
