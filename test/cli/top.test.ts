import { setImmediate } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { type Snapshot, waitBeforeRefresh } from "../../src/cli/top/snapshots.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/clock.ts";
import { start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";
import {
  adminToken,
  behindHandler,
  documentOf,
  errorOf,
  inRedis,
  Keyboard,
  kill,
  type Target,
  tidegate,
  type World,
} from "./run-cli.ts";

const wide = "日本語".repeat(20);
const breaks = defineJob({
  name: wide,
  maxRetries: 0,
  perform() {
    throw new Error(`no\nluck \u001b[2J \u009b2J \u202e ${"word ".repeat(50)}`);
  },
});
const waits = defineJob({ name: "waits", perform: () => new Promise<void>(() => {}) });

/** A handler of two queues, one with dead and running jobs, and the command line that talks to it. */
async function served() {
  const clock = testClock(start);
  const store = memoryStore();
  const queues = ["mail", "n".repeat(60)].map(
    (name) => new Queue({ name, store, clock, jobs: [breaks, waits], logger: null }),
  ) as [Queue, Queue];
  const handler = createHandler({ queues, auth: { read: [adminToken] } });
  const [mail] = queues;
  await mail.enqueueMany([{ job: breaks }, { job: breaks }]);
  await mail.drain();
  await mail.enqueueMany([{ job: waits }, { job: waits }]);
  const drain = mail.drain();
  while ((await mail.getStats()).runningCount < 2) await setImmediate();
  let requests: string[] = [];
  const env = { TIDEGATE_URL: "https://queue.test/jobs", TIDEGATE_TOKEN: adminToken, NO_COLOR: "1" };
  const cli = (argv: readonly string[], world: World = {}) =>
    tidegate(argv, {
      env,
      clock,
      columns: 80,
      fetch: (request) => {
        requests.push(new URL(request.url).pathname);
        return handler.fetch(new Request(request.url.replace("/jobs/", "/"), request));
      },
      ...world,
    });
  const asked = () => {
    const before = requests;
    requests = [];
    return before;
  };
  return { mail, clock, cli, asked, drain };
}

/** Counts what is written to standard output: frames, or documents. */
function writes() {
  let count = 0;
  return {
    onWrite: () => {
      count++;
    },
    /** Resolves once that many have been written. */
    reach: async (wanted: number) => {
      while (count < wanted) await setImmediate();
    },
  };
}

/** The frames of a screen, as lines. */
function framesOf(stdout: string): string[][] {
  const [, ...frames] = stdout.split("\u001b[H");
  return frames.map((frame) => stripVTControlCharacters(frame).split("\n"));
}

describe("queue:top", () => {
  test("without a terminal shows queues, running jobs and what broke last, once", async () => {
    const { cli } = await served();
    const { code, stdout, stderr } = await cli(["queue:top"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^2 queues at queue\.test\/jobs {2}12:00:00 UTC\n\nQUEUE +READY/);
    expect(stdout).toMatch(/\nmail +0 +0 +2 +2 +0\.4\/min +/);
    expect(stdout.match(/\n[\w-]+ +mail +1 of 4 +0 seconds +waits/g)).toHaveLength(2);
    expect(stdout).toMatch(/\nmail +[\da-f]{12} +2 +now +now +.*Error: no luck/);
  });

  test("on a terminal fits 80 columns, and leaves the terminal as it was on Ctrl-C", async () => {
    const { clock, cli } = await served();
    const ctrlC = new AbortController();
    const { onWrite, reach } = writes();
    const top = cli(["queue:top"], { isTerminal: true, interruption: ctrlC.signal, onWrite });
    // The first write opens the screen.
    await reach(2);
    await clock.advance("5s");
    await reach(3);
    ctrlC.abort();
    const { code, stdout } = await top;
    expect(code).toBe(0);
    expect(stdout.startsWith("\u001b[?1049h\u001b[?25l\u001b[?7l")).toBe(true);
    expect(stdout.endsWith("\u001b[?7h\u001b[?25h\u001b[?1049l")).toBe(true);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: sequences for the terminal begin with one
    const sequences = [...stdout.matchAll(/\u001b(\[[?\d]*[A-Za-z])/g)].map(([, text]) => text);
    const own = ["[?1049h", "[?25l", "[?7l", "[H", "[K", "[J", "[?7h", "[?25h", "[?1049l"];
    expect([...new Set(sequences)].sort()).toEqual(own.sort());
    const frames = framesOf(stdout);
    expect(frames).toHaveLength(2);
    for (const lines of frames) {
      expect(lines.filter((line) => stringWidth(line) > 80)).toEqual([]);
      expect(lines.length).toBeLessThanOrEqual(24);
      expect(lines.join("")).not.toMatch(/\p{Cc}|\u202e/u);
    }
    expect(frames[1]?.[0]).toContain("12:00:05 UTC");
  });

  describe("its keys", () => {
    /** Starts it on a terminal with a keyboard, and returns its latest frame. */
    async function steered() {
      const parts = await served();
      const keyboard = new Keyboard();
      const ctrlC = new AbortController();
      let text = "";
      let frames = 0;
      const onWrite = (written: string) => {
        text = stripVTControlCharacters(written);
        frames++;
      };
      const top = parts.cli(["queue:top"], { isTerminal: true, interruption: ctrlC.signal, keyboard, onWrite });
      const reach = async (wanted: number) => {
        while (frames < wanted) await setImmediate();
      };
      await reach(2);
      parts.asked();
      /** Presses a key, and waits for the next frames. */
      const press = async (key: string, more = 1) => {
        const before = frames;
        keyboard.press(key);
        await reach(before + more);
        return text;
      };
      return { ...parts, keyboard, ctrlC, top, press, reach, frame: () => text, count: () => frames };
    }

    test.each([
      ["q", "q"],
      ["Q", "Q"],
      ["Ctrl-C, which is a key in raw mode", "\u0003"],
    ])("%s ends it, and the terminal is as it was", async (_, key) => {
      const { keyboard, top } = await steered();
      expect(keyboard).toMatchObject({ isRaw: true, changes: 1 });
      keyboard.press(key);
      const { code, stdout } = await top;
      expect([code, stdout.endsWith("\u001b[?7h\u001b[?25h\u001b[?1049l")]).toEqual([0, true]);
      expect(keyboard).toMatchObject({ isRaw: false, changes: 2 });
      expect(keyboard.stdin.listenerCount("data")).toBe(0);
    });

    test("the terminal is as it was after SIGTERM, too", async () => {
      const { keyboard, top, ctrlC } = await steered();
      ctrlC.abort();
      await top;
      expect(keyboard).toMatchObject({ isRaw: false, changes: 2 });
    });

    test("the terminal is as it was after an error", async () => {
      const keyboard = new Keyboard();
      const { cli } = behindHandler();
      const fetch = async () => Response.json({ code: "unauthorized", detail: "Unknown token." }, { status: 401 });
      expect((await cli(["queue:top"], { isTerminal: true, keyboard, fetch })).code).toBe(1);
      expect(keyboard).toMatchObject({ isRaw: false, changes: 2 });
    });

    test("tab and the arrows show one queue after another, with its own running jobs, at once", async () => {
      const { press, asked, frame } = await steered();
      expect(frame()).toMatch(/\nmail [\s\S]*\nn{8}/);
      expect(await press("\t", 2)).not.toMatch(/\nn{8}/);
      expect(asked()).toEqual(["/jobs/queues", "/jobs/queues/mail/jobs"]);
      const other = await press("\u001b[C", 2);
      expect(other).toMatch(/\nn{8}/);
      expect(other).not.toMatch(/mail|waits|no luck/);
      expect(asked()).toEqual(["/jobs/queues"]);
      expect(await press("\u001b[D", 2)).toMatch(/\nmail /);
      expect(await press("\u001b[Z", 2)).toMatch(/\nmail [\s\S]*\nn{8}/);
    });

    test("s sorts, p pauses, r refreshes, ? explains, and others do nothing", async () => {
      const { press, asked, clock, count, reach, mail } = await steered();
      expect(await press("?")).toMatch(/p +pause the screen/);
      expect(await press("?")).not.toMatch(/pause the screen/);
      expect(await press("s")).toContain("Sorted by ready jobs.");
      expect(await press("p")).toContain("PAUSED: p goes on");
      const frames = count();
      await clock.advance("10m");
      await mail.enqueue(breaks, undefined, { delay: "1h" });
      expect([count(), asked()]).toEqual([frames, []]);
      await press("r", 2);
      expect(asked()).not.toEqual([]);
      await press("p");
      await clock.advance("1m");
      await reach(frames + 3);
      expect(asked()).not.toEqual([]);
      const before = count();
      expect(await press("x\u001b[A?")).toMatch(/p +pause the screen/);
      expect(count()).toBe(before + 1);
    });

    test("are not read when it prints for a program", async () => {
      const { cli } = await served();
      const keyboard = new Keyboard();
      const ctrlC = new AbortController();
      const { onWrite, reach } = writes();
      const top = cli(["queue:top", "--json"], { isTerminal: true, keyboard, interruption: ctrlC.signal, onWrite });
      await reach(1);
      ctrlC.abort();
      await top;
      expect(keyboard.changes).toBe(0);
    });
  });

  test("ends on Ctrl-C though a handler does not answer", async () => {
    const ctrlC = new AbortController();
    const never = () => {
      queueMicrotask(() => ctrlC.abort());
      return new Promise<Response>(() => {});
    };
    const { cli } = behindHandler();
    const { code, stdout } = await cli(["queue:top"], { isTerminal: true, interruption: ctrlC.signal, fetch: never });
    expect(code).toBe(0);
    expect(stdout.endsWith("\u001b[?1049l")).toBe(true);
  });

  test("looks less often while nothing happens, and reads no more than has changed", async () => {
    const { mail, clock, cli, asked } = await served();
    const ctrlC = new AbortController();
    const { onWrite, reach } = writes();
    const top = cli(["queue:top", "--json"], { interruption: ctrlC.signal, onWrite });
    await reach(1);
    expect(asked()).toEqual(["/jobs/queues", "/jobs/queues/mail/jobs", "/jobs/queues/mail/failures"]);
    await clock.advance("5s");
    await reach(2);
    expect(asked()).toEqual(["/jobs/queues"]);
    await clock.advance("9s");
    expect(asked()).toEqual([]);
    // Later than the drain of the running jobs checks on them.
    await mail.enqueue(breaks, undefined, { delay: "1h" });
    await clock.advance("1s");
    await reach(3);
    expect(asked()).toEqual(["/jobs/queues", "/jobs/queues/mail/jobs"]);
    await mail.clear({ state: "dead" });
    await clock.advance("5s");
    await reach(4);
    ctrlC.abort();
    const { stdout } = await top;
    const frames = stdout.trimEnd().split("\n");
    expect(frames.map((line) => JSON.parse(line))).toMatchObject([
      { running: [{ name: "waits", queue: "mail" }, {}], failures: [{ queue: "mail", count: 2 }], commandsPerHour: 0 },
      { queues: [{ stats: { readyCount: 0 } }, {}], failures: [{ count: 2 }] },
      { queues: [{ stats: { scheduledCount: 1 } }, {}], failures: [{ count: 2 }] },
      { failures: [] },
    ]);
    expect(stdout).not.toMatch(/payload|stack/);
  });

  test("counts again when something has come due, though nothing has happened", async () => {
    const { queue, clock, cli } = behindHandler();
    await queue.enqueue("send_email", { to: "ada" }, { delay: "7s" });
    const ctrlC = new AbortController();
    const { onWrite, reach } = writes();
    const top = cli(["queue:top", "--json"], { interruption: ctrlC.signal, onWrite });
    await reach(1);
    await clock.advance("5s");
    await reach(2);
    await clock.advance("5s");
    await reach(3);
    ctrlC.abort();
    const frames = (await top).stdout.trimEnd().split("\n");
    const ready = frames.map((line) => (JSON.parse(line) as Snapshot).queues[0]?.stats.readyCount);
    expect(ready).toEqual([0, 0, 1]);
  });

  test("goes on after a failure that may pass, says so, and ends with others", async () => {
    const { fetch, clock, cli } = behindHandler();
    let answer = fetch;
    const { onWrite, reach } = writes();
    const top = cli(["queue:top"], { isTerminal: true, fetch: (request: Request) => answer(request), onWrite });
    await reach(2);
    answer = async () => new Response("gone", { status: 502 });
    await clock.advance("5s");
    await reach(3);
    answer = async () => Response.json({ code: "unauthorized", detail: "Unknown token." }, { status: 401 });
    await clock.advance("1m");
    const { code, stdout, stderr } = await top;
    expect(framesOf(stdout).map((lines) => lines.some((line) => line.includes("status 502")))).toEqual([false, true]);
    expect(stdout.endsWith("\u001b[?1049l")).toBe(true);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("Unknown token.") });
  });

  test("refuses an interval under a second, and fails at once without an answer", async () => {
    const { cli } = behindHandler();
    expect((await cli(["queue:top", "--every", "999ms"])).code).toBe(2);
    const failed = await cli(["queue:top", "--json"], { fetch: () => Promise.reject(new Error("away")) });
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(errorOf(failed).code).toBe("store_unavailable");
  });

  test("says that the handler serves no queue of the name", async () => {
    const { cli } = await served();
    const { code, stderr } = await cli(["queue:top", "--once", "--queue", "nope"]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^error: This handler serves no queue named nope\. It serves: mail, /),
    });
  });

  test("looks again when something falls due, in less than the usual wait", () => {
    const due = (ms: number, paused = false) =>
      [{ queue: "mail", ended: [], stats: { paused, nextRunAt: new Date(start + ms) } as never }] as const;
    expect([0, 1, 2, 9].map((quiet) => waitBeforeRefresh(5_000, quiet, [], start))).toEqual([
      5_000, 10_000, 20_000, 90_000,
    ]);
    expect(waitBeforeRefresh(5_000, 9, due(12_000), start)).toBe(12_500);
    expect(waitBeforeRefresh(5_000, 9, due(1_000), start)).toBe(5_000);
    expect(waitBeforeRefresh(5_000, 9, due(12_000, true), start)).toBe(90_000);
    expect(waitBeforeRefresh(5_000, 9, due(-1), start)).toBe(90_000);
    expect(waitBeforeRefresh(300_000, 9, [], start)).toBe(300_000);
  });
});

