import { describe, expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { useRedis } from "../support/stores.ts";
import { behindHandler, documentOf, errorOf, hasEscapes, inRedis, sendEmail, tidegate } from "./run-cli.ts";

const jobs = ["--module", "./modules/jobs.ts"];
const toAda = { job: sendEmail, payload: { to: "ada" } };

describe("queue:work with a module", () => {
  const redis = useRedis();

  test("--once runs due jobs, prints the totals, and exits", async () => {
    const { queue, cli } = inRedis(redis);
    await queue.enqueueMany([toAda, toAda, toAda, { job: "fails" }, { ...toAda, delay: "1h" }]);
    const { code, stdout, stderr } = await cli(["queue:work", "--once", ...jobs]);
    expect(code).toBe(0);
    expect(stdout.split("\n").at(-2)).toBe("3 completed, 1 dead.");
    expect(stderr).toMatch(
      /^Queue default in Redis at 127\.0\.0\.1:\d+: working with 4 workers\. Press Ctrl-C to stop\.\nLeft in default: 1 job waiting, the next due in 1 hour\.\n$/,
    );
    expect(hasEscapes(stdout + stderr)).toBe(false);
    expect(await queue.getStats()).toMatchObject({ completedCount: 3, deadLetterCount: 1, scheduledCount: 1 });
  });

  test("--json prints one document, with the totals", async () => {
    const { queue, cli } = inRedis(redis);
    await queue.enqueueMany([toAda, toAda]);
    const result = await cli(["queue:work", "--once", ...jobs, "--json"]);
    expect(documentOf(result)).toMatchObject({
      drains: 1,
      claimed: 2,
      completed: 2,
      released: 0,
      commands: expect.any(Number),
    });
  });

  test("shows live counts on one line of a terminal", async () => {
    const { queue, cli } = inRedis(redis);
    await queue.enqueueMany([toAda, { job: "fails" }]);
    const { stdout, stderr } = await cli(["queue:work", "--once", ...jobs], { isTerminal: true });
    const shown = stderr.split("\r\u001b[K");
    expect(shown).toContain("0 completed");
    expect(shown.at(-1)).toBe("Left in default: 0 jobs waiting, none due.\n");
    expect(stdout.split("\n").at(-2)).toBe("1 completed, 1 dead.");
  });

  test("prints a line for each attempt, with the reason if it failed, and no payload", async () => {
    const { queue, cli } = inRedis(redis);
    await queue.enqueueMany([
      { ...toAda, id: "welcome" },
      { job: "fails", id: "broken" },
    ]);
    const { stdout, stderr } = await cli(["queue:work", "--once", ...jobs]);
    expect(stdout).toContain("2026-03-01T12:00:00.000Z completed send_email welcome attempt 1 of 4, 0ms\n");
    expect(stdout).toContain("2026-03-01T12:00:00.000Z dead fails broken attempt 1 of 1, 0ms: Error: no luck\n");
    expect(stdout + stderr).not.toContain("ada");
  });

  test("prints each of those lines as JSON on standard error with --json", async () => {
    const { queue, cli } = inRedis(redis);
    await queue.enqueue(sendEmail, toAda.payload, { id: "welcome" });
    const { stdout, stderr } = await cli(["queue:work", "--once", ...jobs, "--json"]);
    const attempt = { name: "send_email", id: "welcome", attempt: 1, maxRetries: 3, ranMs: 0 };
    expect(JSON.parse(stderr)).toEqual({ at: "2026-03-01T12:00:00.000Z", outcome: "completed", ...attempt });
    expect(stdout).not.toContain("welcome");
  });

  test("counts the commands that Redis ran, even if no job ran", async () => {
    const { queue, cli } = inRedis(redis, { jobs: [] });
    await queue.enqueueMany([{ job: "send_email", payload: { to: "ada" } }, { job: "nobody_knows_it" }]);
    const { stderr } = await cli(["queue:work", "--once", ...jobs], { isTerminal: true });
    expect(stderr).toContain("Left in default: 1 job waiting, the next due in 1 minute.\n");
  });

  test("writes plain lines without a terminal", async () => {
    const { queue, cli } = inRedis(redis);
    await queue.enqueueMany([
      { ...toAda, id: "welcome" },
      { ...toAda, delay: "1m" },
    ]);
    const { stdout } = await cli(["queue:work", "--once", ...jobs]);
    expect(stdout).toBe(
      "2026-03-01T12:00:00.000Z 0 completed\n" +
        "2026-03-01T12:00:00.000Z completed send_email welcome attempt 1 of 4, 0ms\n" +
        "1 completed.\n",
    );
  });

  test("on Ctrl-C releases jobs that have not started, and finishes running ones", async () => {
    const { queue, cli } = await gatedQueue();
    const ctrlC = new AbortController();
    const open = onStart(() => ctrlC.abort());
    const onWrite = (text: string) => text.includes("Stopping: running jobs finish") && open();
    const { code, stdout } = await cli(oneGated, { interruption: ctrlC.signal, onWrite });
    expect(code).toBe(0);
    expect(stdout.split("\n").at(-2)).toBe("2 completed, 2 released.");
    expect(await queue.getJob("a")).toMatchObject({ state: "completed" });
    expect(await queue.getJob("b")).toMatchObject({ state: "ready", attempts: 0 });
  });

  test("--for does the same after the given time", async () => {
    const { clock, cli } = await gatedQueue();
    const open = onStart(() => clock.advance("10s").then(open));
    const { code, stdout, stderr } = await cli([...oneGated, "--for", "10s"]);
    expect(code).toBe(0);
    expect(stdout.split("\n").at(-2)).toBe("2 completed, 2 released.");
    expect(stderr).toContain("\nLeft in default: 2 jobs waiting, 2 of them due.\n");
  });

  const oneGated = ["queue:work", "--workers", "1", "--module", "./modules/gated.ts"];

  async function gatedQueue() {
    const gated = defineJob({ name: "gated", perform: (_isOpen: boolean) => {} });
    const target = inRedis(redis, { jobs: [gated] });
    // After the open one the command expects the others to be quick too, and claims ahead.
    await target.queue.enqueueMany(["0", "a", "b", "c"].map((id) => ({ job: gated, id, payload: id === "0" })));
    return target;
  }

  /** Calls `start` when a gated job starts. Returns the function that lets it continue. */
  function onStart(start: () => void): () => void {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    Object.assign(globalThis, { gate: { start, opened } });
    return open;
  }

  test("that it does not have is a usage error", async () => {
    const { code, stderr } = await inRedis(redis).cli(["queue:work"]);
    expect(code).toBe(2);
    expect(stderr).toContain("Give --module, or --url of a handler");
    expect((await behindHandler().cli(["queue:work", "--url", "https://queue.test", ...jobs])).code).toBe(2);
  });

  test("fails at once if Redis is unreachable", async () => {
    const env = { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1", UPSTASH_REDIS_REST_TOKEN: "token" };
    const result = await tidegate(["queue:work", ...jobs, "--json"], { env });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(errorOf(result).code).toBe("store_unavailable");
  });
});

describe("queue:work with a handler", () => {
  test("--once makes it drain until nothing is due", async () => {
    const target = behindHandler();
    await target.queue.enqueueMany(Array.from({ length: 250 }, () => toAda));
    const result = await target.cli(["queue:work", "--once", "--json"]);
    expect(documentOf(result)).toMatchObject({ drains: 3, claimed: 250, completed: 250 });
    expect(await target.queue.getStats()).toMatchObject({ completedCount: 250, readyCount: 0 });
  });

  test("needs only a token with the drain scope", async () => {
    const { code, stdout } = await behindHandler().cli(["queue:work", "--once", "--token", "the-drain-token"]);
    expect(code).toBe(0);
    expect(stdout.split("\n").at(-2)).toBe("0 completed.");
  });

  test("sleeps until the next job is due", async () => {
    const { queue, clock, cli } = behindHandler();
    await queue.enqueue(sendEmail, { to: "ada" }, { delay: "7s" });
    const ctrlC = new AbortController();
    const work = cli(["queue:work", "--json"], { interruption: ctrlC.signal });
    await clock.advance(6_999);
    expect(await queue.getStats()).toMatchObject({ completedCount: 0 });
    await clock.advance(1);
    expect(await queue.getStats()).toMatchObject({ completedCount: 1 });
    ctrlC.abort();
    expect(documentOf(await work)).toMatchObject({ drains: 2, completed: 1 });
  });

  test("polls after --check-every, for jobs it does not know of", async () => {
    const { queue, clock, cli } = behindHandler();
    const ctrlC = new AbortController();
    const work = cli(["queue:work", "--check-every", "20s"], { interruption: ctrlC.signal });
    await clock.advance("1s");
    await queue.enqueue(sendEmail, { to: "ada" });
    await clock.advance("19s");
    ctrlC.abort();
    expect((await work).stdout.split("\n").at(-2)).toBe("1 completed.");
  });

  test("continues after the handler was unreachable, and says so", async () => {
    const { queue, clock, cli, fetch } = behindHandler();
    await queue.enqueue(sendEmail, { to: "ada" });
    let isAway = true;
    const sometimes = (request: Request) => (isAway ? Promise.reject(new Error("away")) : fetch(request));
    const ctrlC = new AbortController();
    const work = cli(["queue:work", "--for", "1m"], { fetch: sometimes, interruption: ctrlC.signal });
    await clock.advance(100);
    isAway = false;
    await clock.advance("1m");
    const { code, stdout, stderr } = await work;
    expect(code).toBe(0);
    expect(stderr).toMatch(/cannot be reached.* Retrying in 1 second\./);
    expect(stdout).toContain("1 completed");
  });

  test("fails at once if the token is refused, and with --once if nothing answers", async () => {
    const { cli } = behindHandler();
    expect(errorOf(await cli(["queue:work", "--json", "--token", "wrong"])).code).toBe("unauthorized");
    const fetch = () => Promise.reject(new Error("away"));
    expect((await cli(["queue:work", "--once"], { fetch })).code).toBe(1);
  });

  test("--once leaves a paused queue alone, and says so", async () => {
    const { queue, cli } = behindHandler();
    await queue.enqueue(sendEmail, { to: "ada" });
    await queue.pause();
    const { code, stderr } = await cli(["queue:work", "--once"]);
    expect(code).toBe(0);
    expect(stderr).toContain(
      "Nothing ran: 1 job waiting, 1 of them due.\nThe queue was paused. Resume with: tidegate queue:resume",
    );
  });

  test("--once counts snoozes", async () => {
    const later = defineJob({ name: "later", perform: (_, job) => job.snooze("1h") });
    const { queue, cli } = behindHandler({ jobs: [later] });
    await queue.enqueue(later, undefined);
    expect((await cli(["queue:work", "--once"])).stdout).toMatch(/\n0 completed, 1 snoozed\.\n$/);
  });

  test("--once says why nothing ran: what is paused, by whom and why, which keys are full, and what is due next", async () => {
    const { queue, clock, cli } = behindHandler();
    const once = async () => (await cli(["queue:work", "--once"])).stderr.split("\n").slice(1, -1);
    expect(await once()).toEqual(["Nothing ran: 0 jobs waiting, none due."]);
    await queue.flowControl.set("api", { rate: 1, period: "1h" });
    await queue.enqueueMany([1, 2].map(() => ({ ...toAda, flowControl: { key: "api" } })));
    await queue.enqueue("fails", undefined, { delay: "3h" });
    const full = "The key api holds jobs back: its limit for this window is reached (rate).";
    expect(await once()).toEqual(["Left: 2 jobs waiting, 1 of them due.", full]);
    await queue.pauseJobs("send_email", { reason: "CRM is down", by: "ana" });
    await queue.flowControl.pause("api", { reason: "too many", by: "ben" });
    await clock.advance("5m");
    expect(await once()).toEqual([
      "Nothing ran: 2 jobs waiting, 1 of them due.",
      "send_email was paused by ana 5 minutes ago: CRM is down. Resume with: tidegate queue:types resume send_email",
      "The key api was paused by ben 5 minutes ago: too many. Resume with: tidegate queue:flow resume api",
    ]);
    await queue.cancelPending({ name: "send_email" });
    expect((await once())[0]).toBe("Nothing ran: 1 job waiting, the next due in 3 hours.");
    const { stderr } = await cli(["queue:work", "--once", "--token", "the-drain-token"]);
    expect(stderr).toContain("What waits could not be read. With a handler, that takes a token with the scope read.\n");
  });

  test("leaves concurrency to the handler, unless --concurrency is given", async () => {
    const { cli, fetch } = behindHandler();
    const bodies: unknown[] = [];
    const spying = async (request: Request) => {
      bodies.push(await request.clone().json());
      return fetch(request);
    };
    await cli(["queue:work", "--once"], { fetch: spying });
    await cli(["queue:work", "--once", "--workers", "7"], { fetch: spying });
    expect(bodies).toEqual([{ attempts: true }, { attempts: true, concurrency: 7 }]);
  });

  test("prints a line for each attempt, dated when it ended, and no payload", async () => {
    const { queue, clock, cli, fetch } = behindHandler();
    await queue.enqueueMany([
      { ...toAda, id: "welcome" },
      { job: "fails", id: "broken" },
      { job: "fails", id: "again", maxRetries: 1, backoff: { type: "fixed", base: "11s" } },
    ]);
    const slowly = async (request: Request) => {
      const answer = await fetch(request);
      await clock.advance("1s");
      return answer;
    };
    const { stdout, stderr } = await cli(["queue:work", "--once"], { fetch: slowly });
    expect(stdout).toContain("2026-03-01T12:00:00.000Z completed send_email welcome attempt 1 of 4, 0ms\n");
    expect(stdout).toContain("2026-03-01T12:00:00.000Z dead fails broken attempt 1 of 1, 0ms: Error: no luck\n");
    const retried = "failed fails again attempt 1 of 2, 0ms, runs again in 10 seconds: Error: no luck";
    expect(stdout).toContain(`2026-03-01T12:00:00.000Z ${retried}\n`);
    expect(stdout + stderr).not.toContain("ada");
  });

  test("prints those lines as JSON on standard error with --json", async () => {
    const { queue, cli } = behindHandler();
    await queue.enqueue(sendEmail, toAda.payload, { id: "welcome" });
    const { stdout, stderr } = await cli(["queue:work", "--once", "--json"]);
    const attempt = { name: "send_email", id: "welcome", attempt: 1, maxRetries: 3, ranMs: 0 };
    expect(JSON.parse(stderr)).toEqual({ at: "2026-03-01T12:00:00.000Z", outcome: "completed", ...attempt });
    expect(stdout).not.toContain("welcome");
  });

  test("says once that there are only counts, if the token may not read", async () => {
    const { queue, cli } = behindHandler();
    await queue.enqueueMany(Array.from({ length: 250 }, () => toAda));
    const { code, stdout, stderr } = await cli(["queue:work", "--once", "--token", "the-drain-token"]);
    expect(code).toBe(0);
    expect(stderr.split("The token may not read")).toHaveLength(2);
    expect(stdout).not.toContain("completed send_email");
    expect(stdout.split("\n").at(-2)).toBe("250 completed.");
  });

  test("says how many attempts the handler has left out", async () => {
    const { queue, cli, fetch } = behindHandler();
    await queue.enqueueMany(Array.from({ length: 1_000 }, () => toAda));
    await queue.enqueueMany([toAda, toAda]);
    const all = (request: Request) =>
      fetch(new Request(request, { body: JSON.stringify({ attempts: true, maxJobs: 2_000, concurrency: 1_000 }) }));
    const { stdout, stderr } = await cli(["queue:work", "--once"], { fetch: all });
    expect(stderr).toContain("2 earlier attempts not listed.");
    expect(stdout.match(/ completed send_email /g)).toHaveLength(1_000);
  });

  test("counts dead-lettered jobs", async () => {
    const target = behindHandler();
    await target.queue.enqueueMany([{ job: "fails" }, toAda]);
    const { stdout } = await target.cli(["queue:work", "--once"]);
    expect(stdout).toContain("1 completed, 1 dead.");
  });
});
