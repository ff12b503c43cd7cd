import { describe, expect, test } from "vitest";
import type { Looked } from "../../src/dev/app-queues.ts";
import { Cron } from "../../src/dev/cron.ts";
import { DrainCalls, type Drained } from "../../src/dev/drain-calls.ts";
import { testClock } from "../../src/testing/clock.ts";
import { start } from "../support/clock.ts";
import { serveFetch } from "../support/http-server.ts";
import { afterwards } from "./running-dev.ts";

const idle: Drained = { isFailed: false, took: 0 };
const busy: Drained = { isFailed: false, took: 1 };
const fails: Drained = { isFailed: true, problem: "It fails." };
/** As `fetch` does for an app that takes a connection and never answers. */
const hangs = (signal: AbortSignal) =>
  new Promise<Drained>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

interface App {
  /** When something is due, in ms since the start, in a queue each. */
  times: readonly number[];
  looked: Partial<Looked>;
  answer: (signal: AbortSignal) => Drained | Promise<Drained>;
}

/** A cron for an app, when it was called, in ms since the start, and what the cron has said. */
function cronFor(given: Partial<App>) {
  const app: App = { times: [], looked: {}, answer: () => idle, ...given };
  const clock = testClock(start);
  const startedAt = clock();
  const calls: number[] = [];
  const said: string[] = [];
  const stop = new AbortController();
  const quiet = { isRunning: false, ended: 0 };
  const cron = new Cron({
    queues: {
      look: async () =>
        app.times.map((at, index) => ({ name: `queue ${index}`, nextAt: startedAt + at, ...quiet, ...app.looked })),
    },
    app: {
      call: async (signal) => {
        calls.push(clock() - startedAt);
        return app.answer(signal);
      },
    },
    clock,
    signal: stop.signal,
    onProblem: (problem) => said.push(problem ?? "The app responds."),
  });
  const run = cron.run();
  afterwards(() => {
    stop.abort();
    return run;
  });
  return { app, clock, calls, said };
}

describe("the cron of tidegate dev", () => {
  test("calls the app at the start, and each minute", async () => {
    const { clock, calls } = cronFor({});
    await clock.advance("2m");
    expect(calls).toEqual([0, 60_000, 120_000]);
  });

  test("calls it when something is due, and more and more seldom while it takes none of that", async () => {
    const { clock, calls } = cronFor({ times: [7_001] });
    await clock.advance("59s");
    expect(calls).toEqual([0, 7_001, 9_001, 13_001, 21_001, 37_001]);
  });

  test("calls it again at once when something else falls due", async () => {
    const { clock, calls } = cronFor({ times: [3_000, 8_500] });
    await clock.advance("9s");
    expect(calls).toEqual([0, 3_000, 5_000, 8_500]);
  });

  test("says once which queue the app does not drain", async () => {
    const { clock, said } = cronFor({ times: [1_000, 200_000] });
    await clock.advance("3m");
    expect(said).toEqual([expect.stringMatching(/^Jobs are due in the queue "queue 0", and the app takes none\./)]);
  });

  test("tries every two seconds while no app answers or it fails, and says when it answers", async () => {
    const { app, clock, calls, said } = cronFor({ answer: () => fails });
    await clock.advance("6s");
    expect(calls).toEqual([0, 2_000, 4_000, 6_000]);
    app.answer = () => busy;
    await clock.advance("2s");
    expect(said).toEqual(["It fails.", "The app responds."]);
  });

  test("waits for a call under way, except when a minute begins", async () => {
    const { clock, calls, said } = cronFor({ times: [1_000], looked: { isRunning: true }, answer: hangs });
    await clock.advance("2m");
    expect(calls).toEqual([0, 60_000]);
    expect(said).toEqual([]);
  });

  test("says that an app hangs once it leaves due jobs alone for ten seconds, and notices within two that it is back", async () => {
    const { app, clock, calls, said } = cronFor({ times: [5_000], answer: hangs });
    await clock.advance("14s");
    expect(said).toEqual([]);
    await clock.advance("10s");
    expect(said).toEqual([expect.stringMatching(/has not responded on its drain route for 10 s, and runs no job\./)]);
    const callsBefore = calls.length;
    app.answer = () => busy;
    await clock.advance("2s");
    expect(calls.length).toBeGreaterThan(callsBefore);
    expect(said.at(-1)).toBe("The app responds.");
  });

  test("takes an app for alive while attempts end", async () => {
    const { app, clock, said } = cronFor({ times: [0], answer: hangs });
    for (let second = 1; second < 30; second++) {
      app.looked = { ended: second };
      await clock.advance("1s");
    }
    expect(said).toEqual([]);
  });

  test("waits for no call once it is stopped", async () => {
    const stop = new AbortController();
    const parts = { queues: { look: async () => [] }, app: { call: hangs }, clock: testClock(start), onProblem() {} };
    const run = new Cron({ ...parts, signal: stop.signal }).run();
    stop.abort();
    await run;
  });

  test("says once that the clock of the app is wrong", async () => {
    let clockAheadMs = -40_000;
    const { clock, said } = cronFor({ answer: () => ({ ...busy, clockAheadMs: clockAheadMs++ }) });
    await clock.advance("3m");
    expect(said).toEqual([expect.stringMatching(/^The app's clock is 40 s behind this one\./)]);
  });
});

test("a drain route that wrangler dev reloads is called again, and one that stays unavailable is reported", async () => {
  const answers = [new Response("Your worker restarted mid-request.", { status: 503 }), Response.json({ claimed: 1 })];
  const app = await serveFetch(() => answers.shift() ?? new Response("Unavailable", { status: 503 }));
  afterwards(() => app.stop());
  const calls = new DrainCalls(new URL(app.url), async () => undefined);
  const { signal } = new AbortController();
  expect(await calls.call(signal)).toMatchObject({ isFailed: false, took: 1 });
  expect(await calls.call(signal)).toMatchObject({ isFailed: true, problem: expect.stringContaining("fails (503)") });
});
