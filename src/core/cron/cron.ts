import { invalidRequest } from "../shared/errors.ts";
import { nextOccurrence } from "./clock-changes.ts";
import { readPattern } from "./expression.ts";
import { remember, zoneNamed } from "./time-zone.ts";

/** When a schedule fires. */
export interface Recurrence {
  /** The first occurrence after an instant, from 1970 on. Undefined if none can be stored (until 2109). */
  next(afterMs: number): number | undefined;
}

/** The occurrences from one on, in order: up to `most`, and none after `last`. */
export function occurrencesFrom(
  first: number | undefined,
  { next }: Recurrence,
  most: number,
  last = Number.POSITIVE_INFINITY,
): readonly number[] {
  const times: number[] = [];
  for (let at = first; at !== undefined && at <= last; at = times.length < most ? next(at) : undefined) times.push(at);
  return times;
}

export const LONGEST_EXPRESSION = 256;
const MOST_CRONS = 256;

const crons = new Map<string, Recurrence>();

/**
 * Parses a cron expression in an IANA time zone. For clock changes, see `nextOccurrence`.
 *
 * An expression has 5 fields (minute, hour, day of month, month, day of week) or 6, with seconds first; 5 fire at
 * second 0. Fields take `*`, `?`, values, lists, ranges that go up, steps, `JAN`-`DEC` and `SUN`-`SAT`; Sunday is 0 and
 * 7. `L` is the last day of the month, `5L` its last Friday, `5#2` its second. When both day fields are restricted
 * (neither is `*` nor `?`), a day must match only one. `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`,
 * `@hourly`, `@minutely`, `@secondly`, `@weekdays` and `@weekends` mean what they say. `H`, `H(0-29)` and `H/15` are
 * values derived from the seed, so that schedules with the same expression spread out. A value may not appear twice.
 *
 * @param seed what `H` is derived from: the key of the schedule.
 * @throws {TidegateError} `invalid_request` if it cannot be parsed or never fires, or the zone has no IANA name.
 */
export function parseCron(expression: unknown, timeZone: unknown = "UTC", seed = ""): Recurrence {
  if (typeof expression !== "string" || expression.length > LONGEST_EXPRESSION)
    throw invalidRequest(`cron must be a string such as "0 0 9 * * *", of at most ${LONGEST_EXPRESSION} characters.`);
  if (typeof timeZone !== "string")
    throw invalidRequest('timeZone must be a string: an IANA time zone name such as "Europe/Paris" or "UTC".');
  const zone = zoneNamed(timeZone);
  // Schedules with the same expression share the result, unless `H` makes it depend on their keys. Names are unique: no
  // zone contains a space, and no key a line break.
  const name = `${timeZone} ${expression.includes("H") ? `${seed}\n` : ""}${expression}`;
  return remember(crons, MOST_CRONS, name, () => {
    const pattern = readPattern(expression, seed);
    return { next: (afterMs) => nextOccurrence(pattern, zone, afterMs) };
  });
}
