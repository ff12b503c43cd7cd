import { describe, expect, test } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { testClock } from "../../src/testing/clock.ts";
import { start } from "../support/clock.ts";
import {
  adminToken,
  behindHandler,
  documentOf,
  fails,
  onEveryTarget,
  sendEmail,
  tidegate,
  type World,
} from "./run-cli.ts";

const jobs = [sendEmail, fails];

/** A handler of two queues: in each a job is dead and one has completed, at other times. */
async function ofTwo() {
  const clock = testClock(start);
  const store = memoryStore();
  const [mail, bulk] = ["mail", "bulk"].map((name) => new Queue({ name, store, clock, jobs, logger: null })) as [
    Queue,
    Queue,
  ];
  for (const queue of [bulk, mail]) {
    await queue.enqueue(fails, 1, { id: `dead-${queue.name}` });
    await queue.enqueue(sendEmail, { to: "ada" }, { id: `sent-${queue.name}` });
    await queue.drain();
    await clock.advance("1h");
  }
  await mail.enqueue(fails, 2);
  await mail.drain();
  await mail.enqueue(sendEmail, { to: "ada" }, { id: "later", delay: "1d" });
  const handler = createHandler({ queues: [bulk, mail], auth: { admin: [adminToken] } });
  const requests: string[] = [];
  const fetch = (request: Request) => {
    requests.push(request.url.replace("https://queue.test", ""));
    return handler.fetch(request);
  };
  const env = { TIDEGATE_URL: "https://queue.test", TIDEGATE_TOKEN: adminToken, NO_COLOR: "1" };
  const cli = (argv: string, world: World = {}) => tidegate(argv.split(" "), { env, clock, fetch, ...world });
  const ids = async (argv: string) =>
    (documentOf(await cli(`${argv} --json`)) as { jobs: { id: string }[] }).jobs.map(({ id }) => id);
  return { cli, ids, requests, clock, mail, bulk };
}

