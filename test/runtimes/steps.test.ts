import { createHmac } from "node:crypto";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { unstable_startWorker as startWorker } from "wrangler";
import type { JobInfo } from "../../src/index.ts";
import { installedBuild } from "../package/built.ts";
import { serveFetch } from "../support/http-server.ts";
import { stepServices } from "../support/step-services.ts";
import { useRedis } from "../support/stores.ts";
import { dev } from "./wrangler.ts";

// The cases of the page on steps, in workerd: each drain is an invocation that ends when its budget is used up, and the
// Worker is started anew before the next one.

const examples = join(import.meta.dirname, "../../examples/guide");
const redis = useRedis();
const services = stepServices({ retryAfter: 0 });
const secret = "the-payment-secret";
const cleanUps: (() => Promise<unknown>)[] = [];
let restart: () => Promise<void>;
let send: (path: string, init: RequestInit) => Promise<Response>;

beforeAll(async () => {
  const folder = await mkdtemp(join(await installedBuild(), "steps-"));
  cleanUps.push(() => rm(folder, { recursive: true }));
  for (const each of ["services.ts", "retries.ts", "recipes/webhook.ts", "steps"])
    await cp(join(examples, each), join(folder, each), { recursive: true });
  const outside = await serveFetch(services.fetch);
  cleanUps.push(() => outside.stop());
  const secretText = (value: string) => ({ type: "secret_text", value }) as const;
  const start = () =>
    startWorker({
      config: join(folder, "steps/wrangler.toml"),
      bindings: {
        UPSTASH_REDIS_REST_URL: secretText(redis.shim.url),
        UPSTASH_REDIS_REST_TOKEN: secretText(redis.shim.token),
        TIDEGATE_ADMIN_TOKEN: secretText("the-admin-token"),
        PAYMENTS_SECRET: secretText(secret),
        SERVICES_URL: secretText(outside.url),
      },
      dev,
    });
  let worker = await start();
  cleanUps.push(() => worker.dispose());
  restart = async () => {
    await worker.dispose();
    worker = await start();
  };
  send = async (path, init) => (await worker.fetch(`http://worker.test${path}`, init as never)) as unknown as Response;
});

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

/** Calls the queue of the Worker. */
async function call(method: string, path: string, body?: object) {
  const headers = { Authorization: "Bearer the-admin-token", "Content-Type": "application/json" };
  const response = await send(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return (await response.json()) as Pick<JobInfo, "id" | "state" | "waitingFor" | "steps" | "progress"> & {
    readonly result: unknown;
  };
}

/** Enqueues a job that only drains run: the request that enqueues it leaves it alone. */
async function enqueue(name: string, payload: object): Promise<string> {
  const { id } = await call("POST", "/queue/jobs", { name, payload, delay: "1h" });
  await call("PATCH", `/queue/jobs/${id}`, { delay: "0s" });
  return id;
}

/** Drains in one invocation after the other, each in a new isolate, until the job has completed or waits. */
async function drainInvocations(id: string) {
  const progress: unknown[] = [];
  for (let invocations = 1; ; invocations++) {
    await call("POST", "/queue/drain?linger=0s");
    const job = await call("GET", `/queue/jobs/${id}`);
    if (job.state === "completed" || job.waitingFor) return { job, invocations, progress };
    progress.push(job.progress);
    if (job.state === "dead" || invocations === 30) throw new Error(JSON.stringify(job));
    await restart();
  }
}

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);

test("an order waits for its payment in no invocation, and ships in another one", async () => {
  const id = await enqueue("fulfil", { order: "17", sku: "tea" });
  expect((await drainInvocations(id)).job).toMatchObject({ waitingFor: { events: ["paid-17"] } });
  await restart();
  const body = JSON.stringify({ id: "pay-1", order: "17" });
  const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const pay = () => send("/webhooks/payments", { method: "POST", body, headers: { "X-Signature-256": signature } });
  expect([(await pay()).status, (await pay()).status]).toEqual([204, 204]);
  await restart();
  const { job } = await drainInvocations(id);
  expect(job.result).toEqual({ state: "shipped", parcel: "parcel of 17" });
  expect(services.keysOf("warehouse/reservations")).toEqual([`${id}/reserve`]);
  expect(services.keysOf("warehouse/shipments")).toEqual([`${id}/ship`]);
});

test("an agent makes twenty turns in several invocations, each once", async () => {
  const id = await enqueue("research", { question: "Why is the sky blue?" });
  const { job, invocations } = await drainInvocations(id);
  expect(job.result).toBe("note 20");
  expect(invocations).toBeGreaterThan(1);
  expect(services.keysOf("model")).toEqual(numbered(`${id}/turn`, 20));
});

test("an import reads thirteen pages in several invocations, each once", async () => {
  const id = await enqueue("import_customers", { list: "may" });
  const { job, progress } = await drainInvocations(id);
  expect(job.result).toEqual({ imported: 25 });
  expect(progress).toContainEqual({ done: expect.any(Number), of: 25 }); // after an invocation that did not end it
  expect(services.keysOf("customers")).toEqual(numbered(`${id}/page`, 13));
});
