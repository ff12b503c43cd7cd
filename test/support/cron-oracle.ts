import { parseCron } from "../../src/core/cron/cron.ts";
import type { OraclePattern } from "./cron-oracle-patterns.ts";

/** The queries of a comparison, and each wrong answer. */
interface Comparison {
  readonly asked: number;
  readonly differences: readonly string[];
}

/** The local clock of a zone, read at each step. */
interface ClockReadings {
  readonly startMs: number;
  readonly stepMs: number;
  readonly offsetsMs: readonly number[];
  readonly distinctMs: readonly number[];
}

// Today's clocks change at a quarter of an hour. Labrador and Newfoundland did a minute past midnight, until 2011.
const QUARTER_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

// More than the widest offset and the longest gap together.
const MARGIN_MS = 2 * DAY_MS;

/**
 * Compares `parseCron(...).next` with the rule applied by brute force, for the occurrences after `fromMs` up to `toMs`:
 * asked from each occurrence, from the instant before each, and from every sixth hour.
 *
 * @param stepMs how often the clock is read: it may change only at multiples of this since 1970.
 */
export function compareZone(
  timeZone: string,
  patterns: readonly OraclePattern[],
  fromMs: number,
  toMs: number,
  stepMs = QUARTER_MS,
): Comparison {
  const readings = readClock(timeZone, fromMs, toMs, stepMs);
  const differences: string[] = [];
  let asked = 0;
  for (const pattern of patterns) {
    const cron = parseCron(pattern.cron, timeZone);
    for (const [afterMs, expected] of questions(slotsOf(pattern, readings, fromMs, toMs), fromMs, toMs)) {
      const actual = cron.next(afterMs);
      // Past the end the oracle knows only that there is no occurrence before it.
      const agrees = expected === undefined ? actual === undefined || actual > toMs : actual === expected;
      if (!agrees) {
        const question = `${timeZone} "${pattern.cron}" after ${time(afterMs)}`;
        differences.push(`${question}: ${time(actual)}, not ${time(expected)}`);
      }
      asked += 1;
    }
  }
  return { asked, differences };
}

/** Finds the instants at which the zone's clock changes, each to the step that follows it. */
export function clockChanges(timeZone: string, fromMs: number, toMs: number, stepMs = QUARTER_MS): number[] {
  const read = clockReader(timeZone);
  const changes: number[] = [];
  let [before, after] = [0, read(fromMs)];
  for (let dayMs = fromMs; dayMs < toMs; dayMs += DAY_MS) {
    [before, after] = [after, read(dayMs + DAY_MS)];
    if (before === after) continue;
    for (let ms = dayMs; ms < dayMs + DAY_MS; ms += stepMs) {
      if (read(ms) !== read(ms + stepMs)) changes.push(ms + stepMs);
    }
  }
  return changes;
}

/** Describes the clock of a zone, so that zones whose clocks always agree can be recognised. */
export function clockSignature(timeZone: string, fromMs: number, toMs: number): string {
  const read = clockReader(timeZone);
  const changes = clockChanges(timeZone, fromMs, toMs);
  return [read(fromMs), ...changes.flatMap((ms) => [ms, read(ms)])].join();
}

function* questions(slots: readonly number[], fromMs: number, toMs: number): Generator<[number, number | undefined]> {
  yield [fromMs, slots[0]];
  for (const [index, slot] of slots.entries()) {
    yield [slot - 1, slot];
    yield [slot, slots[index + 1]];
  }
  let index = 0;
  for (let ms = fromMs; ms < toMs; ms += DAY_MS / 4) {
    while (index < slots.length && (slots[index] as number) <= ms) index += 1;
    yield [ms, slots[index]];
  }
}

function slotsOf(pattern: OraclePattern, readings: ClockReadings, fromMs: number, toMs: number): number[] {
  const everyHour = pattern.hours.length === 24;
  const slots = new Set<number>();
  for (const localMs of localTimes(pattern, fromMs - MARGIN_MS, toMs + MARGIN_MS)) {
    const instants = instantsShowing(localMs, readings);
    const chosen = everyHour
      ? instants
      : [instants.length > 0 ? Math.min(...instants) : readBeforeGap(localMs, readings)];
    for (const ms of chosen) if (ms > fromMs && ms <= toMs) slots.add(ms);
  }
  return [...slots].sort((a, b) => a - b);
}

function* localTimes(pattern: OraclePattern, fromMs: number, toMs: number): Generator<number> {
  for (let dayMs = Math.floor(fromMs / DAY_MS) * DAY_MS; dayMs < toMs; dayMs += DAY_MS) {
    if (!pattern.onDay(new Date(dayMs))) continue;
    for (const hour of pattern.hours) {
      for (const minute of pattern.minutes) {
        for (const second of pattern.seconds) yield dayMs + ((hour * 60 + minute) * 60 + second) * 1_000;
      }
    }
  }
}

function instantsShowing(localMs: number, { startMs, stepMs, offsetsMs, distinctMs }: ClockReadings): number[] {
  return distinctMs
    .filter((offsetMs) => offsetsMs[Math.floor((localMs - offsetMs - startMs) / stepMs)] === offsetMs)
    .map((offsetMs) => localMs - offsetMs);
}

/** Resolves a local time in a gap with the offset of the last reading before it. */
function readBeforeGap(localMs: number, { startMs, stepMs, offsetsMs }: ClockReadings): number {
  const lastIndex = offsetsMs.findLastIndex((offsetMs, index) => startMs + index * stepMs + offsetMs <= localMs);
  return localMs - (offsetsMs[lastIndex] as number);
}

function readClock(timeZone: string, fromMs: number, toMs: number, stepMs: number): ClockReadings {
  const read = clockReader(timeZone);
  const startMs = Math.floor((fromMs - 2 * MARGIN_MS) / stepMs) * stepMs;
  const length = Math.ceil((toMs + 2 * MARGIN_MS - startMs) / stepMs);
  const offsetsMs = Array.from({ length }, (_, index) => read(startMs + index * stepMs));
  return { startMs, stepMs, offsetsMs, distinctMs: [...new Set(offsetsMs)] };
}

/** Returns the offset from UTC of a local date and time. */
function clockReader(timeZone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "gregory",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (ms) => {
    const shown = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const field = (type: Intl.DateTimeFormatPartTypes) => shown.get(type) as number;
    const date = Date.UTC(
      field("year"),
      field("month") - 1,
      field("day"),
      field("hour"),
      field("minute"),
      field("second"),
    );
    return date - Math.floor(ms / 1_000) * 1_000;
  };
}

function time(ms: number | undefined): string {
  return ms === undefined ? "none" : new Date(ms).toISOString();
}
