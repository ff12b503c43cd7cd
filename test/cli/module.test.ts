import { describe, expect, test } from "vitest";
import { loadModule } from "../../src/cli/module.ts";
import { testClock } from "../../src/testing/clock.ts";
import { start } from "../support/clock.ts";
import { documentOf, hasEscapes, type Result, tidegate } from "./run-cli.ts";

const folder = `${import.meta.dirname}/modules`;

describe("a user's module", () => {
  test("may export a job by name and in an array, and it counts once", async () => {
    const { jobs, queues } = await loadModule("./jobs.ts", folder);
    expect(jobs.map(({ name }) => name)).toEqual(["send_email", "fails"]);
    expect(queues).toEqual([]);
  });

  test("may have an array or an object as its default export, and be JavaScript", async () => {
    expect((await loadModule("gated.ts", folder)).jobs.map(({ name }) => name)).toEqual(["gated"]);
    expect((await loadModule("./plain.mjs", folder)).jobs.map(({ name }) => name)).toEqual(["plain"]);
  });

  test("may export queues, which keep their order", async () => {
    const { queues } = await loadModule("./queues.ts", folder);
    expect(queues.map(({ name }) => name)).toEqual(["urgent", "bulk"]);
  });

  test.each([
    ["missing.ts", "There is no module missing.ts."],
    ["nothing.ts", "exports neither jobs nor a queue"],
    ["broken.ts", "could not be loaded. Error: the database\ufffd[2J is not there (broken.ts:1)\n"],
    ["broken-below.ts", "could not be loaded. Error: the database\ufffd[2J is not there (broken.ts:1)\n"],
  ])("%s is a usage error", async (file, message) => {
    const { code, stderr } = await tidegate(["queue:list", "--module", file], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(hasEscapes(stderr)).toBe(false);
  });

  test("that exports only jobs needs the address of a Redis", async () => {
    const { code, stderr } = await tidegate(["queue:list", "--module", "./modules/jobs.ts"]);
    expect(code).toBe(2);
    expect(stderr).toContain("UPSTASH_REDIS_REST_URL is not set");
  });
});

describe("a queue that the module exports", () => {
  const module = ["--module", "./modules/queues.ts"];

  test("is the target of commands: the first one, or the one named", async () => {
    expect((await tidegate(["queue:list", ...module])).stdout).toMatch(/^QUEUE .*\nurgent .*\nbulk /);
    expect((await tidegate(["queue:list", ...module, "--queue", "bulk"])).stdout).toContain("Queue bulk of the module");
  });

  test("is drained, in the order of the --queue flags", async () => {
    const result = await tidegate(["queue:work", "--once", ...module, "--json"]);
    expect(result.code).toBe(0);
    expect(documentOf(result)).toMatchObject({ completed: 2 });
    const one = await tidegate(["queue:work", "--once", ...module, "--queue", "bulk", "--json"]);
    expect(documentOf(one)).toMatchObject({ completed: expect.any(Number) });
  });

  test("shows live counts during a drain", async () => {
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
    expect((await result)?.stdout).toBe("2 completed.\n");
  });

  test("that does not exist is a usage error, and so is a prefix", async () => {
    const { code, stderr } = await tidegate(["queue:list", ...module, "--queue", "other"]);
    expect(code).toBe(2);
    expect(stderr).toContain("The module defines its own queues: urgent, bulk.");
    expect((await tidegate(["queue:list", ...module, "--prefix", "x"])).code).toBe(2);
  });
});
