import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { installedBuild } from "../package/built.ts";
import { useRedis } from "../support/stores.ts";

// How long the way of one job is: the calls of functions of the package that V8 counts, the tenth time in a process.

const COUNTING = `
import { Session } from "node:inspector/promises";
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
const { defineJob, memoryStore, Queue } = await import("tidegate");
const job = defineJob({ name: "noop", perform() {} });
async function callsOf(act) {
  await session.post("Profiler.takePreciseCoverage");
  await act();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  const functions = result.flatMap((file) => (file.url.includes("/tidegate/dist/") ? file.functions : []));
  return functions.map(({ functionName, ranges }) => ({ name: functionName, count: ranges[0].count }));
}
`;

const DRAIN = `
import { createClient } from "redis";
const { redisStore } = await import("tidegate/redis");
const client = await createClient({ url: process.env.REDIS }).connect();
const queue = new Queue({ name: "calls", store: redisStore(client), jobs: [job] });
let report, calls;
for (let drains = 0; drains < 10; drains++) {
  await queue.enqueue(job);
  calls = await callsOf(async () => { report = await queue.drain(); });
}
console.log(JSON.stringify({ completed: report.completed, calls }));
await client.close();
`;

const EAGER = `
const { createHandler } = await import("tidegate/http");
const queue = new Queue({ store: memoryStore(), jobs: [job] });
const work = [];
const handler = createHandler({ queue, auth: "none", drain: { maxJobs: 5 }, waitUntil: (promise) => work.push(promise) });
const headers = { "Content-Type": "application/json" };
const body = JSON.stringify({ name: "noop" });
const calls = await callsOf(async () => {
  await handler.fetch(new Request("http://queue.test/jobs", { method: "POST", headers, body }));
  await Promise.all(work);
});
console.log(JSON.stringify({ completed: (await queue.getStats()).completedCount, calls }));
`;

interface Counted {
  readonly completed: number;
  readonly calls: readonly { readonly name: string; readonly count: number }[];
}

const redis = useRedis();

async function run(program: string): Promise<Counted> {
  const file = join(await installedBuild(), `calls-${process.pid}.mjs`);
  await writeFile(file, COUNTING + program);
  const env = { ...process.env, REDIS: `redis://127.0.0.1:${redis.server.port}` };
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env }).finally(() => rm(file));
  return JSON.parse(stdout) as Counted;
}

const sumOf = (calls: Counted["calls"]) => calls.reduce((sum, { count }) => sum + count, 0);

test("a drain of one job makes at most 1,200 calls of functions", async () => {
  const { completed, calls } = await run(DRAIN);
  expect(completed).toBe(1);
  expect(sumOf(calls)).toBeGreaterThan(100);
  expect(sumOf(calls)).toBeLessThanOrEqual(1_200);
});

test("a request that enqueues a job and starts it reads the options of drains once", async () => {
  const { completed, calls } = await run(EAGER);
  expect(completed).toBe(1);
  expect(sumOf(calls.filter(({ name }) => name === "drainLimits"))).toBe(1);
});
