import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isForAll } from "../../../scripts/shared/all-tests.ts";
import { prepareSuite, runtimes, type Suite } from "./runtimes.ts";

const expected = [
  "a job is enqueued, drained and done: ok",
  "a job that fails is retried with backoff, on a clock moved by hand: ok",
  "a dead job lies in the dead letter, and lives again: ok",
  "a job that outlives its timeout is aborted: ok",
  "cron knows Paris and its clock changes: ok",
  "a handler answers fetch, and lets nobody in without a token: ok",
  "a route file answers below its path, with a body to read: ok",
  "a client speaks to a handler, and gets its errors: ok",
];

describe("the built package", () => {
  let suite: Suite;
  beforeAll(async () => {
    suite = await prepareSuite();
  });
  afterAll(() => suite.remove());

  // Of Node, the release that runs the tests. The others run with `--all`.
  const chosen = Object.entries(runtimes).filter(([name]) => isForAll || !/^Node \d/.test(name));

  test.for(chosen)("does its work on %s", async ([, run]) => {
    expect(await run(suite)).toEqual(expected);
  });
});
