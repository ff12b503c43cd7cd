import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { issuesText, validate } from "../../../src/core/job/schema.ts";
import type { PayloadIssue } from "../../../src/core/shared/errors.ts";

const secret = "4929-secret";
const schemas = {
  zod: z.object({ card: z.number(), list: z.array(z.number()) }),
  valibot: v.object({ card: v.number(), list: v.array(v.number()) }),
  arktype: type({ card: "number", list: "number[]" }),
};

describe.each(Object.entries(schemas))("the issues of %s", (_, schema) => {
  test("name each field, and contain nothing of the payload", async () => {
    const result = await validate(schema, { card: secret, list: [1, secret] });
    const issues = "issues" in result ? result.issues : [];
    expect(issues.map(({ path }) => path)).toEqual([["card"], ["list", 1]]);
    expect(JSON.stringify(issues)).not.toContain(secret);
    expect(issuesText(issues)).toMatch(/^card: .+; list\.1: .+$/);
  });

  test("do so for a payload that is not an object", async () => {
    const result = await validate(schema, secret);
    expect("issues" in result && result.issues.length).toBe(1);
    expect(JSON.stringify(result)).not.toContain(secret);
  });

  test("are none for a payload that fits", async () => {
    expect(await validate(schema, { card: 1, list: [] })).toEqual({ value: { card: 1, list: [] } });
  });
});

test("a schema that throws refuses the payload with the name of the error, not its message, which may contain the payload", async () => {
  const throwing = z.string().transform((text) => BigInt(text));
  const result = await validate(throwing, secret);
  expect(result).toEqual({ issues: [{ message: "the schema threw a SyntaxError", path: [] }], threw: true });
});

test("a message keeps the letters of a short value inside its own words, and is withheld if it repeats the value", async () => {
  const messageFor = async (value: string, message: string) => {
    const schema = z.object({ amount: z.unknown().refine(() => false, message) });
    return issuesText(((await validate(schema, { amount: value })) as { issues: PayloadIssue[] }).issues);
  };
  const usual = "expected number, received string";
  for (const value of ["x", "in", "EX"]) expect(await messageFor(value, usual)).toBe(`amount: ${usual}`);
  for (const [value, message] of [
    ["x", "x is no number"],
    ["FR", 'no country "FR"'],
    ["a", "no plan_a"],
    ["ab", "值ab无效"],
    ["42", "no user42"],
    ["x4", "no boxx4"],
    ["ber", "no number"],
  ] as const)
    expect(await messageFor(value, message)).toBe("amount: does not fit the schema");
});

describe("the issues of a payload of any size", () => {
  const list = z.object({ rows: z.array(z.string()) });

  test("are 20 at most, and say how many more there are", async () => {
    const result = await validate(list, { rows: Array(5_000).fill(1) });
    const issues = "issues" in result ? result.issues : [];
    expect(issues).toHaveLength(21);
    expect(issues.at(-1)).toEqual({ message: "and 4980 more issues", path: [] });
  });

  test("have short texts, whatever the library says and the keys are", async () => {
    const keys = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`${"k".repeat(4_000)}${index}`, 1]));
    for (const schema of [z.strictObject({}), z.record(z.string(), z.string())]) {
      const result = await validate(schema, keys);
      expect("issues" in result && JSON.stringify(result.issues).length).toBeLessThan(20_000);
    }
  });

  test("repeat no value that the library escapes, or that another field has", async () => {
    const email = type({ to: "string.email" });
    for (const to of ['hun"ter2', "hun\\ter2", "hun\nter2"]) {
      const result = await validate(email, { to });
      expect("issues" in result && result.issues).toEqual([{ message: "does not fit the schema", path: ["to"] }]);
    }
    const sibling = z.object({ a: z.string(), b: z.string() }).superRefine(({ a }, context) => {
      context.addIssue({ code: "custom", path: ["b"], message: `is not ${a}` });
    });
    const result = await validate(sibling, { a: "hunter2", b: "x" });
    expect("issues" in result && result.issues).toEqual([{ message: "does not fit the schema", path: ["b"] }]);
  });
});
