import { describe, expect, test } from "vitest";
import { defineJob, memoryStore } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { aroundStore } from "../support/around-calls.ts";
import { sendEmail, withBackground } from "./memory-handler.ts";

const email = { name: "send_email", payload: { to: "ada" } };
const slow = defineJob({ name: "slow", timeout: "31s", perform() {} });

// Cloudflare ends an invocation 30 s after its response: what may start in that time, and how running jobs are aborted.
describe("jobs that run after a response, in the time the platform allows", () => {
  test("a queue with long jobs starts short ones after a short delay, and leaves long ones to ticks", async () => {
    const clock = testClock();
    const { call, settled, queue } = withBackground({ queue: { jobs: [slow, sendEmail], clock } });
    await queue.enqueueMany([
      { job: slow, id: "slow" },
      { job: sendEmail, id: "long", payload: { to: "ada" }, timeout: "5m" },
    ]);
    await call("POST", "/jobs", { ...email, delay: "5s" });
    await clock.advance("6s");
    await settled();
    expect(await queue.getStats()).toMatchObject({ completedCount: 1, readyCount: 2, runningCount: 0 });
    for (const id of ["slow", "long"]) expect(await queue.getJob(id)).toMatchObject({ state: "ready", attempts: 0 });
    expect(await queue.drain()).toMatchObject({ completed: 2 });
  });

  test("a job whose timeout exceeds the platform's time is left to ticks, even if its enqueue gave the timeout", async () => {
    const short = defineJob({ name: "short", timeout: "5s", perform() {} });
    const { call, settled, queue } = withBackground({ queue: { jobs: [short, slow] } });
    await call("POST", "/jobs", [{ name: "short", timeout: "31s" }, { name: "slow" }]);
    await settled();
    expect(await queue.getStats()).toMatchObject({ readyCount: 2, runningCount: 0 });
  });

  test("a job that falls due while another uses up the time is left to ticks, without an error", async () => {
    const clock = testClock();
    const takes = defineJob({ name: "takes", perform: (ms: number) => clock.sleep(ms) });
    const errors: unknown[] = [];
    const { call, settled, queue } = withBackground({
      queue: { jobs: [takes], clock },
      handler: { onError: (error: unknown) => void errors.push(error) },
    });
    await call("POST", "/jobs", [
      { name: "takes", payload: 22_000 },
      { name: "takes", payload: 0, delay: "5s" },
    ]);
    await clock.advance("25s");
    await settled();
    expect(await queue.getStats()).toMatchObject({ completedCount: 1, readyCount: 1 });
    expect(errors).toEqual([]);
  });

  test("jobs that fall due at several times run under one budget, and the rest is left to ticks", async () => {
    const clock = testClock();
    let requests = 0;
    const store = aroundStore(memoryStore(), (_, run) => {
      requests++;
      return run();
    });
    const { call, settled, queue } = withBackground({
      queue: { jobs: [sendEmail], clock, store },
      handler: { drain: { budget: { roundTrips: 7 } } },
    });
    await call("POST", "/jobs", [email, ...[1, 2, 3, 4, 5, 6].map((seconds) => ({ ...email, delay: `${seconds}s` }))]);
    const enqueuing = requests;
    await clock.advance("20s");
    await settled();
    expect(requests - enqueuing).toBeLessThanOrEqual(7);
    expect((await queue.getStats()).readyCount).toBeGreaterThan(0);
    expect(await queue.drain()).toMatchObject({ stoppedBy: "empty" });
    expect(await queue.getStats()).toMatchObject({ completedCount: 7 });
  });

  test("jobs whose timeout exceeds the time left are left to the next drain", async () => {
    const { call, queue, settled } = withBackground({ queue: { jobs: [slow, sendEmail] } });
    await call("POST", "/jobs", [
      { name: "slow" },
      { ...email, timeout: "10m" },
      email,
      { name: "slow", timeout: "5s" },
    ]);
    await settled();
    expect(await queue.getStats()).toMatchObject({ completedCount: 2, readyCount: 2, runningCount: 0 });
  });

  test("a job that hangs is aborted before the platform ends the invocation", async () => {
    const clock = testClock();
    const begin = clock.now;
    let abortedAt: number | undefined;
    const hangs = defineJob({
      name: "hangs",
      perform: (_: unknown, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            abortedAt = clock.now;
            reject(signal.reason);
          });
        }),
    });
    const { call, queue, settled } = withBackground({
      handler: { drain: { timeBudget: "5m", linger: "5m" } },
      queue: { jobs: [hangs], clock },
    });
    const { body } = await call("POST", "/jobs", { name: "hangs" });
    await clock.advance("27s");
    expect(abortedAt).toBeUndefined();
    await clock.advance("1s");
    expect(abortedAt).toBe(begin + 28_000);
    await settled();
    expect(await queue.getJob(String(body["id"]))).toMatchObject({ state: "scheduled", attempts: 1 });
  });

  test("a job that starts late is aborted before the platform ends the invocation", async () => {
    const clock = testClock();
    const begin = clock.now;
    const abortedAt: number[] = [];
    const hangs = defineJob({
      name: "hangs",
      perform: (_: unknown, { signal }) => {
        signal.addEventListener("abort", () => abortedAt.push(clock.now - begin));
        return new Promise(() => {});
      },
    });
    const { call, settled } = withBackground({ queue: { jobs: [hangs], clock } });
    await call("POST", "/jobs", { name: "hangs", delay: "10s" });
    await clock.advance("60s");
    await settled();
    expect(abortedAt).toEqual([28_000]);
  });

  test("no retry starts that fell due while another job held up the invocation", async () => {
    const clock = testClock();
    const starts: number[] = [];
    const begin = clock.now;
    const flaky = defineJob({
      name: "flaky",
      backoff: { base: "1s" },
      perform() {
        starts.push(clock.now - begin);
        throw new Error("no luck");
      },
    });
    const long = defineJob({ name: "long", perform: () => clock.sleep(25_000) });
    const { call, settled, queue } = withBackground({ queue: { jobs: [flaky, long], clock } });
    await call("POST", "/jobs", [{ name: "flaky" }, { name: "long" }]);
    await clock.advance("60s");
    await settled();
    expect(starts.filter((at) => at > 20_000)).toEqual([]);
    expect(await queue.getStats()).toMatchObject({ completedCount: 1, readyCount: 1, runningCount: 0 });
  });
});
