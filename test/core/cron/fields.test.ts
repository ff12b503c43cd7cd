import { CronExpressionParser } from "cron-parser";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseFields } from "../../../src/core/cron/fields.generated.js";

const item = fc.constantFrom(..."*,?,0,7,31,60,1-5,5-1,*/7,H,H/9,H(1-5),L,5L,1#2,6#6,JAN,fri,W,,".split(","));
const field = fc.oneof(
  item,
  fc.array(item, { maxLength: 3 }).map((items) => items.join(",")),
);

test("expressions have the fields that the whole of cron-parser reads, or are refused as it does", () => {
  const outcome = (parse: () => ReturnType<typeof parseFields>) => {
    try {
      const { second, minute, hour, month, dayOfMonth, dayOfWeek } = parse();
      const values = [second, minute, hour, month, dayOfMonth, dayOfWeek].map((each) => each.values);
      return { values, anyDate: dayOfMonth.isWildcard, anyDay: dayOfWeek.isWildcard, nthDay: dayOfWeek.nthDay };
    } catch {
      return "refused";
    }
  };
  fc.assert(
    fc.property(fc.array(field, { minLength: 5, maxLength: 7 }), fc.string({ minLength: 1 }), (fields, hashSeed) => {
      const expression = fields.join(" ");
      expect(outcome(() => parseFields(expression, hashSeed))).toEqual(
        outcome(() => CronExpressionParser.parse(expression, { hashSeed }).fields),
      );
    }),
    { numRuns: 500 },
  );
});
