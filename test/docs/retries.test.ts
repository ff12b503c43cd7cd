import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as retries from "../../examples/guide/retries.ts";
import { type AnyJob, defineJob, memoryStore, Queue } from "../../src/index.ts";
import { drainAll, performJob, testClock } from "../../src/testing/index.ts";
import { root } from "../package/built.ts";
import { start } from "../support/clock.ts";

const answers = (...responses: Response[]) =>
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => responses.shift() as Response),
  );

afterEach(() => {
  vi.unstubAllGlobals();
});

/** The waits before the retries of a job that always fails, in seconds. */
async function waits(job: AnyJob, random: () => number = () => 0.5): Promise<number[]> {
  const clock = testClock(start);
  const attempts: number[] = [];
  const perform = () => {
    attempts.push(clock.now);
    throw new Error("no luck");
  };
  const queue = new Queue({ store: memoryStore(), jobs: [{ ...job, perform }], clock, random });
  await queue.enqueue(job.name, { url: "" });
  await drainAll(queue, { clock });
  return attempts.slice(1).map((at, index) => (at - (attempts[index] ?? 0)) / 1_000);
}

describe("waits before retries", () => {
  test("double from 60 s by default", async () => {
    expect(await waits(defineJob({ name: "job", perform() {} }))).toEqual([60, 120, 240]);
  });

  test("follow a rule, spread by jitter", async () => {
    expect(await waits(retries.syncStock)).toEqual([10, 20, 40, 80, 160]);
    expect(await waits(retries.syncStock, () => 0)).toEqual([9, 18, 36, 72, 144]);
  });

  test("follow a function, which sees the error", async () => {
    expect(await waits(retries.callPartner)).toEqual([300, 600, 900]);
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("fetch failed")));
    const clock = testClock(start);
    const outcome = await performJob(retries.callPartner, { url: "https://partner.example.com" }, { clock });
    expect(outcome).toMatchObject({ status: "retried", runAt: new Date(start + 5_000) });
  });
});

test("the lines of the page are those that a queue logs", async () => {
  const [first, last] = readFileSync(join(root, "docs/guide/retries.md"), "utf8").match(/^tidegate: .*$/gm) ?? [];
  const id = /\(([0-9a-f-]{36})\)/.exec(first ?? "")?.[1] ?? "";
  const lines: string[] = [];
  const logger = { warn: (line: string) => lines.push(line), error: (line: string) => lines.push(line) };
  const clock = testClock(start);
  const jobs = [retries.syncStock];
  const queue = new Queue({ store: memoryStore(), jobs, clock, logger, newId: () => id, random: () => 0.5 });
  answers(...Array.from({ length: 6 }, () => new Response(null, { status: 503 })));
  await queue.enqueue(retries.syncStock, { url: "https://warehouse.example.com" });
  await drainAll(queue, { clock });
  expect([lines[0], lines.at(-1)]).toEqual([first, last]);
});

describe("a job can say:", () => {
  const clock = testClock(start);
  const attempt = () => performJob(retries.chargeCard, { order: 7 }, { clock });

  test("it is done", async () => {
    answers(new Response(null, { status: 200 }));
    expect(await attempt()).toMatchObject({ status: "completed", result: { charged: 7 } });
  });

  test("it will never succeed", async () => {
    answers(new Response(null, { status: 402 }));
    expect(await attempt()).toMatchObject({ status: "dead", error: { name: "PermanentError" } });
  });

  test("again at the time the other side asks for", async () => {
    answers(new Response(null, { status: 429, headers: { "Retry-After": "120" } }));
    expect(await attempt()).toMatchObject({ status: "retried", runAt: new Date(start + 120_000) });
  });

  test("again later, with no attempt used", async () => {
    answers(new Response(null, { status: 202 }));
    expect(await attempt()).toMatchObject({ status: "snoozed", runAt: new Date(start + 3_600_000) });
  });

  test("it failed", async () => {
    answers(new Response(null, { status: 500 }));
    expect(await attempt()).toMatchObject({ status: "retried", runAt: new Date(start + 60_000) });
  });
});

describe("timeouts", () => {
  beforeEach(() => {
    retries.drawn.length = 0;
  });

  test("are extended page by page", async () => {
    const outcome = await performJob(retries.render, { pages: ["one", "two"] });
    expect(outcome).toMatchObject({ status: "completed" });
    expect(retries.drawn).toEqual(["one", "two"]);
  });

  test("stop a job before its next page", async () => {
    const outcome = await performJob(retries.render, { pages: ["one"] }, { signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ status: "retried" });
    expect(retries.drawn).toEqual([]);
  });

  test("count as failures", async () => {
    const clock = testClock(start);
    const hangs = defineJob({ name: "hangs", perform: (_: undefined, job) => clock.sleep(3_600_000, job.signal) });
    const queue = new Queue({ store: memoryStore(), jobs: [hangs], clock });
    const { id } = await queue.enqueue(hangs);
    const report = queue.drain();
    await clock.advance("31s");
    expect(await report).toMatchObject({ retried: 1 });
    expect((await queue.getJob(id))?.errors).toMatchObject([{ name: "TimeoutError" }]);
  });
});
