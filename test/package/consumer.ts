/** A program that uses something of every subpath, as somebody would write it who has installed the package. */
export const consumer = `
import { defineJob, memoryStore, Queue, type DrainReport, type Hooks, type JobInfo } from "tidegate";
import { QueueClient } from "tidegate/client";
import { createWorker } from "tidegate/cloudflare";
import { createHandler } from "tidegate/http";
import { startWorker } from "tidegate/node";
import { redisStore } from "tidegate/redis";
import { tracing } from "tidegate/telemetry";
import { drainAll, testClock } from "tidegate/testing";
import { upstashStore } from "tidegate/upstash";
import { createRoute, vercelPro } from "tidegate/vercel";

const greet = defineJob({ name: "greet", perform: ({ to }: { to: string }) => \`Hello \${to}\` });
const clock = testClock();
const started: string[] = [];
const hooks: Hooks = { onStart: ({ name }) => started.push(name) };
const queue = new Queue({ store: memoryStore(), jobs: [greet], clock, hooks, tracing: tracing() });

// @ts-expect-error: the payload needs a name.
const refused = () => queue.enqueue(greet, { two: "Ada" });

const handler = createHandler({ queue, auth: { admin: ["secret"] } });
const client = new QueueClient({
  url: "https://queue.test",
  token: "secret",
  fetch: (request: Request) => handler.fetch(request),
});
const { id } = await client.enqueue(greet, { to: "Ada" });
const report: DrainReport = await queue.drain();
const job: JobInfo | null = await client.getJob(id);
const parts = [createWorker, createRoute({ queue, auth: "none", drain: vercelPro }).GET, startWorker, redisStore, drainAll];
if (report.completed !== 1 || started.length !== 1 || parts.length !== 5 || !refused || !upstashStore) throw new Error("Something is missing.");
console.log(job?.result);
`;
