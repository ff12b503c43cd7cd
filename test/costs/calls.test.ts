import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { installedBuild } from "../package/built.ts";
import { useRedis } from "../support/stores.ts";

/**
 * `callsDuring(work)` gives the calls of functions of the package that V8 counts: an array of names, each with its
 * number of calls.
 */
const COUNTER = `
import { Session } from "node:inspector/promises";
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
async function callsDuring(work) {
  await session.post("Profiler.takePreciseCoverage");
  await work();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  const files = result.filter(({ url }) => url.includes("/tidegate/dist/"));
  return files.flatMap(({ functions }) => functions.map(({ functionName, ranges }) => [functionName, ranges[0].count]));
}
const sum = (calls) => calls.reduce((total, [, count]) => total + count, 0);
`;

/** The calls of the tenth drain of a process: how long the way of one job is. */
const DRAINS = `
import { createClient } from "redis";
const { defineJob, Queue } = await import("tidegate");
const { redisStore } = await import("tidegate/redis");
const client = await createClient({ url: process.env.REDIS }).connect();
const job = defineJob({ name: "noop", perform() {} });
const queue = new Queue({ name: "calls", store: redisStore(client), jobs: [job] });
let report, calls;
for (let drains = 0; drains < 10; drains++) {
  await queue.enqueue(job);
  calls = await callsDuring(async () => (report = await queue.drain()));
}
console.log(JSON.stringify({ completed: report.completed, calls: sum(calls) }));
await client.close();
`;

const SCHEDULES = `
const { defineJob, memoryStore, Queue } = await import("tidegate");
let now = Date.UTC(2026, 2, 1, 12);
const parsings = async (work) => sum((await callsDuring(work)).filter(([name]) => name === "readPattern"));
const jobs = [];
const define = () => jobs.push(defineJob({ name: "nightly", schedule: { cron: "H 3 * * *" }, perform() {} }));
const defining = await parsings(define);
const using = await parsings(async () => {
  const queue = new Queue({ store: memoryStore(), clock: () => now, jobs });
  await queue.drain();
  now += 86_400_000;
  const { rearmed, completed } = await queue.drain();
  const preview = await queue.schedules.preview("nightly", 3);
  if (rearmed !== 1 || completed !== 1 || preview.length !== 3) throw new Error("It has not run.");
});
console.log(JSON.stringify({ defining, using }));
`;

/** The calls of a request that enqueues a job and starts it after its response. */
const EAGER = `
const { defineJob, memoryStore, Queue } = await import("tidegate");
const { createHandler } = await import("tidegate/http");
const job = defineJob({ name: "noop", perform() {} });
const queue = new Queue({ store: memoryStore(), jobs: [job] });
const work = [];
const handler = createHandler({ queue, auth: "none", drain: { maxJobs: 5 }, waitUntil: (promise) => work.push(promise) });
const headers = { "Content-Type": "application/json" };
const body = JSON.stringify({ name: "noop" });
const calls = await callsDuring(async () => {
  await handler.fetch(new Request("http://queue.test/jobs", { method: "POST", headers, body }));
  await Promise.all(work);
});
const readings = sum(calls.filter(([name]) => name === "drainLimits"));
console.log(JSON.stringify({ completed: (await queue.getStats()).completedCount, readings }));
`;

/** What a program prints, as JSON. It runs beside the built package. */
async function outputOf(program: string, env: NodeJS.ProcessEnv = {}): Promise<Readonly<Record<string, number>>> {
  const file = join(await installedBuild(), `calls-${randomUUID()}.mjs`);
  await writeFile(file, COUNTER + program);
  const options = { env: { ...process.env, ...env } };
  const { stdout } = await promisify(execFile)(process.execPath, [file], options).finally(() => rm(file));
  return JSON.parse(stdout);
}

const redis = useRedis();

test("a drain of one job makes at most 850 calls of functions", async () => {
  const { completed, calls } = await outputOf(DRAINS, { REDIS: `redis://127.0.0.1:${redis.server.port}` });
  expect(completed).toBe(1);
  expect(calls).toBeGreaterThan(100);
  expect(calls).toBeLessThanOrEqual(850);
});

test("a declared schedule is parsed where it is defined, and not again by queues, drains and previews", async () => {
  expect(await outputOf(SCHEDULES)).toEqual({ defining: 1, using: 0 });
});

test("a request that enqueues a job and starts it reads the options of drains once", async () => {
  expect(await outputOf(EAGER)).toEqual({ completed: 1, readings: 1 });
});
