/**
 * An expression, and its meaning written by hand. `onDay` gets midnight UTC of a calendar day. An hour field with all
 * 24 hours follows real time.
 */
export interface OraclePattern {
  readonly cron: string;
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
  readonly seconds: readonly number[];
  onDay(day: Date): boolean;
}

function every(step: number, first: number, last: number): number[] {
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);
}

const allHours = every(1, 0, 23);
const anyDay = () => true;
const weekday = (day: Date) => day.getUTCDay();
const date = (day: Date) => day.getUTCDate();
const month = (day: Date) => day.getUTCMonth() + 1;
const monthLength = (day: Date) => new Date(Date.UTC(day.getUTCFullYear(), month(day), 0)).getUTCDate();

function row(
  cron: string,
  hours: readonly number[],
  minutes: readonly number[],
  seconds: readonly number[],
  onDay: (day: Date) => boolean = anyDay,
): OraclePattern {
  return { cron, hours, minutes, seconds, onDay };
}

/** Patterns of every kind. Those with many occurrences per day come last. */
export const oraclePatterns: readonly OraclePattern[] = [
  row("0 0 0 * * *", [0], [0], [0]),
  row("30 0 * * *", [0], [30], [0]),
  row("0 30 1 * * *", [1], [30], [0]),
  row("0 30 2 * * *", [2], [30], [0]),
  row("45 2 * * *", [2], [45], [0]),
  row("0 30 3 * * *", [3], [30], [0]),
  row("59 59 23 * * *", [23], [59], [59]),
  row("@daily", [0], [0], [0]),
  row("@weekly", [0], [0], [0], (day) => weekday(day) === 0),
  row("0 0 9 * * MON-FRI", [9], [0], [0], (day) => weekday(day) >= 1 && weekday(day) <= 5),
  row("0 30 2 * * SUN", [2], [30], [0], (day) => weekday(day) === 0),
  row("0 30 23 ? * 6-7", [23], [30], [0], (day) => weekday(day) === 6 || weekday(day) === 0),
  row("0 0 2 * * 7#2", [2], [0], [0], (day) => weekday(day) === 0 && date(day) > 7 && date(day) <= 14),
  row("30 1 * * 0L", [1], [30], [0], (day) => weekday(day) === 0 && date(day) > monthLength(day) - 7),
  row("0 0 0 1 * *", [0], [0], [0], (day) => date(day) === 1),
  row("0 30 0 L * ?", [0], [30], [0], (day) => date(day) === monthLength(day)),
  row("0 0 3 13,31 * FRI", [3], [0], [0], (day) => date(day) === 13 || date(day) === 31 || weekday(day) === 5),
  row("0 0 0 29 2,3,10 *", [0], [0], [0], (day) => date(day) === 29 && [2, 3, 10].includes(month(day))),
  row("0 0 1,2,3 * * *", [1, 2, 3], [0], [0]),
  row("0 15 */2 * * *", every(2, 0, 22), [15], [0]),
  row("0 0 1-23/2 * MAR,APR,SEP-NOV *", every(2, 1, 23), [0], [0], (day) => [3, 4, 9, 10, 11].includes(month(day))),
  row("0 20 0-22 * * *", every(1, 0, 22), [20], [0]),
  row("@hourly", allHours, [0], [0]),
  row("0 10 0-23 * * *", allHours, [10], [0]),
  row("0 0 * * * SUN", allHours, [0], [0], (day) => weekday(day) === 0),
  row("7/20 * * * *", allHours, [7, 27, 47], [0]),
  row("0 */10 0-3,23 * * *", [0, 1, 2, 3, 23], every(10, 0, 50), [0]),
  row("15,45 29-31 2 * * *", [2], [29, 30, 31], [15, 45]),
  row(
    "*/25 */13 1-4 * * 6,7",
    [1, 2, 3, 4],
    every(13, 0, 52),
    [0, 25, 50],
    (day) => weekday(day) === 6 || weekday(day) === 0,
  ),
  row("0 * 2 * * *", [2], every(1, 0, 59), [0]),
  row("0 */5 * * * *", allHours, every(5, 0, 55), [0]),
  row("40 * * * * *", allHours, every(1, 0, 59), [40]),
  row("*/30 * 0-22 * * *", every(1, 0, 22), every(1, 0, 59), [0, 30]),
];
