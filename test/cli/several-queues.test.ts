import { describe, expect, test } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/clock.ts";
import { start } from "../support/clock.ts";
import { adminToken, documentOf, errorOf, fails, sendEmail, tidegate, type World } from "./run-cli.ts";

// Questions of somebody who does not know in which queue to look.

/** A handler of two queues. */
function ofTwo() {
  const clock = testClock(start);
  const store = memoryStore();
  const slow = defineJob({ name: "slow", perform: () => clock.advance("7s") });
  const open = (name: string) => new Queue({ name, store, clock, jobs: [sendEmail, fails, slow], logger: null });
  const [shop, imports] = [open("shop"), open("imports")];
  const handler = createHandler({ queues: [shop, imports], auth: { admin: [adminToken], enqueue: ["enqueue-token"] } });
  const env = { TIDEGATE_URL: "https://queue.test", TIDEGATE_TOKEN: adminToken, NO_COLOR: "1" };
  const requests: string[] = [];
  const fetch = (request: Request) => {
    requests.push(new URL(request.url).pathname);
    return handler.fetch(request);
  };
  const cli = (argv: string, world: World = {}) => tidegate(argv.split(" "), { env, clock, fetch, ...world });
  return { cli, clock, shop, imports, slow, requests, fetch };
}

describe("queue:jobs ID", () => {
  test("finds a job in another queue, and says in which", async () => {
    const { cli, imports } = ofTwo();
    await imports.enqueue(sendEmail, { to: "ada" }, { id: "import-spring" });
    for (const named of ["", " --queue shop"]) {
      const { code, stdout, stderr } = await cli(`queue:jobs import-spring${named}`);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "Found in the queue imports.\n" });
      expect(stdout).toMatch(/^Id +import-spring\nName +send_email\nQueue +imports\n/);
    }
    expect((await cli("queue:jobs import-spring --queue imports")).stderr).toBe("");
  });

  test("changes no job of another queue", async () => {
    const { cli, imports } = ofTwo();
    await imports.enqueue(sendEmail, { to: "ada" }, { id: "import-spring" });
    const { code, stderr } = await cli("queue:jobs import-spring --cancel --yes");
    expect(code).toBe(1);
    expect(stderr).toContain("The job is in the queue imports. Name it with --queue to change the job.");
    expect(await imports.getJob("import-spring")).not.toBeNull();
  });

  test("names the queues that it has searched, and with a token that cannot list them the one", async () => {
    const { cli } = ofTwo();
    expect(errorOf(await cli("queue:jobs nothing --json")).message).toMatch(/ Searched: shop, imports\.$/);
    const limited = errorOf(await cli("queue:jobs nothing --json --token enqueue-token"));
    expect(limited).toMatchObject({
      code: "not_found",
      message: expect.stringMatching(/first queue at queue\.test\.$/),
    });
  });
});

test("an unknown queue name is refused with the names of those that exist", async () => {
  const { cli } = ofTwo();
  for (const command of ["queue:jobs", "queue:list", "queue:schedules", "queue:failures"]) {
    const { code, message } = { ...errorOf(await cli(`${command} --queue impots --json`)) };
    expect(code).toBe("not_found");
    expect(message).toBe("This handler serves no queue named impots. It serves: shop, imports.");
  }
});

