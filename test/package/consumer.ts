/** A program that uses something of every subpath, as a user of the installed package would write it. */
export const consumer = `
import { type BulkJob, defineJob, memoryStore, Queue, type DrainReport, type Hooks, type JobInfo } from "tidegate";
import { slack, webhook } from "tidegate/alerts";
import { QueueClient, watchJob } from "tidegate/client";
import { createWorker } from "tidegate/cloudflare";
import { createHandler } from "tidegate/http";
import { startWorker } from "tidegate/node";
import { useJob } from "tidegate/react";
import { redisStore } from "tidegate/redis";
import { tracing } from "tidegate/telemetry";
import { drainAll, testClock } from "tidegate/testing";
import { upstashStore } from "tidegate/upstash";
import { createRoute, vercelPro } from "tidegate/vercel";

const greet = defineJob({ name: "greet", perform: ({ to }: { to: string }) => \`Hello \${to}\` });
const clock = testClock();
const started: string[] = [];
const hooks: Hooks = { onStart: ({ name }) => started.push(name) };
const queue = new Queue({ store: memoryStore(), jobs: [greet], clock, hooks, tracing: tracing(), alerts: [slack("https://hooks.test/1")] });
// @ts-expect-error: a webhook has a secret.
const unsigned = () => webhook("https://hooks.test/2");

// @ts-expect-error: the payload needs a name.
const refused = () => queue.enqueue(greet, { two: "Ada" });
// @ts-expect-error: the same for one of many.
const refusedOfMany = () => queue.enqueueMany([{ job: "other", payload: 1 }, { job: greet, payload: { two: "Ada" } }]);
// @ts-expect-error: it may not be left out.
const missing = () => queue.enqueueMany([{ job: greet, delay: "1m" }]);
// @ts-expect-error: and in a list that is computed.
const mapped = () => queue.enqueueMany([1, 2].map((to) => ({ job: greet, payload: { to } })));
const later: BulkJob[] = [{ job: greet, payload: { to: "Ada" }, delay: "1d" }];
const fits = () => queue.enqueueMany([...later, { job: "other" }]);
const perhaps = (is: boolean) => queue.enqueueMany(is ? [{ job: greet, payload: { to: "Ada" }, delay: "1d" }] : []);

const handler = createHandler({ queue, auth: { admin: ["a-long-secret"] } });
const client = new QueueClient({
  url: "https://queue.test",
  token: "a-long-secret",
  fetch: (request: Request) => handler.fetch(request),
});
const { id } = await client.enqueue(greet, { to: "Ada" });
const report: DrainReport = await queue.drain();
const texts = async (token: string) => {
  for await (const { result } of watchJob<typeof greet>({ url: "https://queue.test", token })) return result?.toUpperCase();
};
const shown = (token: string) => useJob<typeof greet>({ url: "https://queue.test", token }).result?.toUpperCase();
const job: JobInfo | null = await client.getJob(id);
const parts = [createWorker, createRoute({ queue, auth: "none", drain: vercelPro }).GET, startWorker, redisStore, drainAll, texts, shown];
if (report.completed !== 1 || started.length !== 1 || parts.length !== 7 || !refused || !unsigned || !upstashStore) throw new Error("Something is missing.");
console.log(job?.result);
`;
