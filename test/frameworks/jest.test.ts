import { rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { installExample, run } from "./app.ts";

const jest = [process.execPath, "node_modules/jest/bin/jest.js"];

describe("the example for Jest", () => {
  test("passes with one line of configuration, and fails without it", async () => {
    const app = await installExample("jest");
    expect(await run(app, jest, {})).toContain("1 passed");
    await rm(join(app, "jest.config.js"));
    await expect(run(app, jest, {})).rejects.toThrow(/transformIgnorePatterns/);
  }, 240_000);
});
