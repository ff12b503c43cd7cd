import { type CronField, fieldRules, readField } from "./cron-fields.ts";
import { LATEST_TIME_MS } from "./duration.ts";
import { invalidRequest, quote, type TidegateError } from "./errors.ts";

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
 * Reads an expression.
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
function timeFrom(fromMs: number, { hour, minute, second }: Fields): number | undefined {
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

function dayMatcher({ dayOfMonth, dayOfWeek }: Fields): (day: Date) => boolean {
  const dates = new Set(dayOfMonth.values);
  const matchesDate = (day: Date) => dates.has(day.getUTCDate()) || (dayOfMonth.last.length > 0 && isAmongLast(1, day));

  const weekdays = new Set(dayOfWeek.values);
  const lastWeekdays = new Set(dayOfWeek.last);
  const isNth = (day: Date) => dayOfWeek.nth === 0 || dayOfWeek.nth === Math.ceil(day.getUTCDate() / 7);
  const matchesWeekday = (day: Date) =>
    (weekdays.has(day.getUTCDay()) && isNth(day)) || (lastWeekdays.has(day.getUTCDay()) && isAmongLast(7, day));

  if (dayOfWeek.isWildcard) return matchesDate;
  if (dayOfMonth.isWildcard) return matchesWeekday;
  return (day) => matchesDate(day) || matchesWeekday(day);
}

function isAmongLast(days: number, day: Date): boolean {
  return new Date(day.getTime() + days * DAY_MS).getUTCMonth() !== day.getUTCMonth();
}

const aliases: Readonly<Record<string, string>> = {
  "@yearly": "0 0 0 1 1 *",
  "@annually": "0 0 0 1 1 *",
  "@monthly": "0 0 0 1 * *",
  "@weekly": "0 0 0 * * 0",
  "@daily": "0 0 0 * * *",
  "@hourly": "0 0 * * * *",
  "@minutely": "0 * * * * *",
  "@secondly": "* * * * * *",
  "@weekdays": "0 0 0 * * 1-5",
  "@weekends": "0 0 0 * * 0,6",
};

interface Fields {
  readonly second: CronField;
  readonly minute: CronField;
  readonly hour: CronField;
  readonly dayOfMonth: CronField;
  readonly month: CronField;
  readonly dayOfWeek: CronField;
}

function readFields(expression: string): Fields {
  const text = expression.trim();
  const texts = (Object.hasOwn(aliases, text) ? String(aliases[text]) : text).split(/\s+/);
  if (texts.length === 5) texts.unshift("0");
  if (texts.length !== 6) {
    throw refusal(
      expression,
      "expected 5 fields (minute, hour, day of month, month, day of week), 6 with seconds first, or an alias such as @daily",
    );
  }
  // Other programs draw `H` at random, so no two processes would agree on the slots.
  if (texts.some((field) => field.replace(/thu/gi, "").includes("H"))) {
    throw refusal(expression, "H, a value drawn at random, is not supported; expected the value itself");
  }
  const read = (index: number): CronField => {
    const [rule, field = ""] = [fieldRules[index], texts[index]];
    const values = rule && readField(field, rule);
    if (!values) throw unreadable(expression, field, index);
    return values;
  };
  return {
    second: read(0),
    minute: read(1),
    hour: read(2),
    dayOfMonth: read(3),
    month: read(4),
    dayOfWeek: read(5),
  };
}

/** What other dialects write in the two day fields, and this one does not take. */
const foreign: readonly { readonly name: string; readonly form: RegExp; readonly reason: string }[] = [
  {
    name: "day of month",
    form: /W/i,
    reason: "W, the working day nearest to a date, is not supported; expected a date, or L for the last day",
  },
  {
    name: "day of month",
    form: /L/i,
    reason: "L takes nothing beside it, so L-n, n days before the last, is not supported; expected L alone",
  },
  {
    name: "day of week",
    form: /W/i,
    reason: "W, the working day nearest to a date, is not supported; expected weekdays, such as MON-FRI",
  },
  {
    name: "day of week",
    form: /L/i,
    reason: "L needs a weekday from 0 to 7 before it, and nothing else; expected 5L for the last Friday",
  },
];

function unreadable(expression: string, field: string, index: number): TidegateError {
  const rule = fieldRules[index];
  const other = foreign.find(({ name, form }) => name === rule?.name && form.test(field.replace(/wed|jul/gi, "")));
  if (other) return refusal(expression, `the ${other.name} field ${quote(field)} is not readable: ${other.reason}`);
  const forms = "*, a value, a list (1,2), a range that goes up (1-5) or a step (*/2), with no value twice";
  return refusal(
    expression,
    `the ${rule?.name} field ${quote(field)} is not readable; expected ${rule?.takes}, as ${forms}`,
  );
}

function neverFires(expression: string): TidegateError {
  return refusal(expression, "no year has such a day, so it never fires; expected a day that exists");
}

function refusal(expression: string, reason: string): TidegateError {
  return invalidRequest(`cron ${quote(expression)}: ${reason}.`);
}
