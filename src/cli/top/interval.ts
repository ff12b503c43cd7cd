import type { QueueBrief } from "../../core/manage/stats.ts";

/** The longest wait, unless the user wants a longer one. */
const LONGEST_MS = 90_000;
/** A job that has fallen due has usually begun this much later. */
const GRACE_MS = 500;

/**
 * When to look again: after `everyMs` while things change, and twice as long after each look that found no change, up to a minute and a half.
 * Sooner if something falls due before that.
 *
 * @param quiet how many looks in a row found no change.
 */
export function waitBetweenLooks(everyMs: number, quiet: number, queues: readonly QueueBrief[], now: number): number {
  const usual = Math.min(everyMs * 2 ** quiet, Math.max(everyMs, LONGEST_MS));
  const dueInMs = queues
    .map(({ stats }) => (stats.paused || !stats.nextRunAt ? Number.NaN : stats.nextRunAt.getTime() - now))
    .filter((ms) => ms > 0);
  return Math.max(everyMs, Math.min(usual, ...dueInMs.map((ms) => ms + GRACE_MS)));
}
