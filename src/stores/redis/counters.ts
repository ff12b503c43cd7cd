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

/** Most numbers are small. */
const numberTexts = Array.from({ length: 128 }, (_, number) => numberText(number));

/** Counts as text: lua/_statistics.lua says how. */
export function countsText(counts: Float64Array): string {
  let [text, written] = ["", 0];
  for (const [counter, count] of counts.entries()) {
    if (count === 0) continue;
    const skipped = counter - written;
    if (skipped > 0) text += `${numberTexts[0]}${numberTexts[skipped] ?? numberText(skipped)}`;
    text += numberTexts[count] ?? numberText(count);
    written = counter + 1;
  }
  return text;
}

/** The counts of some windows together, by the numbers of their counters. */
export function countsIn(windows: readonly string[]): readonly number[] {
  const counts = new Array<number>(COUNTERS_END).fill(0);
  for (const text of windows) {
    let [counter, number, unit, skips] = [0, 0, 1, false];
    for (let at = 0; at < text.length; at++) {
      const digit = text.charCodeAt(at) - FIRST_DIGIT;
      number += (digit % 32) * unit;
      unit *= 32;
      if (digit >= 32) continue;
      if (skips) counter += number;
      else if (number > 0) {
        const before = counts[counter] ?? 0;
        const isSlowest = counter === SLOWEST || counter === SLOWEST + 1;
        counts[counter++] = isSlowest ? Math.max(before, number) : before + number;
      }
      skips = !skips && number === 0;
      number = 0;
      unit = 1;
    }
  }
  return counts;
}
