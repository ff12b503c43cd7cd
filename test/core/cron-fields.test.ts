import { CronExpressionParser } from "cron-parser";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type CronField, type FieldRule, fieldRules, readField } from "../../src/core/cron-fields.ts";

// cron-parser reads the same language, and is the referee here. It stays out of the package: with luxon it takes 30 KB.

interface Reading {
  readonly values: readonly number[];
  readonly last: readonly number[];
  readonly nth: number;
  readonly isWildcard: boolean;
}

const parserNames = ["second", "minute", "hour", "dayOfMonth", "month", "dayOfWeek"] as const;

/** How cron-parser reads a field among wildcards; undefined where it refuses. */
function refereeReading(text: string, index: number): Reading | undefined {
  const parts = fieldRules.map((_, at) => (at === index ? text : "*"));
  try {
    const { fields } = CronExpressionParser.parse(parts.join(" "));
    const field = fields[parserNames[index] ?? "second"];
    const given: readonly (number | string)[] = field.values;
    const isDayOfWeek = index === 5;
    const numbers = given.filter((value) => typeof value === "number");
    return {
      values: inOrder(isDayOfWeek ? numbers.map((value) => value % 7) : numbers),
      last: inOrder(given.flatMap((value) => (typeof value === "string" ? (Number.parseInt(value, 10) || 0) % 7 : []))),
      nth: fields.dayOfWeek.nthDay,
      isWildcard: field.isWildcard,
    };
  } catch {
    return undefined;
  }
}

function inOrder(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

function ownReading(field: CronField | undefined): Reading | undefined {
  return field && { ...field, values: inOrder(field.values), last: inOrder(field.last) };
}

function textOf({ first, last, names = [] }: FieldRule): fc.Arbitrary<string> {
  const number = fc.oneof(
    { arbitrary: fc.integer({ min: first, max: last }).map(String), weight: 8 },
    { arbitrary: fc.constantFrom("0", "7", "60", "99", "-1", "", "x", "1.5"), weight: 1 },
    ...(names.length > 0 ? [{ arbitrary: fc.constantFrom(...names, "jan", "mOn"), weight: 3 }] : []),
  );
  const step = fc.oneof(fc.constantFrom("1", "2", "5", "15", "0", "x"), number);
  const item = fc.oneof(
    number,
    fc.tuple(number, number).map(([from, to]) => `${from}-${to}`),
    fc.tuple(fc.oneof(fc.constantFrom("*", "?"), number), step).map(([from, by]) => `${from}/${by}`),
    fc.tuple(number, number, step).map(([from, to, by]) => `${from}-${to}/${by}`),
    fc.constantFrom("*", "?", "L"),
    number.map((value) => `${value}L`),
    fc.tuple(number, fc.constantFrom("1", "2", "5", "6")).map(([day, nth]) => `${day}#${nth}`),
  );
  const text = fc.oneof(
    { arbitrary: item, weight: 3 },
    { arbitrary: fc.array(item, { minLength: 2, maxLength: 4 }).map((items) => items.join(",")), weight: 1 },
  );
  // An expression is split at its spaces, so no field is empty.
  return text.filter((field) => field !== "");
}

test.each(fieldRules.map((rule, index) => ({ name: rule.name, rule, index })))(
  "the $name field is read as cron-parser reads it",
  ({ rule, index }) => {
    fc.assert(
      fc.property(textOf(rule), (text) => {
        expect(ownReading(readField(text, rule))).toEqual(refereeReading(text, index));
      }),
      { numRuns: 3_000 },
    );
  },
);
