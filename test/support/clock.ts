import type { Clock } from "../../src/core/shared/clock.ts";

/** The start of all test clocks. */
export const start = Date.parse("2026-03-01T12:00:00Z");

/** A clock whose time is the last value of `now`. */
export interface ClockByHand extends Clock {
  now: number;
}

/**
 * Creates a clock that may be moved at any moment, even by a job that it times, and that wakes nobody: waits take real
 * time. If the code under test waits, use `testClock`.
 */
export function clockByHand(start: number): ClockByHand {
  const clock = Object.assign(() => clock.now, { now: start });
  return clock;
}
