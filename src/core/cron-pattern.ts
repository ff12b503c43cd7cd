import { CronExpressionParser, type CronFieldCollection } from "cron-parser";
import { LATEST_TIME_MS } from "./duration.ts";
import { invalidRequest, type TidegateError } from "./errors.ts";
import { quote } from "./zone.ts";

/** A cron expression without its zone. Local times are in milliseconds, counted as if the zone were UTC. */
export interface Pattern {
  /** Whether the hour field matches every hour: slots then follow real time, else they name local times. */
  readonly everyHour: boolean;
  /** Finds the first local time that matches, from the one given on. */
  next(localMs: number): number | undefined;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/**
 * Reads an expression. cron-parser says what its fields hold; it has no part in finding times, as it errs where clocks change.
 *
 * @throws {TidegateError} `invalid_request` when the expression cannot be read, or matches no day of any year.
 */
export function readPattern(expression: string): Pattern {
  const fields = readFields(expression);
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

/** Finds the first time of day that matches, in milliseconds, from the one given on. */
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

  const weekdays = new Set(dayOfWeek.values.filter((value) => typeof value === "number").map((value) => value % 7));
  const lastWeekdays = new Set(
    dayOfWeek.values.map(String).flatMap((value) => (value.endsWith("L") ? Number.parseInt(value, 10) % 7 : [])),
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

const aliases = new Set(
  "@yearly @annually @monthly @weekly @daily @hourly @minutely @secondly @weekdays @weekends".split(" "),
);

const fieldRules = [
  { name: "second", takes: "0-59" },
  { name: "minute", takes: "0-59" },
  { name: "hour", takes: "0-23" },
  { name: "day of month", takes: "1-31, or L for the last" },
  { name: "month", takes: "1-12 or JAN-DEC" },
  { name: "day of week", takes: "0-7 or SUN-SAT (SAT-SUN is 6-7), 5L for the last Friday or 5#2 for the second" },
];

function readFields(expression: string): CronFieldCollection {
  const text = expression.trim();
  if (aliases.has(text)) return CronExpressionParser.parse(text).fields;
  const fields = text.split(/\s+/);
  // cron-parser fills up a short expression with `*`, and fires each minute on an empty one.
  if (fields.length === 5) fields.unshift("0");
  if (fields.length !== 6) {
    throw refusal(
      expression,
      "expected 5 fields (minute, hour, day of month, month, day of week), 6 with seconds first, or an alias such as @daily",
    );
  }
  // cron-parser draws `H` at random, so no two processes would agree on the slots.
  if (fields.some((field) => field.replace(/thu/gi, "").includes("H"))) {
    throw refusal(expression, "H, a value drawn at random, is not supported; expected the value itself");
  }
  try {
    return CronExpressionParser.parse(fields.join(" ")).fields;
  } catch {
    throw explain(expression, fields);
  }
}

/** Names the field that cannot be read. When each can by itself, the month has no such day. */
function explain(expression: string, fields: readonly string[]): TidegateError {
  const wrong = fields.findIndex((field, index) => !isReadable(field, index));
  const rule = fieldRules[wrong];
  if (!rule) return neverFires(expression);
  const forms = "*, a value, a list (1,2), a range that goes up (1-5) or a step (*/2), with no value twice";
  return refusal(
    expression,
    `the ${rule.name} field ${quote(fields[wrong] ?? "")} is not readable; expected ${rule.takes}, as ${forms}`,
  );
}

function isReadable(field: string, index: number): boolean {
  try {
    CronExpressionParser.parse(fieldRules.map((_, at) => (at === index ? field : "*")).join(" "));
    return true;
  } catch {
    return false;
  }
}

function neverFires(expression: string): TidegateError {
  return refusal(expression, "no year has such a day, so it never fires; expected a day that exists");
}

function refusal(expression: string, reason: string): TidegateError {
  return invalidRequest(`cron ${quote(expression)}: ${reason}.`);
}
