import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Queue } from "../../src/index.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { RespClient } from "../support/resp.ts";
import { useRedis } from "../support/stores.ts";
import { findingOf, statuses } from "./doctor-findings.ts";
import { documentOf, errorOf, fails, sendEmail, tidegate } from "./run-cli.ts";

async function ask({ port }: RedisServer, ...command: string[]) {
  const client = await RespClient.connect(port);
  const reply = await client.send(command);
  client.close();
  return reply;
}

describe("an address that begins with redis://", () => {
  const redis = useRedis();
  const url = () => `redis://127.0.0.1:${redis.server.port}`;

  async function queueUnder(prefix: string): Promise<Queue> {
    const queue = new Queue({ store: redis.store(prefix), jobs: [sendEmail, fails] });
    await queue.enqueueMany([{ job: sendEmail, payload: { to: "ada" } }, { job: fails }]);
    return queue;
  }

  test("is a Redis for queue:list, from --url and from TIDEGATE_URL", async () => {
    await queueUnder("tcp-list");
    const list = ["queue:list", "--prefix", "tcp-list"];
    const { code, stdout } = await tidegate([...list, "--url", url()]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Queue default in Redis at 127\.0\.0\.1:\d+\n/);
    expect(documentOf(await tidegate([...list, "--json"], { env: { TIDEGATE_URL: url() } }))).toMatchObject({
      readyCount: 2,
    });
  });

  test("is checked by queue:doctor", async () => {
    await queueUnder("tcp-doctor");
    const result = await tidegate(["queue:doctor", "--json", "--url", url(), "--prefix", "tcp-doctor"]);
    expect(statuses(result)).toMatchObject({ url: "ok", encryption: "ok", clock: "ok", token: "ok", eviction: "ok" });
    expect(findingOf(result, "token")?.message).toBe("The queue can read and write.");
  });

  test("takes the jobs of --module beside it, and queue:work runs them", async () => {
    const queue = await queueUnder("tcp-work");
    const work = ["queue:work", "--once", "--module", "./modules/jobs.ts", "--prefix", "tcp-work", "--url", url()];
    expect((await tidegate(work)).stdout.split("\n").at(-2)).toBe("1 completed, 1 dead.");
    expect(await queue.getStats()).toMatchObject({ completedCount: 1, deadLetterCount: 1 });
  });

  test("shows how often a job is retried only if that is stored, or its code is known, in queue:jobs as in queue:dlq", async () => {
    const queue = await queueUnder("tcp-retries");
    await queue.drain();
    await queue.enqueue(fails, undefined, { id: "set", maxRetries: 0 });
    await queue.enqueue(fails, undefined, { id: "by its definition" });
    await queue.drain();
    const at = ["--json", "--prefix", "tcp-retries", "--url", url()];
    const retriesIn = async (...argv: string[]) => {
      const { jobs } = documentOf(await tidegate([...argv, ...at])) as { jobs: Record<string, unknown>[] };
      const dead = jobs.filter(({ id }) => /^(set|by its definition)$/.test(String(id)));
      return Object.fromEntries(dead.map((job) => [job["id"], "maxRetries" in job ? job["maxRetries"] : "left out"]));
    };
    for (const list of ["queue:jobs", "queue:dlq"]) {
      expect(await retriesIn(list)).toEqual({ set: 0, "by its definition": "left out" });
      expect(await retriesIn(list, "--module", "./modules/jobs.ts")).toEqual({ set: 0, "by its definition": 0 });
    }
  });

  test("cannot stand beside a module with queues of its own", async () => {
    const result = await tidegate(["queue:list", "--json", "--module", "./modules/queues.ts", "--url", url()]);
    expect(result.code).toBe(2);
    expect(errorOf(result).message).toContain("leave out --prefix and --url");
  });

  test("that is none is a usage error", async () => {
    for (const wrong of ["redis://", "redis://host/no-number", "redis://host:6379/0?db=1"]) {
      const result = await tidegate(["queue:list", "--json", "--url", wrong]);
      expect(result.code).toBe(2);
      expect(errorOf(result).message).toContain("It looks like redis://localhost:6379");
    }
  });

  test("at which nothing listens says so", async () => {
    const list = await tidegate(["queue:list", "--json", "--url", "redis://127.0.0.1:1"]);
    expect(list.code).toBe(1);
    expect(errorOf(list)).toMatchObject({ code: "store_unavailable" });
    const doctor = await tidegate(["queue:doctor", "--json", "--url", "redis://127.0.0.1:1"]);
    expect(findingOf(doctor, "url")).toMatchObject({ status: "fail", message: "No Redis replies at the address." });
  });

  describe("with a password", () => {
    let guarded: RedisServer;
    beforeAll(async () => {
      guarded = await startRedis();
      await ask(guarded, "CONFIG", "SET", "requirepass", "open-sesame");
    });
    afterAll(() => guarded.stop());

    test("lets in, chooses the database, and shows the password nowhere", async () => {
      const address = `redis://default:open-sesame@127.0.0.1:${guarded.port}/3`;
      const enqueue = await tidegate(["queue:enqueue", "send_email", '{"to":"ada"}', "--url", address]);
      expect(enqueue.code).toBe(0);
      const list = await tidegate(["queue:list", "--url", address]);
      expect(list.stdout).toContain("Ready            1");
      const other = await tidegate(["queue:list", "--url", address.replace("/3", "/4")]);
      expect(other.stdout).toContain("Ready            0");
      const doctor = await tidegate(["queue:doctor", "--url", address]);
      expect([enqueue, list, doctor].map(({ stdout, stderr }) => stdout + stderr).join()).not.toContain("sesame");
    });

    test("that is wrong is found by queue:doctor", async () => {
      const doctor = await tidegate(["queue:doctor", "--json", "--url", `redis://:wrong@127.0.0.1:${guarded.port}`]);
      expect(findingOf(doctor, "token")).toMatchObject({
        status: "fail",
        message: "Redis does not know the token, or the user and the password.",
      });
      expect(doctor.stdout).not.toContain("wrong@");
    });
  });
});

test.each([
  [{ TIDEGATE_URL: "redis://ada:s3cret@localhost:1" }, "localhost:1"],
  [{ UPSTASH_REDIS_REST_URL: "http://localhost:2", UPSTASH_REDIS_REST_TOKEN: "s3cret" }, "localhost:2"],
  [{ TIDEGATE_URL: "https://localhost/queue", TIDEGATE_TOKEN: "s3cret-token" }, "localhost:443"],
])("an error of a connection names the host and the port, and no secret: %o", async (env, place) => {
  const { code, stderr } = await tidegate(["queue:changes"], { env });
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(place) });
  expect(stderr).not.toContain("s3cret");
});
