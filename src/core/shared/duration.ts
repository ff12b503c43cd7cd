import { invalidRequest } from "./errors.ts";

/** A length of time: `"30s"`, `"5m"`, `"1h"`, `"7d"`, `"250ms"`, or a number of milliseconds. */
// Looked up by its key, because then the compiler says what a duration looks like, and not that it is a "Duration".
export type Duration = { readonly any: `${number}${"ms" | "s" | "m" | "h" | "d"}` | number }["any"];

/** A point in time: a `Date`, an ISO 8601 string with a time zone, or milliseconds since 1970. */
export type PointInTime = Date | string | number;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * The last time at which something can be due. Stores keep 42 bits of ms, until 2109, and use the last one
 * themselves. A literal, since esbuild keeps an unused power.
 */
export const LATEST_TIME_MS = 0x3ff_ffff_fffe;

/** Reads a duration in ms. @param name for the message. @throws {TidegateError} `invalid_request`, also if negative. */
export function durationMs(value: unknown, name: string): number {
  const ms = readDuration(value);
  if (typeof ms !== "number" || !Number.isFinite(ms) || ms < 0 || ms > LATEST_TIME_MS)
    throw invalidRequest(
      `${name} must be a duration such as "30s", "5m", "1h", "7d", or a number of milliseconds from 0.`,
    );
  return Math.round(ms);
}

/** Reads a duration as milliseconds, without a check. Returns NaN for another text, and any other value as it is. */
export function readDuration(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) ?? [];
  return Number(amount) * Number(unitMs[unit]);
}

/** Writes a duration exactly, as options take it: "1m", "90s", "1500ms". */
export function durationText(ms: number): string {
  const unit = ["d", "h", "m", "s"].find((each) => ms % Number(unitMs[each]) === 0) ?? "ms";
  return `${ms / Number(unitMs[unit])}${unit}`;
}

// The zone is required, because a time without one means something else on each machine.
const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/**
 * Reads a point in time in ms since 1970. @param or what else it may be, for the message.
 * @throws {TidegateError} `invalid_request` also for a date that does not exist, a time without a zone, and one before
 *   1970 or after 2108.
 */
export function pointInTimeMs(value: unknown, name: string, or = ""): number {
  const ms = readPointInTime(value);
  if (ms === undefined || !Number.isFinite(ms) || ms < 0 || ms > LATEST_TIME_MS)
    throw invalidRequest(
      `${name} must be ${or}a Date, an ISO 8601 time on a date that exists, with its zone, such as "2030-01-31T09:00:00Z", or milliseconds since 1970, before the year 2109.`,
    );
  return Math.round(ms);
}

/** Whether a moment is given as a duration: a number is a point in time. */
export const isDuration = (value: unknown): boolean => typeof value === "string" && Number(readDuration(value)) >= 0;

/** Reads a point in time, or a duration from now; with the direction -1, until now. @throws {TidegateError} */
export function momentMs(value: unknown, now: number, name: string, direction = 1): number {
  if (isDuration(value)) return now + direction * durationMs(value, name);
  return pointInTimeMs(value, name, 'a duration such as "5m", ');
}

/** A time that has passed, or how long ago; the beginning of all time if it is left out. @throws {TidegateError} */
export function momentBefore(value: PointInTime | Duration | undefined, now: number, name = "since"): number {
  if (value === undefined) return Number.NEGATIVE_INFINITY;
  const ms = momentMs(value, now, name, -1);
  if (ms > now) throw invalidRequest(`${name} must be a time that has passed, or how long ago.`);
  return ms;
}

function readPointInTime(value: unknown): number | undefined {
  if (value instanceof Date) return value.getTime();
  if (typeof value === "number") return value;
  if (typeof value === "string" && isoTime.test(value) && dateExists(value.slice(0, 10))) return Date.parse(value);
  return undefined;
}

/** `Date.parse` alone reads 30 February as 2 March. */
function dateExists(date: string): boolean {
  const ms = Date.parse(date);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date);
}
