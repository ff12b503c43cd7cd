import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineJob, Queue } from "../../src/index.ts";
import { redisStore } from "../../src/stores/redis-tcp/index.ts";
import { useRedis } from "../support/stores.ts";

// Reports to the parent when the first job has started, and runs it until the parent writes something.
const program = `
import { once } from "node:events";
import { createClient } from "redis";
import { defineJob, Queue } from "../../src/index.ts";
import { startWorker } from "../../src/platforms/node.ts";
import { redisStore } from "../../src/stores/redis-tcp/index.ts";

async function main() {
  const client = await createClient({ url: process.argv[2] }).connect();
  const slow = defineJob({
    name: "slow",
    async perform(isQuick) {
      if (isQuick) return undefined;
      console.log("started");
      await once(process.stdin, "data");
      return "finished";
    },
  });
  const queue = new Queue({ store: redisStore(client, { prefix: process.argv[3] }), jobs: [slow] });
  const worker = startWorker(queue, { workers: 1, handleSignals: true });
  const onSignal = () => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, onSignal);
    console.log("stopping");
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, onSignal);
  const { claimed, completed, released } = await worker.done;
  console.log(JSON.stringify({ claimed, completed, released }));
  process.stdin.destroy();
  await client.close();
}
void main();
`;

describe("a worker in its own process", () => {
  const redis = useRedis();
  let directory: string;
  let file: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "tidegate-worker-"));
    file = join(directory, "worker.cjs");
    await build({
      stdin: { contents: program, resolveDir: import.meta.dirname, loader: "ts" },
      bundle: true,
      platform: "node",
      format: "cjs",
      outfile: file,
    });
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function setUp(prefix: string) {
    const url = `redis://127.0.0.1:${redis.server.port}`;
    const client = await createClient({ url }).connect();
    const slow = defineJob({ name: "slow", perform: (_isQuick: boolean) => {} });
    const queue = new Queue({ store: redisStore(client, { prefix }), jobs: [slow] });
    // After the quick one the worker expects the others to be quick too, and claims ahead.
    await queue.enqueueMany(["0", "a", "b", "c"].map((id) => ({ job: slow, id, payload: id === "0" })));
    const child = spawn(process.execPath, [file, url, prefix], { stdio: ["pipe", "pipe", "inherit"] });
    const exited = once(child, "exit");
    return { client, queue, child, exited, heard: listen(child) };
  }

  test("on SIGTERM releases jobs that have not started, finishes running ones, and exits", async () => {
    const { client, queue, child, exited, heard } = await setUp("gentle");
    await heard("started");
    child.kill("SIGTERM");
    await heard("stopping");
    child.stdin?.write("go on\n");
    expect(await heard("{")).toBe('{"claimed":4,"completed":2,"released":2}');
    expect(await exited).toEqual([0, null]);
    expect(await queue.getJob("a")).toMatchObject({ state: "completed", result: "finished", attempts: 1 });
    expect(await queue.getJob("b")).toMatchObject({ state: "ready", attempts: 0 });
    expect(await queue.drain()).toMatchObject({ completed: 2 });
    await client.close();
  });

  test.each([
    ["SIGTERM", "SIGTERM"],
    ["SIGINT", "SIGTERM"],
    ["SIGTERM", "SIGINT"],
  ] as const)(
    "%s and then %s end it at once, and the job is due again when its lease expires",
    async (first, second) => {
      const { client, queue, child, exited, heard } = await setUp(`abrupt-${first}-${second}`);
      await heard("started");
      child.kill(first);
      await heard("stopping");
      child.kill(second);
      expect(await exited).toEqual([null, second]);
      expect(await queue.getJob("a")).toMatchObject({ state: "running", attempts: 1 });
      await client.close();
    },
  );
});

/** Returns a function that waits for the next line that starts with a text. */
function listen(child: ChildProcess): (beginning: string) => Promise<string> {
  const lines: string[] = [];
  let arrived = () => {};
  let rest = "";
  child.stdout?.on("data", (chunk) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
    arrived();
  });
  return async (beginning) => {
    for (;;) {
      const index = lines.findIndex((line) => line.startsWith(beginning));
      if (index >= 0) return lines.splice(0, index + 1).at(-1) ?? "";
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
  };
}
