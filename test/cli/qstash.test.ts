import { describe, expect, test } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { createQStash } from "../../src/qstash/index.ts";
import { testClock } from "../../src/testing/clock.ts";
import { qstashHandler, signingKeys, token } from "../qstash/served-qstash.ts";
import { servedWorkflows, token as workflowToken } from "../qstash/served-workflows.ts";
import { start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";
import { behindHandler, documentOf, errorOf, tidegate, type World } from "./run-cli.ts";

const env = { TIDEGATE_URL: "https://queue.test", TIDEGATE_TOKEN: "the-admin-token", NO_COLOR: "1" };

describe("queue:messages", () => {
  /** Messages of which one was delivered, one has failed once, one is dead and one waits. */
  async function published() {
    const parts = qstashHandler({
      destination: ({ url }) => new Response("no", { status: url.includes("fine") ? 200 : 503 }),
    });
    const publish = async (path: string, headers: Record<string, string> = {}) => {
      const response = await parts.call("POST", `/v2/publish/https://app.test/${path}`, {
        headers,
        body: "secret body",
      });
      return String(((await response.json()) as { messageId: string }).messageId);
    };
    const dead = await publish("dead", { "Upstash-Retries": "0" });
    await parts.queue.drain();
    parts.clock.now += 7_200_000;
    const fine = await publish("fine?token=secret-of-the-query", { "Upstash-Forward-Authorization": "Bearer secret" });
    const retried = await publish("later", { "Upstash-Label": "welcome" });
    await parts.queue.drain();
    const cli = (argv: string, world: World = {}) =>
      tidegate(argv.split(" "), { env, clock: parts.clock, fetch: (request) => parts.app.fetch(request), ...world });
    return { ...parts, cli, dead, fine, retried };
  }

  test("lists what is kept of each, without bodies, headers and the values of queries", async () => {
    const { cli, dead, fine, retried, queue } = await published();
    await queue.enqueue("qstash_fan_out", null).catch(() => {});
    const { code, stdout, stderr } = await cli("queue:messages");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^ID +STATE +ATTEMPTS +STATUS +PUBLISHED +DESTINATION\n/);
    expect(stdout).toMatch(
      new RegExp(`\n${fine} +completed +1 of 4 +200 +now +POST https://app\\.test/fine\\?\\.\\.\\.`),
    );
    expect(stdout).toMatch(new RegExp(`\n${dead} +dead +1 of 1 +503 +2 hours ago +POST https://app\\.test/dead`));
    const { messages } = documentOf(await cli("queue:messages --json")) as { messages: { id: string }[] };
    expect(messages.map(({ id }) => id).sort()).toEqual([dead, fine, retried].sort());
    const texts = [stdout, JSON.stringify(messages), (await cli(`queue:messages ${fine}`)).stdout];
    for (const text of texts) expect(text).not.toMatch(/secret/);
  });

  test("selects by state and time, and shows one", async () => {
    const { cli, dead, retried } = await published();
    const ids = async (argv: string) =>
      (documentOf(await cli(`${argv} --json`)) as { messages: { id: string }[] }).messages.map(({ id }) => id);
    expect(await ids("queue:messages --state dead")).toEqual([dead]);
    expect(await ids("queue:messages --state dead --since 1h")).toEqual([]);
    expect(await ids("queue:messages --since 1h")).toHaveLength(2);
    const { stdout } = await cli(`queue:messages ${retried}`);
    expect(stdout).toMatch(/Destination +POST https:\/\/app\.test\/later\n/);
    expect(stdout).toMatch(/Last response +503\n/);
    expect(stdout).toMatch(/Labels +welcome/);
    expect(stdout).toMatch(/\n\nAttempt 1 failed now: /);
  });

  test("refuses options of lists with an id, and the id of another job", async () => {
    const { cli, dead } = await published();
    expect((await cli(`queue:messages ${dead} --since 1h`)).stderr).toContain("leave out --since");
    const { queue, cli: other } = behindHandler();
    await queue.enqueue("send_email", { to: "ada" }, { id: "a", delay: "1h" });
    expect(errorOf(await other(["queue:messages", "a", "--json"]))).toMatchObject({ code: "not_found" });
    expect((await other(["queue:messages"])).stdout).toBe("No matching messages.\n");
  });
});

