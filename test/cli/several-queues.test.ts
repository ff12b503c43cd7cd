import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/clock.ts";
import { start } from "../support/clock.ts";
import { useRedis } from "../support/stores.ts";
import {
  adminToken,
  documentOf,
  errorOf,
  fails,
  impatient,
  inRedis,
  sendEmail,
  tidegate,
  type World,
} from "./run-cli.ts";

// Questions of somebody who does not know in which queue to look.

/** A handler of two queues. */
function ofTwo() {
  const clock = testClock(start);
  const store = memoryStore();
  const slow = defineJob({ name: "slow", perform: () => clock.advance("7s") });
  const asks = defineJob({ name: "asks", perform: (_, job) => job.waitFor("reply-42", { timeout: "7d" }) });
  const open = (name: string) => new Queue({ name, store, clock, jobs: [sendEmail, fails, slow, asks], logger: null });
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
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: "Found in the queue imports.\nTo cancel it: tidegate queue:jobs cancel import-spring --queue imports\n",
      });
      expect(stdout).toMatch(/^Id +import-spring\nName +send_email\nQueue +imports\n/);
    }
    expect((await cli("queue:jobs import-spring --queue imports")).stderr).not.toContain("Found");
  });

  test("names the other queues that it has searched, and with a token that cannot list them none", async () => {
    const { cli } = ofTwo();
    expect(errorOf(await cli("queue:jobs n-1 --json")).message).toContain(
      "\nNo match in other queues either: imports.",
    );
    expect(errorOf(await cli("queue:jobs n-1 --queue shopp --json")).message).toBe(
      "This handler serves no queue named shopp. It serves: shop, imports.",
    );
    const limited = errorOf(await cli("queue:jobs n-1 --json --token enqueue-token"));
    expect(limited.message).not.toContain("other queues");
  });
});

describe("one job is removed from a terminal with one command and one y, in whichever queue", () => {
  /** A job in each state, in the second queue. */
  async function inEachState() {
    const made = ofTwo();
    const { imports } = made;
    await imports.enqueue(fails, {}, { id: "dead", maxRetries: 0 });
    await imports.drain();
    await internalsOf(imports).enqueueHeld([{ job: fails, payload: null, id: "running" }]);
    await imports.enqueue(sendEmail, { to: "ada" }, { id: "ready" });
    await imports.enqueue(sendEmail, { to: "ada" }, { id: "scheduled", delay: "1h" });
    return made;
  }

  test.each([
    ["scheduled", "cancel the waiting job scheduled for good?", "Removed waiting job scheduled"],
    ["ready", "cancel the waiting job ready for good?", "Removed waiting job ready"],
    ["running", "stop running for good?", "Removed job running"],
    ["dead", "remove the dead job dead for good?", "Removed dead job dead"],
  ])("%s", async (id, question, done) => {
    const { cli, imports } = await inEachState();
    const answering = (input: string) => cli(`queue:jobs cancel ${id}`, { isTerminal: true, input });
    const kept = await answering("n\n");
    expect(kept).toMatchObject({ code: 1, stderr: expect.stringContaining(`${question} [y/N]`) });
    expect(await imports.getJob(id)).toMatchObject({ id });
    const removed = await answering("y\n");
    expect(removed).toMatchObject({ code: 0, stdout: `${done} in imports.\n` });
    expect(removed.stderr.match(/\[y\/N\]/g)).toHaveLength(1);
    if (id === "running" || id === "dead") expect(removed.stderr).toContain(`${id} is ${id}.\n`);
    expect(await imports.getJob(id)).toBe(null);
  });

  test("but a program, or --yes, cancels only a job that waits", async () => {
    const { cli, imports } = await inEachState();
    for (const id of ["running", "dead"]) {
      const cancel = `queue:jobs cancel ${id} --queue imports --yes`;
      expect((await cli(cancel, { isTerminal: true })).stderr).toMatch(/^error: This id is of no waiting job\./);
      expect(errorOf(await cli(`${cancel} --json`)).message).toMatch(/^This id is of no waiting job\./);
      expect(await imports.getJob(id)).toMatchObject({ state: id });
    }
  });
});

