import { alarm, type Clock } from "../shared/clock.ts";

const nothing = () => {};

/** Lets the loop of a drain wait until something happens or a time comes. */
export class Condition {
  #end: () => void = nothing;

  /** Ends the wait, if the loop is waiting. */
  readonly notify = (): void => this.#end();

  /** Waits for `notify`, or for the earliest of these times that is after `now`. */
  wait(clock: Clock, now: number, times: readonly number[]): Promise<void> {
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const time of times) if (time > now && time < wakeAt) wakeAt = time;
    return new Promise((resolve) => {
      const cancel = Number.isFinite(wakeAt) ? alarm(clock, wakeAt - now, resolve) : nothing;
      this.#end = () => {
        // Each of 500 jobs that end at once notifies.
        this.#end = nothing;
        cancel();
        resolve();
      };
    });
  }
}