describe("queue:runs", () => {
  const hour = 3_600_000;
  const order = defineJob({
    name: "order",
    maxRetries: 0,
    async perform(fate: string, job) {
      await job.step("charge", () => 1);
      await job.sleep("10m", { name: "a while" });
      await job.step("ship", () => {
        if (fate === "fails") throw new Error("no luck");
      });
    },
  });

  async function withSteps() {
    const target = behindHandler({ jobs: [order], logger: null });
    const { queue, clock } = target;
    await queue.enqueue(order, "works", { id: "old" });
    await queue.drain();
    await clock.advance("10m");
    await queue.drain();
    await clock.advance("2h");
    await queue.enqueue(order, "works", { id: "new" });
    await queue.drain();
    return target;
  }

  test("lists jobs with steps, the latest first, and says that a handler needs a token for workflows", async () => {
    const { cli, queue } = await withSteps();
    await queue.enqueue("order", "none", { id: "not-begun", delay: "1h" });
    const { code, stdout, stderr } = await cli(["queue:runs"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "Without QSTASH_TOKEN, runs of workflows are not listed.\n" });
    expect(stdout.split("\n")).toEqual([
      expect.stringMatching(/^ID +STATE +STARTED +TOOK +STEPS +NAME$/),
      expect.stringMatching(/^new +running +now +0 ms so far +1 of 2 +order$/),
      expect.stringMatching(/^old +completed +2 hours ago +10 minutes +3 of 3 +order$/),
      "",
    ]);
    const ids = async (...argv: string[]) =>
      (documentOf(await cli(["queue:runs", "--json", ...argv])) as { runs: { id: string }[] }).runs.map(({ id }) => id);
    expect(await ids("--since", "1h")).toEqual(["new"]);
    expect(await ids("--all")).toEqual(["new", "old"]);
    expect(await ids("--limit", "1")).toEqual(["new"]);
    expect((await cli(["queue:runs", "--limit", "1"])).stderr).toContain("More follow");
  });

  test("shows when each step of one ran, on one scale", async () => {
    const { cli } = await withSteps();
    const { stdout } = await cli(["queue:runs", "old"], { columns: 80 });
    const bars = stdout.split("\n").slice(-5, -1);
    expect(bars[0]).toMatch(/^STEP +STATE +TOOK +0 +10 minutes$/);
    expect(bars[1]).toMatch(/^charge +completed +0 ms +█$/);
    expect(bars[2]).toMatch(/^a while +completed +10 minutes +█{50,}$/);
    expect(bars[3]).toMatch(/^ship +completed +0 ms +·+█$/);
    const open = await cli(["queue:runs", "new"]);
    expect(open.stdout).toMatch(/\na while +sleeping +0 ms so far +▒/);
    expect(documentOf(await cli(["queue:runs", "old", "--json"]))).toMatchObject({ done: 3, steps: [{}, {}, {}] });
  });

  test("shows why a step failed, and how long a short one took", async () => {
    let wait = async () => {};
    const job = defineJob({
      name: "onboard",
      maxRetries: 0,
      async perform(_, { step }) {
        await step("mail", () => wait());
        await step("bill", () => Promise.reject(new Error("no luck")), { maxRetries: 0 });
      },
    });
    const target = behindHandler({ jobs: [job], logger: null });
    wait = () => target.clock.advance("2300ms");
    await target.queue.enqueue(job, undefined, { id: "onboard-7" });
    await target.queue.drain();
    const { stdout } = await target.cli(["queue:runs", "onboard-7"]);
    expect(stdout).toMatch(/\nmail +completed +2\.3 s .*\nbill +failed .*\n +Error: no luck\n$/);
  });

  test("refuses a job without steps, options of lists with an id, and a run without a token", async () => {
    const { cli, queue } = await withSteps();
    await queue.enqueue(order, "works", { id: "none", delay: "1h" });
    expect(errorOf(await cli(["queue:runs", "none", "--json"]))).toMatchObject({ code: "conflict" });
    expect((await cli(["queue:runs", "old", "--since", "1h"])).code).toBe(2);
    expect((await cli(["queue:runs", "wfr_x"])).stderr).toContain("Set QSTASH_TOKEN");
  });

  async function workflows() {
    const served = await servedWorkflows({
      onboard: {
        routeFunction: async (context: { run: (name: string, work: () => unknown) => Promise<unknown> }) => {
          await context.run("greet", () => "hello");
          await context.run("remind", () => "again");
        },
      } as never,
    });
    const { workflowRunId } = await served.workflow.trigger({ url: "https://app.test/workflows/onboard" });
    await served.settle();
    const fetch = (request: Request) => served.app.fetch(request);
    const cli = (argv: string, world: World = {}) =>
      tidegate(argv.split(" "), {
        env: { ...env, QSTASH_TOKEN: workflowToken },
        clock: served.clock,
        fetch,
        ...world,
      });
    return { ...served, cli, workflowRunId };
  }

  test("shows runs of workflows with a token of the interface, and each step of one", async () => {
    const { cli, workflowRunId, clock } = await workflows();
    clock.now += hour;
    const { stdout, stderr } = await cli("queue:runs");
    expect(stderr).toBe("");
    expect(stdout).toMatch(
      new RegExp(
        `\n${workflowRunId} +completed +1 hour ago +\\d+ \\w+ +2 of 2 +https://app\\.test/workflows/onboard\n`,
      ),
    );
    const one = await cli(`queue:runs ${workflowRunId}`);
    expect(one.stdout).toMatch(/\ngreet +completed .*\nremind +completed /);
    expect((await cli("queue:runs --since 30m")).stdout).toBe("No matching runs.\n");
    expect((await cli("queue:runs wfr_unknown")).stderr).toContain("No run has this id");
  });

  test("says what is wrong with the token, and that a handler has no interface", async () => {
    const { cli } = await workflows();
    const wrong = await cli("queue:runs", { env: { ...env, QSTASH_TOKEN: "another-token" } });
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("QSTASH_TOKEN is no token of this handler"),
    });
    const plain = behindHandler();
    const none = await plain.cli(["queue:runs"], {
      env: { TIDEGATE_URL: "https://queue.test/jobs", TIDEGATE_TOKEN: "admin-token-of-the-test", QSTASH_TOKEN: token },
    });
    expect(none).toMatchObject({
      code: 0,
      stdout: "No matching runs.\n",
      stderr: expect.stringContaining("does not serve QStash's interface"),
    });
  });

  test("reads the runs itself where it has the Redis", async () => {
    expect(await onRedis()).toMatch(/wfr_\w+ +running +now .* 0 of 1 +https:\/\/app\.test\/flow/);
  });

  const redis = useRedis();

  async function onRedis(): Promise<string> {
    const clock = testClock(start);
    const prefix = "cli-runs";
    const qstash = createQStash({ tokens: [token], signingKeys, targets: ["https://app.test/*"] });
    const queue = new Queue({ store: redis.store(prefix), jobs: qstash.jobs, clock });
    const { fetch } = createHandler({ queue, auth: { admin: ["the-admin-token"] }, qstash, eager: false });
    const headers = {
      Authorization: `Bearer ${token}`,
      "Upstash-Workflow-Init": "true",
      "Upstash-Workflow-RunId": "wfr_one",
    };
    const request = { method: "POST", headers, body: "{}" };
    await fetch(new Request("https://queue.test/v2/publish/https://app.test/flow", request));
    const { url, token: restToken } = redis.shim;
    const { commands, result } = await countCommands(redis.server.port, () =>
      tidegate(["queue:runs", "--prefix", prefix], {
        env: { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: restToken },
        clock,
      }),
    );
    expect(commands).toBeLessThanOrEqual(60);
    return result.stdout;
  }
});
