import { describe, expect, test, vi } from "vitest";
import { jobs } from "../../examples/starter/src/jobs.ts";
import worker from "../../examples/starter/src/worker.ts";
import { Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { useRedis } from "../support/stores.ts";
import { inBackground, wakeBinding } from "./guide.ts";

// The quickstart is followed in test/docs/quickstart.test.ts, and the wake object runs in test/runtimes/wake.test.ts.

describe("the starter Worker", () => {
  const redis = useRedis();

  function setUp(secrets = {}) {
    const { binding, asked } = wakeBinding();
    const env = {
      UPSTASH_REDIS_REST_URL: redis.shim.url,
      UPSTASH_REDIS_REST_TOKEN: redis.shim.token,
      TIDEGATE_ADMIN_TOKEN: "the-admin-token",
      TIDEGATE_ENQUEUE_TOKEN: "the-enqueue-token",
      WAKE: binding,
      ...secrets,
    };
    const { context, settled } = inBackground();
    const send = (path: string, init?: RequestInit) =>
      worker.fetch(new Request(`https://starter.test${path}`, init), env, context);
    return { env, context, settled, send, asked };
  }

  test("enqueues in its own route, asks to be woken, and runs what is due", async () => {
    const { env, context, send, asked } = setUp();
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const body = JSON.stringify({ email: "ada@example.com", name: "Ada" });
    const response = await send("/sign-up", { method: "POST", body });
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as { id: string };
    expect(asked).toHaveLength(1);
    await worker.scheduled({}, env, context);
    expect(log.mock.calls).toEqual([[`${id}: welcome, Ada`]]);
    log.mockRestore();
    const { url, token } = redis.shim;
    const queue = new Queue({ store: upstashStore({ url, token }), jobs });
    expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: { sent: true } });
    expect(await queue.schedules.list()).toMatchObject([{ key: "daily_report", timeZone: "Europe/Paris" }]);
    expect((await send("/elsewhere")).status).toBe(404);
    const refused = await send("/sign-up", { method: "POST", body: "{}" });
    expect([refused.status, await refused.json()]).toMatchObject([422, { issues: [{ path: ["to"] }] }]);
  });

  test("takes a job over HTTP and runs it right after the response", async () => {
    const { send, settled } = setUp();
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const headers = { Authorization: "Bearer the-admin-token", "Content-Type": "application/json" };
    const body = '{"name":"send_welcome","payload":{"to":"ben@example.com"},"id":"welcome-ben"}';
    expect((await send("/queue/jobs", { method: "POST", headers, body })).status).toBe(201);
    await settled();
    log.mockRestore();
    expect(await (await send("/queue/jobs/welcome-ben", { headers })).json()).toMatchObject({ state: "completed" });
  });

  test("says what is wrong when a secret is not set", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const response = await setUp({ TIDEGATE_ADMIN_TOKEN: "" }).send("/queue/health");
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      detail: expect.stringMatching(/auth\.admin\[0\].*environment variable/),
    });
    log.mockRestore();
  });
});