describe("what only another queue has", () => {
  async function filled() {
    const made = ofTwo();
    const { imports } = made;
    await imports.schedules.upsert("nightly", { job: "fails", cron: "0 3 * * *" });
    await imports.flowControl.set("acme", { concurrency: 1 });
    await imports.enqueue(fails, {}, { id: "rows", maxRetries: 0 });
    await imports.enqueue(sendEmail, { to: "ada" }, { id: "may", children: [{ job: fails, payload: 1 }] });
    await imports.enqueue("asks");
    await imports.drain();
    await imports.enqueue(
      sendEmail,
      { to: "ada" },
      { id: "parent", children: [{ job: sendEmail, payload: { to: "x" } }] },
    );
    await imports.pauseJobs("send_email");
    await imports.pause();
    const [failure] = (await imports.getFailures()).failures;
    return { ...made, group: failure?.group ?? "" };
  }

  test.each([
    "schedules nightly",
    "schedules preview nightly",
    "flow acme",
    "failures GROUP",
    "dlq rows",
    "jobs children parent",
  ])("queue:%s is shown", async (line) => {
    const { cli, group } = await filled();
    const { code, stdout, stderr } = await cli(`queue:${line.replace("GROUP", group)}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^Found in the queue imports\.\n/) });
    expect(stdout).not.toBe("");
  });

  test.each([
    ["schedules pause nightly", 1],
    ["schedules remove nightly --yes", 1],
    ["jobs stop parent --yes", 1],
    ["jobs update parent --delay 1h", 1],
    ["jobs cancel parent --yes", 1],
    ["dlq retry rows", 1],
    ["dlq retry --name fails", 0],
    ["dlq remove --group GROUP --yes", 0],
    ["clear --yes", 0],
    ["types pause send_email", 2],
    ["types resume send_email", 2],
    ["schedules resume nightly", 1],
    ["flow resume acme", 0],
    ["dlq retry --parent may", 1],
    ["signal reply-42 --keep 0s", 0],
    ["resume", 0],
  ])("queue:%s changes nothing, and says which --queue to add", async (line, expected) => {
    const { cli, group, imports } = await filled();
    const before = [await imports.getStats(), await imports.schedules.list()];
    const { code, stdout, stderr } = await cli(`queue:${line.replace("GROUP", group)}`);
    expect(code).toBe(expected);
    expect(stdout + stderr).toContain("Another queue has a match: add --queue imports.");
    expect([await imports.getStats(), await imports.schedules.list()]).toEqual(before);
  });

  test.each([
    ["types pause send_email", "", /^send_email is paused in imports\. /],
    ["types pause asks", "", /^asks is paused in imports\. /],
    ["flow pause acme", "", /^acme is paused in imports\. /],
    ["schedules pause nightly", "", /^Schedule nightly is paused in imports\. /],
    ["jobs update parent --delay 1h", "", /^Changed job parent \(send_email\) in imports\./],
    ["dlq retry rows", "", /^Retried dead job rows in imports\./],
    ["jobs cancel parent", "y\n", /^Removed waiting job parent in imports\.\n$/],
  ])("queue:%s is changed there by somebody at a terminal", async (line, input, done) => {
    const { cli, clock } = await filled();
    const { code, stdout, stderr } = await cli(`queue:${line}`, { isTerminal: true, input, clock: impatient(clock) });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(done) });
    expect(stderr).toContain("Found in the queue imports.\n");
  });

  test("changes nothing for somebody at a terminal either, if it is not one thing, or confirmed beforehand", async () => {
    const { cli, imports } = await filled();
    const before = [await imports.getStats(), await imports.schedules.list()];
    const lines = ["dlq retry --name fails", "schedules remove nightly --yes", "types pause send_email --queue shop"];
    for (const line of lines)
      expect((await cli(`queue:${line}`, { isTerminal: true })).stderr).toContain("add --queue imports.");
    expect([await imports.getStats(), await imports.schedules.list()]).toEqual(before);
  });

  test("is not what a key was paused for, so the pause names the queue that has the key, else the nearest key", async () => {
    const { cli, shop } = await filled();
    for (const key of ["bulk", "mail"])
      await shop.enqueue(sendEmail, { to: "ada" }, { flowControl: { key, concurrency: 1 } });
    expect((await cli("queue:flow pause mail")).stderr).toBe("");
    const { code, stderr } = await cli("queue:flow pause mail --queue imports");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "Another queue has a match: add --queue shop.\n" });
    expect(await cli("queue:flow pause maill")).toMatchObject({
      code: 0,
      stderr: "No flow control key is in use: maill. The nearest: mail, bulk, acme.\n",
    });
  });

  test("is found by the short id of a list too", async () => {
    const { cli, imports } = await filled();
    const { id } = await imports.enqueue(sendEmail, { to: "ada" });
    const short = id.slice(-8);
    expect((await cli(`queue:jobs ${short}`)).stdout).toContain(id);
    expect((await cli(`queue:jobs cancel ${short} --yes`)).stderr).toContain("add --queue imports.");
  });
});

test("an unknown queue name is refused with the names of those that exist", async () => {
  const { cli } = ofTwo();
  for (const command of ["queue:jobs", "queue:list", "queue:schedules"])
    expect(errorOf(await cli(`${command} --queue impots --json`))).toEqual({
      code: "not_found",
      message: "This handler serves no queue named impots. It serves: shop, imports.",
    });
});

describe("a list without --queue", () => {
  /** In each queue a job is dead, one has completed and one waits: in the first queue before, so that it comes last. */
  async function filled() {
    const made = ofTwo();
    const { shop, imports, clock } = made;
    for (const queue of [shop, imports]) {
      await queue.enqueue(fails, 1, { id: `dead-${queue.name}` });
      await queue.enqueue(sendEmail, { to: queue.name }, { id: `sent-${queue.name}` });
      await queue.enqueue(sendEmail, { to: "ada" }, { id: `later-${queue.name}`, delay: "150m" });
      await queue.drain();
      await clock.advance("1h");
    }
    await shop.schedules.upsert("of-shop", { job: "send_email", payload: { to: "ada" }, every: "45m" });
    await imports.schedules.upsert("of-imports", { job: "fails", every: "40m" });
    await clock.advance("1h");
    for (const queue of [shop, imports]) await queue.drain();
    await shop.flowControl.pause("acme");
    await imports.enqueue(sendEmail, { to: "ada" }, { id: "keyed", flowControl: { key: "mail", concurrency: 1 } });
    return made;
  }

  test.each([
    [
      "queue:dlq",
      /^ID +QUEUE +DEAD .*\nof-imports@\S+ +imports +now .*\ndead-imports +imports +2h ago .*\ndead-shop +shop +3h ago /,
    ],
    ["queue:jobs --state completed", /^ID +QUEUE +STATE .*\n(?:.*\n){2}sent-imports +imports .*\nsent-shop +shop /],
    ["queue:jobs --search to --in payload", /\nsent-imports +imports .*\nsent-shop +shop /],
    ["queue:failures", /^QUEUE +GROUP .*\nimports +[\da-f]{12} +2 .*\nshop +[\da-f]{12} +1 /],
    ["queue:schedules", /^QUEUE +KEY +FIRES .*\nimports +of-imports .* ✗ .*\nshop +of-shop /],
    ["queue:flow", /^QUEUE +RUNNING .*\nimports +0 +1 .* mail +no\nshop +0 +0 .* acme +no +paused\n/],
    [
      "queue:schedules upcoming",
      /^QUEUE +WHEN +AT .*\nimports +in 20m +15:20:00 UTC +occurrence +fails +1 +of-imports\nimports +in 30m .* job +send_email +1 +later-imports\nshop +in 45m +15:45:00 UTC /,
    ],
  ])("%s is one list, which says which row is of which queue", async (line, expected) => {
    const { cli } = await filled();
    const { code, stdout } = await cli(line);
    expect(code).toBe(0);
    expect(stdout).toMatch(expected);
    expect((await cli(`${line} --queue shop`)).stdout).not.toContain("QUEUE");
  });

  test("--limit cuts the list, --all does not, and --json names the queues", async () => {
    const { cli } = await filled();
    const cut = await cli("queue:dlq --limit 2");
    expect(cut.stdout).not.toContain("dead-shop");
    expect(cut.stderr).toBe("More follow. Add --queue NAME, or --all.\n");
    const { jobs } = documentOf(await cli("queue:jobs --all --limit 2 --json")) as { jobs: { queue: string }[] };
    expect(jobs.map(({ queue }) => queue).sort()).toEqual([...Array(5).fill("imports"), ...Array(4).fill("shop")]);
  });

  test("is of the first queue if the handler does not list them", async () => {
    const { cli, fetch } = await filled();
    const failing = (request: Request) =>
      new URL(request.url).pathname === "/queues" ? new Response(null, { status: 500 }) : fetch(request);
    const { code, stdout } = await cli("queue:failures", { fetch: failing });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^GROUP/) });
  });
});

test("queue:types is one table of the job types of all by name, with yesterday, and says what a narrow one leaves out", async () => {
  const { cli, clock, shop, imports, slow } = ofTwo();
  await shop.enqueue(sendEmail, { to: "ada" });
  await shop.drain();
  await imports.enqueue(slow);
  await imports.drain();
  await imports.enqueue(fails, {}, { maxRetries: 0 });
  await imports.drain();
  await imports.enqueue(fails, {}, { delay: "1h" });
  const { stdout } = await cli("queue:types", { isTerminal: true, columns: 80 });
  expect(stdout).toMatch(
    /^QUEUE +NAME +WAITING +DEAD TODAY +DEAD YDAY +RUN TODAY +RUN YDAY\nshop +send_email +0 .*\nimports +fails +1 +1 +- +\d+ms +-\nimports +slow +0 .* +\d+s +-\nA wider terminal also shows: DONE 1H, DEAD 1H, RUN 1H, RETRIED 1H, WAIT TODAY,\nWAIT YDAY\.\n$/,
  );
  await clock.advance("1d");
  const { stdout: later } = await cli("queue:types");
  expect(later).toMatch(/^imports +slow +0 +- +- +- +\d(\.\d)?s +0 +- +- +0 +- +\d+ms$/m);
  expect(later).toMatch(/^imports +fails +1 +- +1 +- /m);
  expect((await cli("queue:types fails")).stdout).toMatch(/^QUEUE .*\nimports +fails +1 .*\n$/);
  expect((await cli("queue:types nobody")).stdout).toMatch(/^No such job type/);
});

test("an action names its queue, in the question and in the reply", async () => {
  const { cli, clock, shop } = ofTwo();
  await shop.enqueue(fails, {}, { maxRetries: 0 });
  await shop.drain();
  const world = { isTerminal: true, input: "y\n", clock: impatient(clock) };
  const retried = await cli("queue:dlq retry --all", world);
  expect(retried.stderr).toContain("Queue shop at queue.test: retry all 1 dead job, and none that die later? [y/N]");
  expect(retried.stdout).toMatch(/^Retried 1 dead job in shop\.\nFound: 1 ready\.\nID +STATE /);
  expect(retried.stderr).toContain(
    "See what became of them:\n  tidegate queue:jobs --search 2026-03-01T12:00:00.000Z/2026-03-01T12:00:05.000Z --in retried\n",
  );
  expect((await cli("queue:types pause fails")).stdout).toMatch(/^fails is paused in shop\. /);
  expect((await cli("queue:flow pause mail --queue imports")).stdout).toMatch(/^mail is paused in imports\. /);
});

test("queue:jobs of a rare name says that a part was looked through, whichever queue has more", async () => {
  const { cli, shop } = ofTwo();
  await shop.enqueueMany(Array.from({ length: 1_001 }, () => ({ job: sendEmail, payload: { to: "ada" } })));
  const { stdout, stderr } = await cli("queue:jobs --name rare");
  expect(stdout).toBe("None among the first 1,000 jobs of each state. Add --all.\n");
  expect(stderr).toBe("More follow. Add --each COUNT, or --all.\n");
  expect((await cli("queue:jobs --name rare --all")).stdout).toBe("No matching jobs.\n");
});

describe("queue:list", () => {
  test("of several queues is a table that fits 80 columns, and ends with a line for all of them", async () => {
    const { cli, clock, shop, imports } = ofTwo();
    await shop.enqueueMany(Array.from({ length: 60 }, () => ({ job: sendEmail, payload: { to: "ada" } })));
    for (const queue of [shop, imports]) await queue.enqueue(fails, {});
    for (const queue of [shop, imports]) await queue.drain();
    await clock.advance("2m");
    await shop.enqueue(sendEmail, { to: "ada" }, { delay: "5m" });
    await imports.pause();
    const { stdout } = await cli("queue:list", { isTerminal: true, columns: 80 });
    const [titles, ...lines] = stdout.trimEnd().split("\n");
    expect(titles).toMatch(/^QUEUE +OUTLOOK +READY +SCHEDULED +RUNNING +DEAD +NEXT$/);
    expect(lines[0]).toMatch(/^shop +keeps up \(31 jobs a minute\) +0 +1 +0 +1 +in 5m$/);
    expect(lines[1]).toMatch(/^imports +paused +0 +0 +0 +1 +-$/);
    expect(lines[2]).toMatch(/^all queues +keeps up .* +0 +1 +0 +2 +-$/);
    expect(documentOf(await cli("queue:list --json"))).toMatchObject({
      queues: [
        { queue: "shop", stats: { paused: false } },
        { queue: "imports", ended: expect.any(Array) },
      ],
      total: { deadLetterCount: 2, paused: false },
    });
    const one = documentOf(await cli("queue:list --queue shop --json"));
    expect(one).toMatchObject({ deadLetterCount: 1 });
    await shop.enqueueMany(Array.from({ length: 200 }, () => ({ job: sendEmail, payload: { to: "ada" } })));
    await clock.advance("1m");
    expect((await cli("queue:list")).stdout).toMatch(
      /^shop +grows by 67 a minute \(in 87, out 20 on average\) +200 .* 60s ago$/m,
    );
    const growing = await cli("queue:list", { isTerminal: true, columns: 80 });
    expect(growing.stdout).toMatch(/^shop +grows by 67 a minute .*\n.*\nall queues +in 87, out 21 /m);
    expect(growing.stdout).toContain("A wider terminal also shows: NEXT.");
  });

  test("shows those of a module", async () => {
    const { stdout } = await tidegate(["queue:list", "--module", "./modules/queues.ts"]);
    // Another test of this process may have drained them.
    expect(stdout).toMatch(/^QUEUE .*\nurgent .*\nbulk .*\nall queues +in 0, .* [02] .*\n$/);
  });
});

describe("straight on Redis", () => {
  const redis = useRedis();

  test.each(["queue:list", "queue:jobs", "queue:dlq"])(
    "%s of a queue that never stored anything is a usage error, and of an empty one it is not",
    async (command) => {
      const { queue, cli } = inRedis(redis, { name: "bulk" });
      const unknown = await cli([command, "--queue", "bluk", "--json"]);
      expect(unknown).toMatchObject({ code: 2, stdout: "" });
      expect(errorOf(unknown).message).toMatch(/^Queue bluk in Redis at .* has never had a job or a schedule\./);
      const unnamed = await cli([command]);
      expect(unnamed).toMatchObject({ code: 0, stderr: expect.stringContaining("Choose another with --queue.") });
      await queue.pause();
      expect(await cli([command, "--queue", "bulk"])).toMatchObject({ code: 0, stderr: "" });
    },
  );

  test("queue:enqueue takes a name that it cannot check, and says so; with --module it refuses one", async () => {
    const { queue, cli, knowing } = inRedis(redis);
    const argv = ["queue:enqueue", "nosuchjob", "--id", "one"];
    expect(await cli(argv)).toMatchObject({ code: 0, stderr: expect.stringMatching(/not checked.* use --module/) });
    expect(await queue.getJob("one")).toMatchObject({ name: "nosuchjob" });
    expect((await cli([...argv, ...knowing])).stderr).toContain('No job is named "nosuchjob"');
  });
});
