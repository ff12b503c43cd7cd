import { expect, test } from "vitest";
import { attemptError, type JobRecord, withError } from "../../../src/core/job/record.ts";

test("a job keeps its last five failures", () => {
  let record: JobRecord = { name: "job", enqueuedAt: 0 };
  for (let attempt = 1; attempt <= 7; attempt++) record = withError(record, attemptError(new Error(), attempt, 0));
  expect(record.errors?.map(({ attempt }) => attempt)).toEqual([3, 4, 5, 6, 7]);
});

test("each failure keeps 1,000 characters of the message and 4,000 of the stack, and splits no character", () => {
  const error = Object.assign(new Error(`${"m".repeat(999)}😀`), { stack: "s".repeat(5_000) });
  const { message, stack } = attemptError(error, 1, 0);
  expect(message).toBe(`${"m".repeat(999)}\uFFFD ...`);
  expect(stack).toBe(`${"s".repeat(4_000)} ...`);
});
