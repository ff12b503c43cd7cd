import fc from "fast-check";
import { expect, test } from "vitest";
import { trials } from "../../scripts/shared/all-tests.ts";
import { parseCron } from "../../src/core/cron/cron.ts";
import { describeCron } from "../../src/http/dashboard/page/views/describe-cron.ts";
import { start } from "../support/clock.ts";

const DAY_S = 86_400;
const unitSeconds: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3_600 };
const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = Array.from({ length: 12 }, (_, index) =>
  new Date(Date.UTC(2026, index)).toLocaleString("en-US", { month: "long", timeZone: "UTC" }),
);

/** The items of a list in words: "a, b and c". */
const items = (text: string) => text.split(/, | and /);

/** The indexes of names in a list in words, with ranges such as "Friday to Sunday". */
function indexes(text: string, names: readonly string[]): readonly number[] {
  return items(text).flatMap((item) => {
    const [first = "", last = first] = item.split(" to ");
    const from = names.indexOf(first);
    const to = names.indexOf(last);
    expect([from, to]).not.toContain(-1);
    return Array.from(
      { length: ((to - from + names.length) % names.length) + 1 },
      (_, add) => (from + add) % names.length,
    );
  });
}

/** At which seconds of a day it fires, by what the words say. */
function secondsOf(time: string): readonly number[] {
  const [, count = "1", unit] = /^every (?:(\d+) )?(second|minute|hour)s?$/.exec(time) ?? [];
  const [, minute] = /^every hour at :(\d\d)$/.exec(time) ?? [];
  if (minute !== undefined) return Array.from({ length: 24 }, (_, hour) => hour * 3_600 + Number(minute) * 60);
  if (unit !== undefined) {
    const step = Number(count) * (unitSeconds[unit] ?? 0);
    // Else two of them would be closer together at midnight.
    expect(DAY_S % step).toBe(0);
    return Array.from({ length: DAY_S / step }, (_, index) => index * step);
  }
  return items(time.replace(/^at /, "")).map((clock) => {
    const [hours, minutes] = clock.split(":").map(Number);
    return (hours ?? Number.NaN) * 3_600 + (minutes ?? Number.NaN) * 60;
  });
}

/** On which days it fires, by what the words say. What is said of every month or year must hold for each. */
function daysOf(date: string): (day: Date) => boolean {
  const [, inMonths] = /(?:in|last day of|\d) ((?:[A-Z]\w+|,| |and|to)+)$/.exec(date) ?? [];
  const named = inMonths === undefined ? undefined : indexes(inMonths, months);
  const isInMonth = (day: Date) => named?.includes(day.getUTCMonth()) ?? true;
  const [, dates] = /^every (?:month on day|year on) ([\d, and]+?)(?: [A-Z]|$)/.exec(date) ?? [];
  if (dates !== undefined) {
    const numbers = items(dates).map(Number);
    for (const month of named ?? months.keys())
      for (const number of numbers) expect(new Date(Date.UTC(2026, month, number)).getUTCMonth()).toBe(month);
    return (day) => isInMonth(day) && numbers.includes(day.getUTCDate());
  }
  if (/^on the last day of /.test(date))
    return (day) => isInMonth(day) && new Date(day.getTime() + DAY_S * 1_000).getUTCDate() === 1;
  const [, days = ""] = /^every (.*?)(?: in .*)?$/.exec(date) ?? [];
  if (days === "day") return isInMonth;
  const onDays = indexes(days, weekdays);
  return (day) => isInMonth(day) && onDays.includes(day.getUTCDay());
}

/** The first occurrences after a moment, by what the words say. */
function saidBy(words: string, after: number, count: number): readonly number[] {
  const text = words.replace(/^./, (first) => first.toLowerCase());
  const [, date, at] = /^(.*?) (at \d\d:.*)$/.exec(text) ?? [];
  const [, every = "", on] = /^(every (?:\d+ )?(?:second|minute|hour)s?(?: at :\d\d)?)(?:, (.*))?$/.exec(text) ?? [];
  const seconds = [...secondsOf(at ?? every)].sort((a, b) => a - b);
  const isOn = daysOf(date ?? on ?? "every day");
  const found: number[] = [];
  for (let day = Math.floor(after / 1_000 / DAY_S) * DAY_S; found.length < count; day += DAY_S)
    if (isOn(new Date(day * 1_000)))
      for (const second of seconds) if ((day + second) * 1_000 > after) found.push((day + second) * 1_000);
  return found.slice(0, count);
}

const step = (most: number) => fc.integer({ min: 1, max: most }).map((each) => `*/${each}`);
const some = (least: number, most: number) =>
  fc.uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 3 }).map((all) => all.join(","));
const names = (all: readonly string[]) => fc.constantFrom(...all.map((name) => name.slice(0, 3).toUpperCase()));
const any = fc.constant("*");
const fields = fc.tuple(
  fc.oneof(fc.constant("0"), fc.constant("0"), any, step(59)),
  fc.oneof(fc.constant("0"), any, step(59), fc.integer({ min: 0, max: 59 }).map(String)),
  fc.oneof(any, step(23), some(0, 23)),
  fc.oneof(any, any, fc.constant("L"), some(1, 31)),
  fc.oneof(any, any, some(1, 12), names(months), fc.constant("2-4,NOV")),
  fc.oneof(any, any, some(0, 6), names(weekdays), fc.constantFrom("MON-FRI", "5-7", "0-3,SAT", "?")),
);
const aliases = [
  "yearly",
  "annually",
  "monthly",
  "weekly",
  "daily",
  "hourly",
  "minutely",
  "secondly",
  "weekdays",
  "weekends",
];
const expressions = fc.oneof(
  { weight: 20, arbitrary: fields.map((all) => all.join(" ")) },
  { weight: 1, arbitrary: fc.constantFrom(...aliases.map((alias) => `@${alias}`)) },
);

test("an expression fires exactly when its words say", () => {
  let described = 0;
  fc.assert(
    fc.property(expressions, fc.integer({ min: 0, max: 366 * DAY_S }), (expression, seconds) => {
      const words = describeCron(expression);
      if (words === undefined) return;
      described++;
      const from = start + seconds * 1_000;
      const cron = parseCron(expression);
      const fired: number[] = [];
      for (let at = cron.next(from); at !== undefined && fired.length < 60; at = cron.next(at)) fired.push(at);
      const asTimes = (all: readonly number[]) => all.map((at) => new Date(at).toISOString());
      expect({ words, fired: asTimes(fired) }).toEqual({ words, fired: asTimes(saidBy(words, from, 60)) });
    }),
    {
      numRuns: trials(4_000),
      examples: [
        ["*/45 * * * *", 0],
        ["0 */5 * * *", 0],
        ["0 9 31 * *", 0],
        ["0 9 29 2 *", 0],
      ],
    },
  );
  expect(described).toBeGreaterThan(trials(400));
});

test.each(aliases)("the alias @%s is described", (alias) => {
  expect(describeCron(`@${alias}`)).toEqual(expect.any(String));
});