describe("--all-queues", () => {
  test("queue:dlq lists the dead jobs of every queue, newest first, and says which is where", async () => {
    const { cli, ids } = await ofTwo();
    expect((await ids("queue:dlq --all-queues")).slice(1)).toEqual(["dead-mail", "dead-bulk"]);
    const { stdout } = await cli("queue:dlq --all-queues");
    expect(stdout).toMatch(/^ID +QUEUE +DEAD/);
    expect(stdout).toMatch(/\ndead-bulk +bulk +2 hours ago/);
    const one = await cli("queue:dlq --all-queues --limit 2");
    expect(one.stdout).not.toContain("dead-bulk");
    expect(one.stderr).toContain("More follow. Add --all, or name a queue with --queue.");
  });

  test("queue:jobs merges the lists, and all of them with --all", async () => {
    const { cli, ids } = await ofTwo();
    expect(await ids("queue:jobs --all-queues --state completed")).toEqual(["sent-mail", "sent-bulk"]);
    expect(await ids("queue:jobs --all-queues --all")).toHaveLength(6);
    expect((await cli("queue:jobs --all-queues")).stdout).toMatch(/\nlater +mail +scheduled/);
  });

  test("queue:failures counts the groups of each queue", async () => {
    const { cli } = await ofTwo();
    const { failures } = documentOf(await cli("queue:failures --all-queues --json")) as { failures: object[] };
    expect(failures).toMatchObject([
      { queue: "mail", count: 2 },
      { queue: "bulk", count: 1 },
    ]);
    const { stdout } = await cli("queue:failures --all-queues");
    expect(stdout).toMatch(/^QUEUE +GROUP .*\nmail +[\da-f]{12} +2 .*\nbulk +[\da-f]{12} +1 /);
    expect((await cli("queue:failures")).stdout).not.toContain("QUEUE");
  });

  test.each([
    ["queue:jobs --all-queues --queue mail", /--queue or --all-queues, not both/],
    ["queue:dlq --all-queues --cursor dead:x", /A cursor belongs to one queue/],
    ["queue:jobs later --all-queues", /leave out --all-queues/],
    ["queue:jobs --name fails --cancel --all-queues", /leave out --all-queues/],
  ])("%s is refused", async (argv, message) => {
    const { cli } = await ofTwo();
    const { code, stderr } = await cli(argv);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  test("needs a handler or a module: a Redis does not know its queues", async () => {
    const fetch = () => Promise.reject(new Error("not reached"));
    const env = { UPSTASH_REDIS_REST_URL: "https://redis.test", UPSTASH_REDIS_REST_TOKEN: "x" };
    const { code, stderr } = await tidegate(["queue:jobs", "--all-queues"], { env, fetch });
    expect([code, stderr]).toEqual([2, expect.stringContaining("A Redis does not list its queues.")]);
  });
});

onEveryTarget((open) => {
  test("--since keeps what has happened since, and --cursor goes on", async () => {
    const target = open({ logger: null });
    const { queue, clock, knowing } = target;
    for (let hour = 0; hour < 4; hour++) {
      await queue.enqueue(fails, hour, { id: `dead-${hour}` });
      await queue.enqueue(sendEmail, { to: "ada" }, { id: `sent-${hour}` });
      await queue.enqueue(sendEmail, { to: "ada" }, { id: `later-${hour}`, delay: "7d" });
      await queue.drain();
      await clock.advance("1h");
    }
    const ids = async (argv: string) => {
      const document = documentOf(await target.cli([...argv.split(" "), "--json", ...knowing]));
      const { jobs: found, cursor } = document as { jobs: { id: string }[]; cursor: string | null };
      return { ids: found.map(({ id }) => id), cursor };
    };
    const lastTwo = (name: string) => [`${name}-3`, `${name}-2`];
    expect(await ids("queue:dlq --since 2h")).toEqual({ ids: lastTwo("dead"), cursor: null });
    expect(await ids("queue:jobs --state completed --since 2h")).toEqual({ ids: lastTwo("sent"), cursor: null });
    const at = new Date(start + 2 * 3_600_000).toISOString();
    expect(await ids(`queue:jobs --since ${at} --all`)).toEqual({
      ids: ["later-2", "later-3", ...lastTwo("sent"), ...lastTwo("dead")],
      cursor: null,
    });
    let page = await ids("queue:jobs --since 2h --limit 3");
    const found = [...page.ids];
    while (page.cursor !== null) {
      page = await ids(`queue:jobs --since 2h --limit 3 --cursor ${page.cursor}`);
      found.push(...page.ids);
    }
    expect(found).toEqual(["later-2", "later-3", ...lastTwo("sent"), ...lastTwo("dead")]);
    const { stdout } = await target.cli(["queue:jobs", "--since", "2h", ...knowing]);
    expect(stdout.match(/-[0-9]/g)?.sort()).toEqual(["-2", "-2", "-2", "-3", "-3", "-3"]);
    const { failures } = documentOf(await target.cli(["queue:failures", "--since", "30m", "--json"])) as {
      failures: object[];
    };
    expect(failures).toEqual([]);
  });
});

test("--since reads no page after the first job that is too old", async () => {
  const { clock, mail, cli, requests } = await ofTwo();
  const die = async (count: number) => {
    for (let left = count; left > 0; left--) await mail.enqueue(fails, left);
    await mail.drain();
  };
  await die(20);
  await clock.advance("1h");
  await die(9);
  for (const command of ["queue:dlq", "queue:jobs --state dead"]) {
    requests.splice(0);
    const { stdout } = await cli(`${command} --since 30m --limit 4 --all --queue mail --json`);
    expect((JSON.parse(stdout) as { jobs: object[] }).jobs).toHaveLength(9);
    expect(requests, command).toHaveLength(3);
  }
});

test.each([
  ["1d later", /--since/],
  ["2999-01-01", /--since/],
  ["2030-01-01T00:00:00Z", /a time to come/],
  ["tomorrow", /--since/],
])("--since %s is refused before anything is read", async (since, message) => {
  const { cli } = behindHandler();
  const fetch = () => Promise.reject(new Error("not reached"));
  const { code, stderr } = await cli(["queue:dlq", "--since", since], { fetch });
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
});
