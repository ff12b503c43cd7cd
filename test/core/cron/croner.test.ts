import { Cron } from "croner";
import fc from "fast-check";
import { expect, test } from "vitest";
import { trials } from "../../../scripts/shared/all-tests.ts";
import { parseCron } from "../../../src/core/cron/cron.ts";

// croner shares no code with cron-parser, which reads the expressions here. In UTC, which has no clock changes, both
// must agree.

const from = Date.UTC(2026, 0, 1);

/** Fields that both read: croner does not accept a step after a single value, and reads `?` as now. */
function field(first: number, last: number, more: readonly string[] = []): fc.Arbitrary<string> {
  const number = fc.integer({ min: first, max: last });
  const range = fc.tuple(number, number).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const step = fc.integer({ min: 1, max: last });
  const item = fc.oneof(
    number.map(String),
    range.map(([a, b]) => `${a}-${b}`),
    fc.tuple(range, step).map(([[a, b], by]) => `${a}-${b}/${by}`),
    step.map((by) => `*/${by}`),
    ...(more.length > 0 ? [fc.constantFrom(...more)] : []),
  );
  return fc.oneof(
    { arbitrary: fc.constant("*"), weight: 2 },
    { arbitrary: item, weight: 3 },
    { arbitrary: fc.array(item, { minLength: 2, maxLength: 3 }).map((items) => items.join(",")), weight: 1 },
  );
}

const expressions = fc
  .tuple(
    field(0, 59),
    field(0, 59),
    field(0, 23),
    field(1, 31, ["L"]),
    field(1, 12, ["JAN", "jun", "DEC"]),
    field(0, 6, ["MON", "FRI", "sun", "5L", "1#2", "7"]),
  )
  .map((fields) => fields.join(" "));

function readHere(expression: string) {
  try {
    return parseCron(expression).next;
  } catch {
    return undefined;
  }
}

test("an expression that croner reads too fires when croner says", () => {
  let compared = 0;
  fc.assert(
    fc.property(expressions, (expression) => {
      const next = readHere(expression);
      if (!next) return;
      const expected = new Cron(expression, { timezone: "UTC" }).nextRuns(5, new Date(from)).map(Number);
      const found: number[] = [];
      for (let at = next(from); at !== undefined && found.length < 5; at = next(at)) found.push(at);
      expect({ expression, found }).toEqual({ expression, found: expected });
      compared++;
    }),
    { numRuns: trials(4_000) },
  );
  expect(compared).toBeGreaterThan(trials(1_000));
});
