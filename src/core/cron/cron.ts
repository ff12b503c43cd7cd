import { invalidRequest } from "../shared/errors.ts";
import { nextOccurrence } from "./clock-changes.ts";
import { readPattern } from "./expression.ts";
import { remember, zoneNamed } from "./time-zone.ts";

/** A recurrence in an IANA zone, checked and ready to be asked for its next occurrences. */
export interface Cron {
  readonly expression: string;
  readonly timeZone: string;
  /** Finds the first occurrence strictly after an instant, from 1970 on. Undefined when no later one can be stored (until 2109). */
  next(afterMs: number): number | undefined;
}

export const LONGEST_EXPRESSION = 256;
const MOST_CRONS = 256;

const crons = new Map<string, Cron>();

/**
 * Reads a cron expression in an IANA time zone, UTC when that is left out.
 *
 * An expression has 5 fields (minute, hour, day of month, month, day of week) or 6, with seconds first; 5 fire at second 0.
 * Fields take `*`, `?`, values, lists, ranges that go up, steps, `JAN`-`DEC` and `SUN`-`SAT`; Sunday is 0 and 7. `L` is the
 * last day of the month, `5L` its last Friday, `5#2` its second. When both day fields are restricted (neither is `*` nor
 * `?`), a day need match only one. `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`, `@hourly`, `@minutely`,
 * `@secondly`, `@weekdays` and `@weekends` stand for what they say. `H`, `H(0-29)` and `H/15` stand for values drawn from the
 * seed, so that schedules with one expression spread out. A value named twice is refused.
 *
 * For what happens when the clock changes, see `nextOccurrence`.
 *
 * @example
 * parseCron("0 0 9 * * MON-FRI", "Europe/Paris").next(Date.now());
 *
 * @param seed what `H` is drawn from: the key of the schedule.
 * @throws {TidegateError} `invalid_request` when the expression cannot be read or never fires, or the zone has no IANA name.
 */
export function parseCron(expression: unknown, timeZone: unknown = "UTC", seed = ""): Cron {
  if (typeof expression !== "string" || expression.length > LONGEST_EXPRESSION) {
    throw invalidRequest(`cron must be a string such as "0 0 9 * * *", of at most ${LONGEST_EXPRESSION} characters.`);
  }
  if (typeof timeZone !== "string") {
    throw invalidRequest('timeZone must be a string: an IANA time zone name such as "Europe/Paris" or "UTC".');
  }
  const zone = zoneNamed(timeZone);
  // Schedules with one expression share what was read, unless `H` makes it depend on their keys. No zone holds a space, and no
  // key a line break, so that no two share a name.
  const name = `${timeZone} ${expression.includes("H") ? `${seed}\n` : ""}${expression}`;
  return remember(crons, MOST_CRONS, name, () => {
    const pattern = readPattern(expression, seed);
    return { expression, timeZone, next: (afterMs) => nextOccurrence(pattern, zone, afterMs) };
  });
}
