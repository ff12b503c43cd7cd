import { describe, expect, test } from "vitest";
import { loadModule } from "../../src/cli/module.ts";
import { testClock } from "../../src/testing/clock.ts";
import { start } from "../support/clock.ts";
import { documentOf, hasEscapes, type Result, tidegate } from "./run-cli.ts";

const folder = `${import.meta.dirname}/modules`;

describe("a module of the user's", () => {
  test("gives each of its jobs once, exported by name and in an array", async () => {
    const { jobs, queues } = await loadModule("./jobs.ts", folder);
    expect(jobs.map(({ name }) => name)).toEqual(["send_email", "fails"]);
    expect(queues).toEqual([]);
  });

  test("may export an array, or an object, by default, and be JavaScript", async () => {
    expect((await loadModule("gated.ts", folder)).jobs.map(({ name }) => name)).toEqual(["gated"]);
    expect((await loadModule("./plain.mjs", folder)).jobs.map(({ name }) => name)).toEqual(["plain"]);
  });

  test("gives its queues in their order", async () => {
    const { queues } = await loadModule("./queues.ts", folder);
    expect(queues.map(({ name }) => name)).toEqual(["urgent", "bulk"]);
  });

  test.each([
    ["missing.ts", "There is no module missing.ts."],
    ["nothing.ts", "exports neither jobs nor a queue"],
    ["broken.ts", "could not be loaded. Error: the database\ufffd[2J is not there (broken.ts:1)\n"],
    ["broken-below.ts", "could not be loaded. Error: the database\ufffd[2J is not there (broken.ts:1)\n"],
  ])("%s is a mistake", async (file, message) => {
    const { code, stderr } = await tidegate(["queue:list", "--module", file], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(hasEscapes(stderr)).toBe(false);
  });

  test("with jobs alone needs to be told which Redis", async () => {
    const { code, stderr } = await tidegate(["queue:list", "--module", "./modules/jobs.ts"]);
    expect(code).toBe(2);
    expect(stderr).toContain("UPSTASH_REDIS_REST_URL is not set");
  });
});

describe("a queue of the module's own", () => {
  const module = ["--module", "./modules/queues.ts"];

  test("is what commands act on: the first, or the one that is named", async () => {
    expect((await tidegate(["queue:list", ...module])).stdout).toContain("Queue urgent of the module");
    expect((await tidegate(["queue:list", ...module, "--queue", "bulk"])).stdout).toContain("Queue bulk of the module");
  });

  test("is worked on, in the order in which they are given", async () => {
    const result = await tidegate(["queue:work", "--once", ...module, "--json"]);
    expect(result.code).toBe(0);
    expect(documentOf(result)).toMatchObject({ completed: 2 });
    const one = await tidegate(["queue:work", "--once", ...module, "--queue", "bulk", "--json"]);
    expect(documentOf(one)).toMatchObject({ completed: expect.any(Number) });
  });

  test("shows live counts while a drain is under way", async () => {
    const clock = testClock(start);
    Object.assign(globalThis, { clock });
    const shown: string[] = [];
    const work = ["queue:work", "--module", "./modules/clocked.ts", "--for", "9s"];
    let result: Promise<Result> | undefined;
    await new Promise<void>((begun) => {
      const onWrite = (text: string) => {
        shown.push(text.replace("\r\u001b[K", ""));
        if (shown.at(-1) === "0 completed") begun();
      };
      result = tidegate(work, { clock, isTerminal: true, onWrite });
    });
    await clock.advance("4s");
    expect(shown.at(-1)).toBe("1 completed");
    await clock.advance("5s");
    expect((await result)?.stdout).toBe("2 jobs completed.\n");
  });

  test("that is not there is a mistake, as is a prefix", async () => {
    const { code, stderr } = await tidegate(["queue:list", ...module, "--queue", "other"]);
    expect(code).toBe(2);
    expect(stderr).toContain("The module defines its own queues: urgent, bulk.");
    expect((await tidegate(["queue:list", ...module, "--prefix", "x"])).code).toBe(2);
  });
});
