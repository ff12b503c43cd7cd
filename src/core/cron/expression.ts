import type { CronFieldCollection } from "cron-parser";
import { CronExpressionParser } from "cron-parser/dist/CronExpressionParser.js";
import { LATEST_TIME_MS } from "../shared/duration.ts";
import { invalidRequest, orUndefined, quote, type TidegateError } from "../shared/errors.ts";

/** A cron expression without its zone. Local times are in milliseconds, counted as if the zone were UTC. */
export interface Pattern {
  /** Whether the hour field matches every hour: occurrences then follow real time. Otherwise they name local times. */
  readonly everyHour: boolean;
  /** Finds the first local time that matches, starting with the given one. */
  next(localMs: number): number | undefined;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Parses an expression. @param seed decides `H`. @throws {TidegateError} also if it matches no day. */
export function readPattern(expression: string, seed: string): Pattern {
  const fields = readFields(expression, seed);
  const months = new Set<number>(fields.month.values);
  const matchesDay = dayMatcher(fields);
  const next = (localMs: number) => {
    let dayMs = Math.floor(localMs / DAY_MS) * DAY_MS;
    while (dayMs <= LATEST_TIME_MS + DAY_MS) {
      const day = new Date(dayMs);
      const monthMatches = months.has(day.getUTCMonth() + 1);
      const timeMs = monthMatches && matchesDay(day) ? timeFrom(localMs - dayMs, fields) : undefined;
      if (timeMs !== undefined) return dayMs + timeMs;
      dayMs = monthMatches ? dayMs + DAY_MS : Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1);
    }
    return undefined;
  };
  if (next(0) === undefined) throw neverFires(expression);
  return { everyHour: fields.hour.values.length === 24, next };
}

function timeFrom(fromMs: number, { hour, minute, second }: CronFieldCollection): number | undefined {
  for (const hours of hour.values) {
    const hourMs = hours * HOUR_MS;
    if (hourMs + HOUR_MS <= fromMs) continue;
    for (const minutes of minute.values) {
      const minuteMs = hourMs + minutes * MINUTE_MS;
      if (minuteMs + MINUTE_MS <= fromMs) continue;
      const seconds = second.values.find((value) => minuteMs + value * SECOND_MS >= fromMs);
      if (seconds !== undefined) return minuteMs + seconds * SECOND_MS;
    }
  }
  return undefined;
}

function dayMatcher({ dayOfMonth, dayOfWeek }: CronFieldCollection): (day: Date) => boolean {
  const dates = new Set<number | string>(dayOfMonth.values);
  const matchesDate = (day: Date) => dates.has(day.getUTCDate()) || (dates.has("L") && isAmongLast(1, day));

  // Sunday is 0 and 7. A text such as "5L" means the last Friday of the month.
  const weekdays = new Set(dayOfWeek.values.map((day) => (typeof day === "number" ? day % 7 : undefined)));
  const lastWeekdays = new Set(
    dayOfWeek.values.map((day) => (typeof day === "string" ? Number(day[0]) % 7 : undefined)),
  );
  const isNth = (day: Date) => dayOfWeek.nthDay === 0 || dayOfWeek.nthDay === Math.ceil(day.getUTCDate() / 7);
  const matchesWeekday = (day: Date) =>
    (weekdays.has(day.getUTCDay()) && isNth(day)) || (lastWeekdays.has(day.getUTCDay()) && isAmongLast(7, day));

  if (dayOfWeek.isWildcard) return matchesDate;
  if (dayOfMonth.isWildcard) return matchesWeekday;
  return (day) => matchesDate(day) || matchesWeekday(day);
}

function isAmongLast(days: number, day: Date): boolean {
  return new Date(day.getTime() + days * DAY_MS).getUTCMonth() !== day.getUTCMonth();
}

/** The six fields in their order, for messages. Other dialects have more in the two day fields. */
const fieldForms = [
  { name: "second", takes: "0-59" },
  { name: "minute", takes: "0-59" },
  { name: "hour", takes: "0-23" },
  { name: "day of month", takes: "1-31, or L alone for the last (no L-3, no 1W)" },
  { name: "month", takes: "1-12 or JAN-DEC" },
  {
    name: "day of week",
    takes: "0-7 or SUN-SAT (SAT-SUN is 6-7), 5L for the last Friday or 5#2 for the second (no L alone, no W)",
  },
];

const aliases = "@yearly, @annually, @monthly, @weekly, @daily, @hourly, @minutely, @secondly, @weekdays, @weekends";

function readFields(expression: string, seed: string): CronFieldCollection {
  const texts = splitFields(expression);
  try {
    return parseTexts(texts, seed);
  } catch {
    const index = texts.findIndex((_, field) => !isReadable(texts, field, seed));
    throw unreadable(expression, texts, index);
  }
}

const DAY_OF_MONTH = 3;

/** cron-parser reads an empty text and 4 fields as "every minute", so it always gets all six. */
function splitFields(expression: string): readonly string[] {
  const text = expression.trim();
  if (text.startsWith("@")) return [text];
  const texts = text.split(/\s+/);
  if (texts.length === 5) return ["0", ...texts];
  if (texts.length === 6) return texts;
  throw refusal(
    expression,
    "expected 5 fields (minute, hour, day of month, month, day of week), 6 with seconds first, or an alias such as @daily",
  );
}

/** @param seed decides `H`: without one, no two processes would agree. @throws {Error} that does not name the field. */
function parseTexts(texts: readonly string[], seed: string): CronFieldCollection {
  // A day from 29 to 31 would skip months, and some expressions would never fire for some seeds.
  const inEachMonth = texts.map((text, index) => (index === DAY_OF_MONTH ? text.replace(/H(?!\()/g, "H(1-28)") : text));
  // A date and a zone keep it from asking the clock and `Intl`. Only the fields are read.
  const { fields } = CronExpressionParser.parse(inEachMonth.join(" "), { hashSeed: seed, currentDate: 0, tz: "UTC" });
  if (!Number.isInteger(fields.dayOfWeek.nthDay)) throw new Error('The parser accepts "1#1.5".');
  return fields;
}

function isReadable(texts: readonly string[], field: number, seed: string): boolean {
  const alone = texts.map((text, index) => (index === field ? text : "*"));
  return orUndefined(() => parseTexts(alone, seed)) !== undefined;
}

function unreadable(expression: string, texts: readonly string[], index: number): TidegateError {
  if (texts.length === 1) return refusal(expression, `there is no such alias; expected one of ${aliases}`);
  const form = fieldForms[index];
  // Each field is valid, but no month has such a day.
  if (!form) return neverFires(expression);
  const forms = "*, a value, a list (1,2), a range that goes up (1-5), a step (*/2) or H, with no value twice";
  const field = `the ${form.name} field ${quote(texts[index] ?? "")}`;
  return refusal(expression, `${field} is not readable; expected ${form.takes}, as ${forms}`);
}

function neverFires(expression: string): TidegateError {
  return refusal(expression, "no year has such a day, so it never fires; expected a day that exists");
}

function refusal(expression: string, reason: string): TidegateError {
  return invalidRequest(`cron ${quote(expression)}: ${reason}.`);
}
