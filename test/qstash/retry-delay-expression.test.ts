import { describe, expect, test } from "vitest";
import { retryDelayMs } from "../../src/qstash/messages/retry-delay-expression.ts";

describe("an expression of Upstash-Retry-Delay", () => {
  test.each([
    ["1000", 3, 1_000],
    ["1000 * (1 + retried)", 2, 3_000],
    ["pow(2, retried) * 1000", 3, 8_000],
    ["max(1000, pow(2, retried) * 100)", 1, 1_000],
    ["max(1000, pow(2, retried) * 100)", 5, 3_200],
    ["min(5000, exp(retried), 7)", 1, Math.E],
    ["1 + 2 * 3 - 4 / 2", 0, 5],
    ["10 - 3 - 2", 0, 5],
    ["100 / 10 / 2", 0, 5],
    ["17 % 5", 0, 2],
    ["-retried + 10", 3, 7],
    ["--2", 0, 2],
    ["2 * -3 + 10", 0, 4],
    [" floor( 1.7 )+ceil(1.2)+round(.5) ", 0, 4],
    ["sqrt(abs(-16))", 0, 4],
    ["((((retried))))", 6, 6],
  ])("%s after %i retries is %d", (text, retried, expected) => {
    expect(retryDelayMs(text, retried, "it")).toBeCloseTo(expected, 9);
  });

  test.each([
    "",
    "abc",
    "1 +",
    "* 2",
    "(1",
    "1)",
    "1 2",
    "pow(2)",
    "pow(1,2,3)",
    "sqrt()",
    "min",
    "max(1,)",
    "retried retried",
    "2retried",
    "1e3",
    "1..2",
    "constructor",
    "constructor(1)",
    "__proto__",
    "toString()",
    "process.exit(1)",
    "this",
    "globalThis",
    "retried = 1",
    "1;2",
    "`1`",
    "[1]",
    "1 ** 2",
    "Math.pow(2, 3)",
    "(".repeat(300),
    `${"(".repeat(200)}1${")".repeat(200)}`,
    "1,2",
  ])("refuses %s", (text) => {
    expect(() => retryDelayMs(text, 0, "it")).toThrow("it must be an expression");
  });
});
