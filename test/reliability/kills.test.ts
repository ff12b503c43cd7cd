import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/upstash/index.ts";
import { buildProgram, type Program } from "../support/child.ts";
import { RespClient } from "../support/resp.ts";
import { useRedis } from "../support/stores.ts";

// Drains in processes of their own, each killed after a random time. The wait is the fault that is injected: no outcome
// below depends on how long it was.

const KILLS = 15;
const JOBS = 400;
const LEASE_IS_OVER_MS = 70_000;

describe("a process that is killed while it drains", () => {
  const redis = useRedis();
  let program: Program;
  beforeAll(async () => {
    program = await buildProgram("drain-child.ts");
  });
  afterAll(() => program.remove());

  test("loses no job, and only jobs whose lease ran out run again", async () => {
    const { url, token } = redis.shim;
    const prefix = "kills";
    let ahead = 0;
    const note = defineJob({ name: "note", perform: () => {} });
    const queue = new Queue({
      store: upstashStore({ url, token, prefix }),
      jobs: [note],
      clock: () => Date.now() + ahead,
    });
    await queue.enqueueMany(Array.from({ length: JOBS }, () => ({ job: note })));
    const start = () =>
      program.start({
        STORE_URL: url,
        STORE_TOKEN: token,
        STORE_PREFIX: prefix,
        REDIS_PORT: String(redis.server.port),
        AHEAD_MS: String(ahead),
      });

    for (let kill = 0; kill < KILLS; kill++) {
      const child = start();
      await child.says(/ready/);
      await wait(Math.random() * 25);
      child.process.kill("SIGKILL");
      await child.ended;
      ahead += LEASE_IS_OVER_MS;
    }
    const last = start();
    expect(await last.ended).toBe(0);

    const resp = await RespClient.connect(redis.server.port);
    const performed = (await resp.send(["LRANGE", `${prefix}:performed`, 0, -1])) as string[];
    resp.close();
    expect(await queue.getStats()).toMatchObject({
      totalEnqueued: JOBS,
      totalProcessed: JOBS,
      pendingCount: 0,
      runningCount: 0,
      deadLetterCount: 0,
    });
    expect(new Set(performed.map((line) => line.split(" ")[0])).size).toBe(JOBS);
    // A second run of a job is another attempt: no attempt was ever made twice.
    expect(new Set(performed).size).toBe(performed.length);
  });
});
