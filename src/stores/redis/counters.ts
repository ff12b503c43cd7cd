import {
  ALL_COUNTERS,
  COUNTERS,
  DAYS_KEPT,
  HOURS_KEPT,
  MINUTES_KEPT,
  NAMES_KEPT,
  outcomeNames,
  PACE_MINUTES,
  PACES,
  SLOWEST,
  TENS_KEPT,
  TREND_MINUTES,
} from "../../core/store/stats.ts";

/** What the totals of the queue have besides: for how many ms attempts waited, and ran; jobs cancelled, and retried. */
export const WAITED = ALL_COUNTERS;
export const RAN = WAITED + 1;
export const CANCELLED = WAITED + 2;
export const RETRIED_DEAD = WAITED + 3;
const COUNTERS_END = WAITED + 4;

/** The scripts know them by these names. */
export const counterConstants = {
  ...{ OUTCOMES: outcomeNames.length, SLOWEST, COUNTERS, PACES, PACES_END: ALL_COUNTERS },
  ...{ WAITED, CANCELLED, RETRIED_DEAD, COUNTERS_END, PACE_MINUTES, TREND_MINUTES },
  ...{ MINUTES_KEPT, HOURS_KEPT, TENS_KEPT, DAYS_KEPT, NAMES_KEPT },
};

const FIRST_DIGIT = 63;

function numberText(number: number): string {
  let [text, rest] = ["", number];
  for (; rest >= 32; rest = Math.floor(rest / 32)) text += String.fromCharCode(FIRST_DIGIT + 32 + (rest % 32));
  return text + String.fromCharCode(FIRST_DIGIT + rest);
}

/** Counts as text: lua/_statistics.lua says how. */
export function countsText(counts: ArrayLike<number>): string {
  let [text, skipped] = ["", 0];
  for (let counter = 0; counter < counts.length; counter++) {
    const count = counts[counter] ?? 0;
    if (count === 0) {
      skipped++;
      continue;
    }
    if (skipped > 0) text += numberText(0) + numberText(skipped);
    skipped = 0;
    text += numberText(count);
  }
  return text;
}

/** Counts by the numbers of their counters. */
export function countsIn(text: string): number[] {
  const counts: number[] = [];
  let counter = 0;
  let number = 0;
  let unit = 1;
  let skips = false;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - FIRST_DIGIT;
    number += (digit % 32) * unit;
    unit *= 32;
    if (digit >= 32) continue;
    if (skips) counter += number;
    else if (number > 0) counts[counter++] = number;
    skips = !skips && number === 0;
    number = 0;
    unit = 1;
  }
  return counts;
}
