import { describe, expect, test } from "vitest";
import type { Duration } from "../../src/core/shared/duration.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { doctor, findingOf, statuses } from "./doctor-findings.ts";
import { address, adminToken, behindHandler, documentOf, errorOf, kill, sendEmail, tidegate } from "./run-cli.ts";

const withModule = ["--module", "./modules/jobs.ts"];

describe("queue:doctor of a handler", () => {
  const flags = ["--url", "https://queue.test/jobs"];

  test("finds nothing in a healthy queue, and exits with 0", async () => {
    const result = await behindHandler().cli([...doctor, ...flags, ...withModule]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(statuses(result)).toEqual({
      url: "ok",
      encryption: "ok",
      clock: "ok",
      access: "ok",
      token: "ok",
      paused: "ok",
      backlog: "ok",
      "wake-ups": "unknown",
      "dead-letter queue": "ok",
      "job names": "ok",
      schedules: "ok",
    });
  });

  test("prints a line for each check, with the remedy below it", async () => {
    const { code, stdout } = await behindHandler().cli(["queue:doctor", "--token", "wrong"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ok +url +The handler and its store respond\.$/m);
    expect(stdout).toMatch(/^fail +token +The handler does not know the token\.\n +Compare it/m);
    expect(stdout).not.toContain("wrong");
  });

  test("says what answered if it is not the handler", async () => {
    const { cli } = behindHandler();
    const elsewhere = await cli([...doctor, "--url", "https://queue.test/elsewhere"]);
    expect(elsewhere.code).toBe(1);
    expect(documentOf(elsewhere)).toMatchObject({ ok: false, checks: [{ check: "url", status: "fail" }] });
    expect(findingOf(elsewhere, "url")?.message).toContain("with status 404");
    const below = await cli([...doctor, "--url", `${address}/elsewhere`]);
    expect(findingOf(below, "url")?.advice).toMatch(/^Use the address where it is mounted/);
    const nobody = await cli(doctor, { fetch: () => Promise.reject(new Error("https://secret.test")) });
    expect(findingOf(nobody, "url")?.message).toBe("Nothing responds at this address.");
    const unknown = await cli([...doctor, "--queue", "other"]);
    expect(findingOf(unknown, "url")?.message).toBe(
      "The handler serves nothing at this path: it has another path, or no queue has this name.",
    );
  });

  test("passes on the handler's reason when it cannot work", async () => {
    const problem = { status: 503, title: "", code: "store_unavailable", detail: "Not set: TIDEGATE_ADMIN_TOKEN." };
    const fetch = () => new Response(JSON.stringify(problem), { status: 503 });
    const result = await behindHandler().cli(doctor, { fetch });
    expect(result.code).toBe(1);
    expect(findingOf(result, "url")?.message).toContain("Not set: TIDEGATE_ADMIN_TOKEN.");
  });

  test("lists what a token may do", async () => {
    const { cli } = behindHandler();
    for (const scope of ["enqueue", "drain", "signal"]) {
      const result = await cli([...doctor, "--token", `the-${scope}-token`]);
      expect(result.code).toBe(0);
      expect(findingOf(result, "token")).toMatchObject({
        status: "warn",
        message: "The token cannot read. Most commands need more.",
      });
      expect(statuses(result)).not.toHaveProperty("backlog");
    }
    const reading = await cli([...doctor, "--token", "the-read-token"]);
    expect(findingOf(reading, "token")).toMatchObject({
      status: "warn",
      message: expect.stringContaining("only read."),
    });
    expect(statuses(reading)).toMatchObject({ backlog: "ok", schedules: "ok" });
    const none = await cli(doctor, { env: { TIDEGATE_URL: "https://queue.test/jobs" } });
    expect(none.code).toBe(1);
    expect(findingOf(none, "token")?.message).toBe("There is no token.");
  });

  test("fails if the handler needs no token, unless it is on this machine", async () => {
    const { fetch, cli } = behindHandler();
    const open = (request: Request) => {
      const url = request.url.replace("http://localhost", "https://queue.test").replace("http://", "https://");
      return fetch(new Request(url, { headers: { Authorization: "Bearer admin-token-of-the-test" } }));
    };
    const outside = await cli(doctor, { fetch: open, env: { TIDEGATE_URL: "http://queue.test/jobs" } });
    expect(outside.code).toBe(1);
    expect(statuses(outside)).toMatchObject({ access: "fail", encryption: "warn", backlog: "ok" });
    const here = await cli(doctor, { fetch: open, env: { TIDEGATE_URL: "http://localhost/jobs" } });
    expect(here.code).toBe(0);
    expect(statuses(here)).toMatchObject({ access: "ok", encryption: "ok", token: "ok" });
  });

  test.each([
    [3_000, "ok"],
    [-20_000, "warn"],
    [3_600_000, "fail"],
  ])("compares clocks that differ by %i ms: %s", async (skewMs, status) => {
    const { cli } = behindHandler();
    expect(statuses(await cli(doctor, { clock: () => start + skewMs }))).toMatchObject({ clock: status });
  });

  test("says so when the handler's time is unknown", async () => {
    const { cli, fetch } = behindHandler();
    const timeless = async (request: Request) => {
      const answer = await fetch(request);
      answer.headers.delete("Date");
      return answer;
    };
    expect(statuses(await cli(doctor, { fetch: timeless }))).toMatchObject({ clock: "unknown" });
  });
});

describe("queue:doctor of several queues", () => {
  function behindOneHandler() {
    const clock = testClock(start);
    const [mail, bulk] = ["mail", "bulk"].map(
      (name) => new Queue({ name, store: memoryStore(), jobs: [sendEmail], clock, logger: null }),
    ) as [Queue, Queue];
    const handler = createHandler({ queues: [mail, bulk], auth: { admin: [adminToken] } });
    const env = { TIDEGATE_URL: "https://queue.test", TIDEGATE_TOKEN: adminToken };
    const fetch = async (request: Request) => handler.fetch(request);
    const cli = (...argv: string[]) => tidegate(argv, { env, clock, fetch });
    return { mail, bulk, clock, cli };
  }

  test("checks each of them, and suggests commands for the one that it is about", async () => {
    const { mail, bulk, clock, cli } = behindOneHandler();
    await bulk.enqueue(sendEmail, { to: "ada" });
    await clock.advance("2h");
    const found = await cli(...doctor);
    expect(found.code).toBe(1);
    expect(documentOf(found)).toMatchObject({
      ok: false,
      checks: expect.arrayContaining([
        expect.objectContaining({ check: "backlog", queue: "mail", status: "ok" }),
        expect.objectContaining({
          check: "backlog",
          queue: "bulk",
          status: "fail",
          advice: expect.stringContaining("tidegate queue:work --once --queue bulk"),
        }),
      ]),
    });
    await mail.pause();
    expect((await cli("queue:doctor")).stdout).toMatch(
      /^2 queues at queue\.test\n\nok +url .*\n\nQueue mail\nwarn +paused .*\n\nQueue bulk\nok +paused .*/s,
    );
  });

  test("checks those of a module", async () => {
    const found = await tidegate([...doctor, "--module", "./modules/queues.ts"]);
    const { checks } = documentOf(found) as { checks: { queue?: string }[] };
    expect(new Set(checks.map(({ queue }) => queue))).toEqual(new Set(["urgent", "bulk"]));
  });

  test("checks the one that --queue names", async () => {
    const { bulk, clock, cli } = behindOneHandler();
    await bulk.enqueue(sendEmail, { to: "ada" });
    await clock.advance("2h");
    const found = await cli(...doctor, "--queue", "mail");
    expect(found.code).toBe(0);
    expect(findingOf(found, "backlog")).not.toHaveProperty("queue");
    expect((await cli(...doctor, "--queue", "bulk")).code).toBe(1);
  });
});

describe("queue:doctor of a queue", () => {
  test("reports a queue that grows, which queue:list shows too", async () => {
    const { queue, clock, cli } = behindHandler();
    for (let minute = 0; minute < 5; minute++) {
      await queue.enqueueMany([1, 2, 3].map(() => ({ job: sendEmail, payload: { to: "ada" } })));
      await queue.drain({ maxJobs: 1 });
      await clock.advance("1m");
    }
    const grows = "grows by 2 a minute (in 3, out 1 on average)";
    expect(findingOf(await cli(doctor), "backlog")).toMatchObject({
      status: "warn",
      message: `The queue ${grows}.`,
    });
    expect((await cli(["queue:list"])).stdout).toMatch(/^Pace +grows by 2 a minute \(in 3, out 1 on average\)$/m);
    await clock.advance("2m");
    const late = findingOf(await cli(doctor), "backlog");
    expect(late?.message).toMatch(
      /^A job or schedule has been due for \d minutes\. Drains run: .*in .*, out .* on average/,
    );
    expect(late?.advice).toMatch(/^Give drains more concurrency/);
    await queue.drain();
    await clock.advance("1m");
    expect(statuses(await cli(doctor))).toMatchObject({ backlog: "ok" });
  });

  test("reports a backlog, and schedules that nothing fires", async () => {
    const { queue, clock, cli } = behindHandler();
    await queue.enqueue(sendEmail, { to: "ada" });
    await clock.advance("10m");
    expect(findingOf(await cli(doctor), "backlog")).toMatchObject({
      status: "warn",
      message: "A job or schedule has been due for 10 minutes. No job has left for five minutes.",
    });
    await clock.advance("1h");
    expect((await cli(doctor)).code).toBe(1);
    await queue.drain();
    await queue.schedules.upsert("often", { job: "fails", cron: "* * * * *" });
    await clock.advance("2h");
    expect(statuses(await cli(doctor))).toMatchObject({ backlog: "fail", schedules: "warn" });
    await queue.pause();
    expect(statuses(await cli(doctor))).toMatchObject({ backlog: "unknown", paused: "warn", schedules: "ok" });
  });

  test("warns of each paused queue, job type and key: by whom, since when and why, with what resumes it", async () => {
    const { queue, clock, cli } = behindHandler();
    await queue.pause({ by: "ada", reason: "we deploy" });
    await queue.pauseJobs("send_email", { reason: "CRM is down", by: "on-call" });
    await queue.flowControl.pause("tenant 7", { by: "ben", reason: "it floods" });
    await clock.advance("5m");
    const result = await cli(doctor);
    const { checks, ...verdict } = documentOf(result) as {
      checks: { check: string; message: string; advice: string }[];
    };
    expect(verdict).toEqual({ ok: true, status: "warn" });
    const found = checks.filter(({ check }) => check === "paused").map(({ message, advice }) => [message, advice]);
    expect(found).toEqual([
      ["The queue was paused by ada 5 minutes ago: we deploy.", "Resume with: tidegate queue:resume"],
      [
        "send_email was paused by on-call 5 minutes ago: CRM is down.",
        "Resume with: tidegate queue:types resume send_email",
      ],
      [
        "The key tenant 7 was paused by ben 5 minutes ago: it floods.",
        "Resume with: tidegate queue:flow resume 'tenant 7'",
      ],
    ]);
    expect((await cli(["queue:flow"])).stdout).toContain("  paused by ben 5 minutes ago: it floods\n");
    expect((await cli(["queue:doctor"])).stdout).toMatch(/\n\n0 failures, 3 warnings\.\n$/);
  });

  test("says whether wake-ups arrive, by how late the jobs of the latest hour with one have begun", async () => {
    const asked: number[] = [];
    const { queue, clock, cli } = behindHandler({ wake: (at) => void asked.push(at) });
    const runOne = async (drainAfter: Duration) => {
      await queue.enqueue(sendEmail, { to: "ada" }, { delay: "1h" });
      await clock.set(asked.at(-1) ?? 0);
      await clock.advance(drainAfter);
      await queue.drain();
      return findingOf(await cli(doctor), "wake-ups");
    };
    expect(await runOne("0s")).toMatchObject({
      status: "ok",
      message: "In the hour from 2026-03-01 13:00:00 UTC, 95 % of the jobs began within 1 second of their time.",
    });
    const late = await runOne("40m");
    expect(late).toMatchObject({
      status: "warn",
      message: expect.stringContaining("began within 36 minutes of their time"),
    });
    expect(late?.advice).toMatch(/^If the queue has a wake, its calls do not arrive/);
    await clock.advance("2d");
    expect(findingOf(await cli(doctor), "wake-ups")).toMatchObject({ status: "unknown" });
  });

  test("does not mistake a waiting backlog for progress, nor a paused schedule for an ended one", async () => {
    const { queue, clock, cli } = behindHandler();
    for (const id of ["a", "b", "c"]) await queue.enqueue("fails", undefined, { id });
    await queue.schedules.upsert("nightly", { job: "fails", cron: "0 3 * * *" });
    await queue.schedules.upsert("hourly", { job: "fails", cron: "0 * * * *" });
    await queue.schedules.pause("nightly");
    await clock.advance("25s");
    const found = await cli(doctor);
    expect(findingOf(found, "backlog")).toMatchObject({
      status: "ok",
      message: "3 jobs ready, the oldest due for 25 seconds.",
    });
    expect(findingOf(found, "schedules")).toMatchObject({
      status: "ok",
      message: "1 schedule will fire, 1 is paused.",
    });
  });

  test("counts dead jobs", async () => {
    const target = behindHandler();
    await kill(target, 2);
    expect(findingOf(await target.cli(doctor), "dead-letter queue")).toMatchObject({
      status: "warn",
      message: "2 jobs died.",
    });
  });

  test("finds jobs and schedules that the module does not define", async () => {
    const strange = defineJob({ name: "strange", perform: () => {} });
    const { queue, cli } = behindHandler({ jobs: [strange] });
    await queue.enqueue(strange, undefined, { delay: "1h" });
    await queue.schedules.upsert("nightly", { job: strange, cron: "0 3 * * *" });
    const result = await cli([...doctor, "--url", "https://queue.test/jobs", ...withModule]);
    expect(result.code).toBe(1);
    expect(findingOf(result, "job names")).toMatchObject({
      status: "warn",
      message: "Not in the module: 1 job (strange).",
    });
    expect(findingOf(result, "schedules")).toMatchObject({
      status: "fail",
      message: "The module has no job for these schedules: nightly.",
    });
  });

  test("without a module finds unknown jobs by their errors", async () => {
    const store = memoryStore();
    const { queue, clock, cli } = behindHandler({ store });
    expect(statuses(await cli(doctor))).toMatchObject({ "job names": "unknown" });
    await new Queue({ store, clock }).enqueue("strange");
    await queue.drain();
    expect(findingOf(await cli(doctor), "job names")).toMatchObject({
      status: "warn",
      message: expect.stringContaining("strange"),
    });
  });

  test("for a module's own store checks the queue alone", async () => {
    const result = await tidegate([...doctor, "--module", "./modules/queues.ts"]);
    expect(result.code).toBe(0);
    // Another test of this process may have enqueued into it.
    expect(Object.keys(statuses(result))).toEqual([
      ...["paused", "backlog", "wake-ups", "dead-letter queue", "job names", "schedules"],
    ]);
  });
});

test("queue:doctor without a target is a usage error", async () => {
  expect(errorOf(await tidegate(doctor)).code).toBe("invalid_request");
});
