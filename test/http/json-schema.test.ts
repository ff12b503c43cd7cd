import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  duration,
  flag,
  list,
  object,
  type Schema,
  share,
  text,
  time,
  whole,
  word,
} from "../../src/core/shared/schema.ts";

const accepts = (schema: Schema, value: unknown) => {
  try {
    schema.read(value, "value");
    return true;
  } catch {
    return false;
  }
};

/** Whether the JSON Schema, which is published, allows a value. */
const allows = (schema: Schema, value: unknown) => z.fromJSONSchema(schema.json as never).safeParse(value).success;

const part = object({ a: whole(1, 10), b: text(3, "abc"), c: list(flag, 2), d: word(["x", "y"]), e: share }, ["a"]);

describe("a schema and its JSON Schema agree on", () => {
  test.each<[unknown, boolean]>([
    [{ a: 1 }, true],
    [{ a: 10, b: "abc", c: [true, false], d: "x", e: 0.5 }, true],
    [{}, false],
    [[], false],
    [null, false],
    [{ a: 0 }, false],
    [{ a: 11 }, false],
    [{ a: 1.5 }, false],
    [{ a: "1" }, false],
    [{ a: 1, b: "" }, false],
    [{ a: 1, b: "abcd" }, false],
    [{ a: 1, c: [1] }, false],
    [{ a: 1, c: [true, true, true] }, false],
    [{ a: 1, d: "z" }, false],
    [{ a: 1, e: 1.1 }, false],
    [{ a: 1, e: -0.1 }, false],
    [{ a: 1, f: 1 }, false],
  ])("%j: %s", (value, isFine) => {
    expect(accepts(part, value)).toBe(isFine);
    expect(allows(part, value)).toBe(isFine);
  });

  test.each<[unknown, boolean]>([
    ["30s", true],
    ["1.5h", true],
    [250, true],
    ["30", false],
    ["1 s", false],
    ["-1s", false],
    [-1, false],
    [true, false],
  ])("the duration %j: %s", (value, isFine) => {
    expect(accepts(duration, value)).toBe(isFine);
    expect(allows(duration, value)).toBe(isFine);
  });

  test.each<[unknown, boolean]>([
    ["2030-01-31T09:00:00Z", true],
    [0, true],
    ["2030-01-31", false],
    ["2028-02-29T09:00:00.5+02:00", true],
    ["soon", false],
    [null, false],
  ])("the time %j: %s", (value, isFine) => {
    expect(accepts(time, value)).toBe(isFine);
    expect(allows(time, value)).toBe(isFine);
  });
});