describe("an hour of queue:top", () => {
  const redis = useRedis();
  const HOUR_MS = 3_600_000;

  /** Looks for an hour, as Redis counts it. @param work is done before each refresh */
  async function anHour(target: Target, work: () => Promise<unknown> = async () => {}) {
    await target.cli(["queue:top", "--once"]); // Redis knows the scripts from here on.
    const ctrlC = new AbortController();
    const documents: { commands: number; commandsPerHour: number }[] = [];
    const onWrite = (text: string) => {
      if (text.trim() !== "") documents.push(JSON.parse(text));
    };
    const top = target.cli(["queue:top", "--json"], { interruption: ctrlC.signal, onWrite });
    while (documents.length === 0) await setImmediate();
    let spent = 0;
    let looks = 1;
    const until = target.clock() + HOUR_MS;
    while (target.clock() < until) {
      await work();
      const { commands } = await countCommands(redis.server.port, async () => {
        const seen = documents.length;
        const last = documents.at(-1);
        // It says what an hour would cost at this pace.
        const waitMs = last ? (last.commands * HOUR_MS) / last.commandsPerHour : 0;
        await target.clock.advance(Math.ceil(waitMs * 1.02));
        while (documents.length === seen) await setImmediate();
      });
      if (target.clock() <= until) spent += commands;
      looks++;
    }
    ctrlC.abort();
    await top;
    return { spent: spent + (documents[0]?.commands ?? 0), looks };
  }

  test("costs at most 100 commands if the queue is idle, as a tab of the dashboard does", async () => {
    const { spent, looks } = await anHour(inRedis(redis));
    expect(looks).toBeGreaterThan(20);
    expect(spent).toBeLessThanOrEqual(100);
  });

  test("costs at most 1,500 commands on a busy queue, as a tab of the dashboard does", async () => {
    const target = inRedis(redis, { logger: null });
    const { spent, looks } = await anHour(target, async () => {
      await target.queue.enqueue("send_email", { to: "ada" }, { delay: "1d" });
    });
    expect(looks).toBeGreaterThan(30);
    expect(spent).toBeLessThanOrEqual(1_500);
  }, 120_000);
});

describe("straight on Redis", () => {
  const redis = useRedis();

  test("queue:top says what it costs, as Redis counts it", async () => {
    const target = inRedis(redis);
    await kill(target, 3);
    await target.cli(["queue:top", "--once"]); // Redis knows the scripts from here on.
    const { result, commands } = await countCommands(redis.server.port, () =>
      target.cli(["queue:top", "--once", "--json"]),
    );
    const look = documentOf(result) as { commands: number };
    // Before it looks, the command asks how many partitions the queue has.
    expect(look.commands).toBe(commands - 3);
    expect(look.commands).toBeLessThanOrEqual(7 + 12);
    const ctrlC = new AbortController();
    const { onWrite, reach } = writes();
    const top = target.cli(["queue:top", "--json"], { interruption: ctrlC.signal, onWrite });
    await reach(1);
    await target.clock.advance("5s");
    await reach(2);
    ctrlC.abort();
    const [, second = ""] = (await top).stdout.split("\n");
    expect(JSON.parse(second)).toMatchObject({ commands: 2, commandsPerHour: (2 * 3_600) / 10 });
  });
});
