import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { installedBuild } from "../package/built.ts";
import { useRedis } from "../support/stores.ts";

// How long the way of one job is: the calls of functions of the package that V8 counts, of the tenth drain of a process.

const PROGRAM = `
import { Session } from "node:inspector/promises";
import { createClient } from "redis";
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
const { defineJob, Queue } = await import("tidegate");
const { redisStore } = await import("tidegate/redis");
const client = await createClient({ url: process.env.REDIS }).connect();
const job = defineJob({ name: "noop", perform() {} });
const queue = new Queue({ name: "calls", store: redisStore(client), jobs: [job] });
let report;
for (let drains = 0; drains < 10; drains++) {
  await queue.enqueue(job);
  await session.post("Profiler.takePreciseCoverage");
  report = await queue.drain();
}
const { result } = await session.post("Profiler.takePreciseCoverage");
const files = result.filter(({ url }) => url.includes("/tidegate/dist/"));
const calls = files.flatMap(({ functions }) => functions.map(({ ranges }) => ranges[0].count));
console.log(JSON.stringify({ completed: report.completed, calls: calls.reduce((sum, count) => sum + count, 0) }));
await client.close();
`;

const redis = useRedis();

test("a drain of one job makes at most 1,200 calls of functions", async () => {
  const folder = await installedBuild();
  const file = join(folder, `calls-${process.pid}.mjs`);
  await writeFile(file, PROGRAM);
  const env = { ...process.env, REDIS: `redis://127.0.0.1:${redis.server.port}` };
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env }).finally(() => rm(file));
  const { completed, calls } = JSON.parse(stdout) as { readonly completed: number; readonly calls: number };
  expect(completed).toBe(1);
  expect(calls).toBeGreaterThan(100);
  expect(calls).toBeLessThanOrEqual(1_200);
});
