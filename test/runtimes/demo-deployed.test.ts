import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unstable_startWorker as startWorker } from "wrangler";
import { isForAll } from "../../scripts/shared/all-tests.ts";
import { useRedis } from "../support/stores.ts";
import { dev } from "./wrangler.ts";

// The demo Worker as it is deployed: bundled by wrangler, in workerd, without what `npm start` sets.

type Worker = Awaited<ReturnType<typeof startWorker>>;

function deploy(secrets: Record<string, string>, compatibilityFlags: string[] = []): Promise<Worker> {
  const bindings = Object.entries(secrets).map(([name, value]) => [name, { type: "secret_text", value }] as const);
  return startWorker({
    config: join(import.meta.dirname, "../../wrangler.toml"),
    compatibilityFlags,
    bindings: Object.fromEntries(bindings),
    // No .dev.vars of the developer's.
    envFiles: [join(import.meta.dirname, "none.env")],
    dev,
  });
}

async function call(worker: Worker, path: string, token?: string, body?: unknown) {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await worker.fetch(`http://demo.test${path}`, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("the demo, deployed with nothing set", () => {
  let worker: Worker;
  beforeAll(async () => {
    worker = await deploy({});
  });
  afterAll(() => worker.dispose());

  test.for(["/", "/health", "/jobs", "/drain"])("refuses %s and says what to set", async (path) => {
    const { status, body } = await call(worker, path);
    expect(status).toBe(503);
    expect(body["detail"]).toMatch(/UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN, TIDEGATE_ADMIN_TOKEN/);
  });
});

// `smoke` runs the package in both kinds of workerd.
describe.each([
  { compatibility: "without nodejs_compat", flags: [] },
  ...(isForAll ? [{ compatibility: "with nodejs_compat", flags: ["nodejs_compat"] }] : []),
])("the demo, deployed $compatibility with Redis and tokens", ({ flags }) => {
  const redis = useRedis();
  let worker: Worker;
  beforeAll(async () => {
    const { url, token } = redis.shim;
    const tokens = {
      TIDEGATE_ENQUEUE_TOKEN: "the-first-token, the-second-token",
      TIDEGATE_ADMIN_TOKEN: "the-admin-token",
    };
    worker = await deploy({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, ...tokens }, flags);
  });
  afterAll(() => worker.dispose());

  test("refuses requests without a token", async () => {
    expect(await call(worker, "/stats")).toMatchObject({ status: 401, body: { code: "unauthorized" } });
    expect(await call(worker, "/stats", "the-first-token")).toMatchObject({ status: 403, body: { code: "forbidden" } });
  });

  test.for(["the-first-token", "the-second-token"])(
    "performs a job enqueued with the %s of two tokens",
    async (token) => {
      const job = { name: "send_email", payload: { to: "ada@example.com", subject: "Hello" } };
      const { status, body } = await call(worker, "/jobs", token, job);
      expect(status).toBe(201);
      const look = async () => (await call(worker, `/jobs/${body["id"]}`, token)).body;
      await expect.poll(look).toMatchObject({ state: "completed", result: { sent: true } });
    },
  );
});