describe("a list of a handler's first queue, without --queue", () => {
  const onTerminal = { isTerminal: true };
  const merged = "This is the queue shop, one of 2. Choose another with --queue, or see all with --all-queues.\n";

  test.each([
    "queue:failures",
    "queue:schedules",
    "queue:schedules --upcoming",
    "queue:flow",
    "queue:dlq",
    "queue:jobs",
    "queue:jobs --all",
  ])("%s says on a terminal that there are others", async (command) => {
    const { cli, requests } = ofTwo();
    const { code, stderr } = await cli(command, onTerminal);
    expect({ code, stderr }).toEqual({ code: 0, stderr: merged });
    expect(requests.filter((path) => path === "/queues")).toHaveLength(1);
  });

  test.each(["--queue shop", "--all-queues", "--json"])("says nothing with %s", async (option) => {
    const { cli, requests } = ofTwo();
    expect((await cli(`queue:failures ${option}`, onTerminal)).stderr).toBe("");
    // --all-queues asks for the names.
    const asked = requests.filter((path) => path.endsWith("/queues"));
    expect(asked).toHaveLength(option === "--all-queues" ? 1 : 0);
  });

  test("says nothing, and asks nothing more, in a pipe", async () => {
    const { cli, requests } = ofTwo();
    expect((await cli("queue:failures", { ...onTerminal, isPiped: true })).stderr).toBe("");
    expect(requests).toEqual(["/failures"]);
  });

  test("a handler that does not list its queues leaves the list as it is", async () => {
    const { cli, fetch } = ofTwo();
    const failing = (request: Request) =>
      new URL(request.url).pathname === "/queues" ? new Response(null, { status: 500 }) : fetch(request);
    const { code, stderr } = await cli("queue:failures", { ...onTerminal, fetch: failing });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});

describe("--all-queues", () => {
  test("queue:schedules lists those of every queue, the failing first", async () => {
    const { cli, clock, shop, imports } = ofTwo();
    await shop.schedules.upsert("mails", { job: "send_email", payload: { to: "ada" }, every: "1h" });
    await imports.schedules.upsert("sync", { job: "fails", every: "1h" });
    await clock.advance("1h");
    for (const queue of [shop, imports]) await queue.drain();
    const { stdout, stderr } = await cli("queue:schedules --all-queues");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^QUEUE +KEY +FIRES .*\nimports +sync .* ✗ .*\nshop +mails .* ✓ .*\n$/);
    expect(documentOf(await cli("queue:schedules --all-queues --json"))).toMatchObject({
      schedules: [
        { queue: "shop", key: "mails" },
        { queue: "imports", key: "sync" },
      ],
    });
    expect((await cli("queue:schedules")).stdout).toMatch(/^KEY /);
    expect((await cli("queue:schedules sync --all-queues")).code).toBe(2);
  });

  test("queue:schedules reads at most 200 jobs through a handler, shared by the queues", async () => {
    const { cli, clock, shop, imports, requests } = ofTwo();
    for (const queue of [shop, imports]) {
      for (let index = 0; index < 110; index++)
        await queue.schedules.upsert(`s-${index}`, { job: "send_email", payload: { to: "ada" }, every: "1h" });
    }
    await clock.advance("1h");
    for (const queue of [shop, imports])
      await queue.drain({ maxJobs: 1_000, budget: { roundTrips: 1_000, commands: 10_000 } });
    const { stdout, stderr } = await cli("queue:schedules --all-queues");
    expect(stdout.match(/ ✓ /g)).toHaveLength(200);
    expect(requests.filter((path) => path.includes("/jobs/s-"))).toHaveLength(200);
    expect(stderr).toBe("Only of the first 100 schedules of each queue it is known how their last jobs ended.\n");
  });

  test("queue:flow lists the keys of every queue, the busiest first", async () => {
    const { cli, shop, imports } = ofTwo();
    const keyed = (key: string) => ({ flowControl: { key, concurrency: 1 } });
    await shop.enqueue(sendEmail, { to: "ada" }, keyed("one"));
    for (let index = 0; index < 2; index++) await imports.enqueue(sendEmail, { to: "ada" }, keyed("two"));
    const { stdout } = await cli("queue:flow --all-queues");
    expect(stdout).toMatch(/^QUEUE +RUNNING .*\nimports +0 +2 .* two\nshop +0 +1 .* one\n$/);
    expect(documentOf(await cli("queue:flow --all-queues --json"))).toMatchObject({
      keys: [
        { queue: "imports", key: "two" },
        { queue: "shop", key: "one" },
      ],
      cursor: null,
    });
    expect((await cli("queue:flow --all-queues --limit 1")).stderr).toContain("More follow. Add --all,");
    expect((await cli("queue:flow two --all-queues")).code).toBe(2);
  });
});

describe("queue:list of several queues", () => {
  test("shows no NEXT of all queues, which may be that of a paused one", async () => {
    const { cli, clock, shop } = ofTwo();
    await shop.enqueue(sendEmail, { to: "ada" });
    await shop.pause();
    await clock.advance("5m");
    expect((await cli("queue:list")).stdout).toMatch(/\nall queues +1 +0 +0 +0 +0\/min +▁{10}\n$/);
  });

  test("ends with a line for all of them", async () => {
    const { cli, shop, imports } = ofTwo();
    for (const queue of [shop, imports]) await queue.enqueue(fails, {});
    for (const queue of [shop, imports]) await queue.drain();
    const lines = (await cli("queue:list")).stdout.trimEnd().split("\n");
    expect(lines.at(-1)).toMatch(/^all queues +0 +0 +0 +2 /);
    expect(documentOf(await cli("queue:list --json"))).toMatchObject({
      total: { deadLetterCount: 2, nextRunAt: null, oldestReadyAgeMs: null, paused: false },
    });
  });

  test("--all-queues is one table of the job types of all, the slowest first", async () => {
    const { cli, shop, imports, slow } = ofTwo();
    await shop.enqueue(sendEmail, { to: "ada" });
    await shop.drain();
    await imports.enqueue(slow);
    await imports.drain();
    await imports.enqueue(fails, {}, { delay: "1h" });
    const [titles, ...lines] = (await cli("queue:list --all-queues", { isTerminal: true, columns: 80 })).stdout.split(
      "\n",
    );
    expect(titles).toMatch(/^QUEUE +LAST HOUR +PROCESSED +DEAD +WAITING +RUN P50 +P95$/);
    expect(lines[0]).toMatch(/^imports +slow +1 +0 +0 +\d.*s +\d.*s$/);
    expect(lines[1]).toMatch(/^shop +send_email +1 +0 +0 +\d+ms +\d+ms$/);
    expect(lines[2]).toMatch(/^imports +fails +0 +0 +1 +- +-$/);
    expect(documentOf(await cli("queue:list --all-queues --json"))).toMatchObject({
      types: [{ queue: "imports", name: "slow" }, { queue: "shop" }, { name: "fails" }],
    });
  });
});

test("queue:schedules --upcoming --all-queues is one list of jobs, retries and occurrences by time", async () => {
  const { cli, shop, imports } = ofTwo();
  await imports.schedules.upsert("sync", { job: "fails", every: "40m" });
  await shop.enqueue(sendEmail, { to: "ada" }, { id: "later", delay: "50m" });
  await shop.enqueue(fails, {}, { id: "again", maxRetries: 2 });
  await shop.drain();
  const [titles, ...lines] = (await cli("queue:schedules --upcoming --all-queues")).stdout.trimEnd().split("\n");
  expect(titles).toMatch(/^AT +WHEN +KIND +QUEUE +JOB +ID OR SCHEDULE$/);
  expect(lines[0]).toMatch(/^12:01:00 UTC +in 1 minute +retry +shop +fails +again$/);
  expect(lines[1]).toMatch(/^12:\d0:00 UTC +in \d+ minutes +occurrence +imports +fails +sync$/);
  expect(lines.at(-1)).toMatch(/^12:50:00 UTC +in 50 minutes +job +shop +send_email +later$/);
  const { stderr, code } = await cli("queue:schedules sync --upcoming");
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("A KEY selects one schedule") });
});

test("queue:jobs --search-payload --all-queues finds a job wherever it is", async () => {
  const { cli, shop, imports } = ofTwo();
  await shop.enqueue(sendEmail, { to: "ada@example.com" });
  await imports.enqueue(sendEmail, { to: "ben@example.com" }, { id: "to-ben" });
  const { stdout, stderr } = await cli("queue:jobs --search-payload to=ben@ --all-queues");
  expect(stdout).toMatch(/^ID +QUEUE .*\nto-ben +imports .*\n$/);
  expect(stderr).toBe("2 jobs examined.\n");
});
