import { LATEST_TIME_MS } from "../shared/duration.ts";
import type { Pattern } from "./expression.ts";
import { type Span, WIDEST_OFFSET_MS, type Zone } from "./time-zone.ts";

const SECOND_MS = 1_000;

/**
 * Finds the first occurrence of a pattern of local times strictly after an instant. Undefined if no later one can be
 * stored.
 *
 * When the clock changes, an hour field that matches every hour follows real time: it fires in both passes of a
 * repeated hour and not in a gap. Any other hour field names local times, as in RFC 5545: a time in a gap is read with
 * the offset before it (02:30 fires at 03:30), a time that exists twice fires only the first time, and two times that
 * fall on one instant fire once.
 */
export function nextOccurrence(pattern: Pattern, zone: Zone, afterMs: number): number | undefined {
  let fromMs = Math.max((Math.floor(afterMs / SECOND_MS) + 1) * SECOND_MS, 0);
  while (fromMs <= LATEST_TIME_MS) {
    // No zone shows this local time before `localMs - WIDEST_OFFSET_MS`: the spans until then need not be searched.
    const localMs = pattern.next(fromMs - WIDEST_OFFSET_MS);
    if (localMs === undefined) return undefined;
    fromMs = Math.max(fromMs, localMs - WIDEST_OFFSET_MS);
    const span = zone.spanAt(fromMs);
    const occurrence = occurrenceWithin(span, pattern, fromMs);
    if (occurrence !== undefined) return occurrence <= LATEST_TIME_MS ? occurrence : undefined;
    fromMs = span.endMs;
  }
  return undefined;
}

function occurrenceWithin({ startMs, endMs, offsetMs, offsetBeforeMs }: Span, pattern: Pattern, fromMs: number) {
  if (pattern.everyHour) return occurrenceAtOffset(offsetMs, pattern, fromMs, endMs);
  // Above 0, the clock skipped these local times at the start, and they fall into the span if read with the offset
  // before. Below 0, it repeats local times whose occurrence has passed.
  const aheadMs = offsetMs - offsetBeforeMs;
  const moved = occurrenceAtOffset(offsetBeforeMs, pattern, fromMs, Math.min(startMs + aheadMs, endMs));
  const usual = occurrenceAtOffset(offsetMs, pattern, Math.max(fromMs, startMs - aheadMs), endMs);
  return moved !== undefined && usual !== undefined ? Math.min(moved, usual) : (moved ?? usual);
}

function occurrenceAtOffset(offsetMs: number, pattern: Pattern, fromMs: number, endMs: number): number | undefined {
  if (fromMs >= endMs) return undefined;
  const localMs = pattern.next(fromMs + offsetMs);
  return localMs !== undefined && localMs - offsetMs < endMs ? localMs - offsetMs : undefined;
}
