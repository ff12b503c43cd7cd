import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram, type Program } from "../support/child.ts";
import { drainLargePayloads, drainTogether, poison } from "../support/overload.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { onEveryStore } from "../support/stores.ts";

// A small share of `npm run soak -- overload`.

onEveryStore((kind) => {
  test("fifty drains at once perform each of 2,000 jobs once", async () => {
    await drainTogether(kind.create(), { jobs: 2_000, drains: 50 });
  });

  test("payloads as large as they may be arrive whole, in claims that an answer can hold", async () => {
    await drainLargePayloads(kind.create(), 2);
  });
});

describe("a job that kills its invocation each time", () => {
  let stage: Stage;
  let program: Program;
  beforeAll(async () => {
    stage = await openStage();
    program = await buildProgram("poison-child.ts");
  });
  afterAll(async () => {
    await program.remove();
    await stage.close();
  });

  test("ends in the dead letter once its attempts are used, and others run", { timeout: 60_000 }, async () => {
    expect(await poison(stage, program, 40)).toEqual({ kills: 4, harmed: 0 });
  });
});
