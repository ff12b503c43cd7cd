import { invalidRequest, quote } from "../shared/errors.ts";

/**
 * A stretch of time, from `startMs` up to but not including `endMs`, in which a zone keeps one offset from UTC. If its
 * start is not a change of the clock, `offsetBeforeMs` equals `offsetMs`.
 */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
  readonly offsetMs: number;
  readonly offsetBeforeMs: number;
}

export interface Zone {
  /** Finds the span that contains the instant. If the clock changed in the three days before, the span starts there. */
  spanAt(ms: number): Span;
}

/** No zone was ever further from UTC than this, including local mean times. */
export const WIDEST_OFFSET_MS = 16 * 3_600_000;

// Longer than any gap (Apia skipped a whole day), so that a change affects only its own cell and the next. Shorter than
// the time between two changes (a week, in Brazil in 2000), so that a cell has at most one.
const CELL_MS = 3 * 86_400_000;

const MOST_ZONES = 64;
const MOST_CELLS = 256;

/** A fixed piece of three days. The clock changes at `changeMs`, or at `endMs` with equal offsets for no change. */
interface Cell {
  readonly endMs: number;
  readonly changeMs: number;
  readonly beforeMs: number;
  readonly afterMs: number;
}

const zones = new Map<string, Zone>();

/** The clock of a zone. @throws {TidegateError} `invalid_request` unless this runtime knows the IANA name. */
export function zoneNamed(name: string): Zone {
  return remember(zones, MOST_ZONES, name, () => openZone(formatterFor(name)));
}

/** The map's value for the key, created if it has none. A full map is emptied first. */
export function remember<Key, Value>(map: Map<Key, Value>, limit: number, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  if (map.size >= limit) map.clear();
  map.set(key, made);
  return made;
}

// Intl also accepts abbreviations that IANA never had, and reads "BST" as Dhaka.
const threeLetterNames = new Set("UTC GMT UCT EST MST HST CET EET MET WET PRC ROC ROK".split(" "));

function formatterFor(name: string): Intl.DateTimeFormat {
  try {
    if (isNameOfIana(name)) return new Intl.DateTimeFormat("en", { timeZone: name, timeZoneName: "longOffset" });
  } catch {
    // The runtime does not know the name.
  }
  throw invalidRequest(
    `timeZone ${quote(name)} is not an IANA time zone name; expected one such as "Europe/Paris" or "UTC" ` +
      "(not an offset like +02:00 or an abbreviation like BST).",
  );
}

function isNameOfIana(name: string): boolean {
  if (!/^[a-z][\w+/-]{1,63}$/i.test(name)) return false;
  return name.length !== 3 || threeLetterNames.has(name.toUpperCase());
}

function openZone(formatter: Intl.DateTimeFormat): Zone {
  const cells = new Map<number, Cell>();
  const cellAt = (index: number) => remember(cells, MOST_CELLS, index, () => readCell(formatter, index * CELL_MS));
  return {
    spanAt(ms) {
      const index = Math.floor(ms / CELL_MS);
      const { endMs, changeMs, beforeMs, afterMs } = cellAt(index);
      if (ms >= changeMs) return { startMs: changeMs, endMs, offsetMs: afterMs, offsetBeforeMs: beforeMs };
      const previous = cellAt(index - 1);
      return { startMs: previous.changeMs, endMs: changeMs, offsetMs: beforeMs, offsetBeforeMs: previous.beforeMs };
    },
  };
}

function readCell(formatter: Intl.DateTimeFormat, startMs: number): Cell {
  const endMs = startMs + CELL_MS;
  const beforeMs = offsetAt(formatter, startMs);
  const afterMs = offsetAt(formatter, endMs);
  const changeMs = beforeMs === afterMs ? endMs : findChange(formatter, startMs, endMs, beforeMs);
  return { endMs, changeMs, beforeMs, afterMs };
}

function findChange(formatter: Intl.DateTimeFormat, startMs: number, endMs: number, offsetMs: number): number {
  let unchanged = startMs / 1_000;
  let changed = endMs / 1_000;
  while (changed - unchanged > 1) {
    const middle = Math.floor((unchanged + changed) / 2);
    if (offsetAt(formatter, middle * 1_000) === offsetMs) unchanged = middle;
    else changed = middle;
  }
  return changed * 1_000;
}

function offsetAt(formatter: Intl.DateTimeFormat, ms: number): number {
  const match = /([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(formatter.format(ms));
  if (!match) return 0; // "GMT" alone
  const [, sign, hours, minutes, seconds = 0] = match;
  const length = Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1_000;
  return sign === "-" ? -length : length;
}
