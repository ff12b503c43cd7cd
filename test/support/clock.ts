import type { Clock } from "../../src/core/shared/clock.ts";

/** When the clocks of tests begin. */
export const start = Date.parse("2026-03-01T12:00:00Z");

/** A clock whose time is what was last written to `now`. */
export interface ClockByHand extends Clock {
  now: number;
}

/**
 * Makes a clock that may be moved in the midst of anything, also by a job that it times, and that wakes nobody: waits take real
 * time. Where code under test waits, take `testClock`.
 */
export function clockByHand(start: number): ClockByHand {
  const clock = Object.assign(() => clock.now, { now: start });
  return clock;
}
