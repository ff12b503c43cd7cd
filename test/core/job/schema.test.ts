import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { issuesText, validate } from "../../../src/core/job/schema.ts";

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
