import { cp, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { unstable_startWorker as startWorker } from "wrangler";
import { installedBuild } from "../package/built.ts";
import { useRedis } from "../support/stores.ts";
import { dev } from "./wrangler.ts";

// The starter Worker, which a Durable Object wakes, in workerd, where no cron trigger fires.

const starter = join(import.meta.dirname, "../../examples/starter");
const redis = useRedis();
const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function deployed() {
  const folder = await mkdtemp(join(await installedBuild(), "wake-"));
  cleanUps.push(() => rm(folder, { recursive: true }));
  await cp(starter, folder, { recursive: true });
  const secret = (value: string) => ({ type: "secret_text", value }) as const;
  const start = () =>
    startWorker({
      config: join(folder, "wrangler.toml"),
      bindings: {
        UPSTASH_REDIS_REST_URL: secret(redis.shim.url),
        UPSTASH_REDIS_REST_TOKEN: secret(redis.shim.token),
        TIDEGATE_ADMIN_TOKEN: secret("the-admin-token"),
        TIDEGATE_ENQUEUE_TOKEN: secret("the-enqueue-token"),
      },
      dev: { ...dev, persist: join(folder, "state") },
    });
  return { start };
}

test("a Durable Object starts delayed jobs at their time, without a cron, also after a restart", async () => {
  const { start } = await deployed();
  let worker = await start();
  cleanUps.push(() => worker.dispose());
  const call = async (method: string, path: string, body?: object) => {
    const headers = { Authorization: "Bearer the-admin-token", "Content-Type": "application/json" };
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await worker.fetch(`http://worker.test/queue${path}`, init);
    return (await response.json()) as { id: string; runAt: string; state: string; startedAt: string };
  };
  /** Moves a job to a time soon. A request that enqueued it for that time would stay and run it. */
  const moved = async (delay: string) => {
    const { id } = await call("POST", "/jobs", {
      name: "send_welcome",
      payload: { to: "ada@example.com" },
      delay: "1h",
    });
    return { id, dueAt: Date.parse((await call("PATCH", `/jobs/${id}`, { delay })).runAt) };
  };
  // Nothing else would start it for an hour: the wait ends long before.
  const startOf = (id: string) =>
    vi.waitUntil(
      async () => {
        const { state, startedAt } = await call("GET", `/jobs/${id}`);
        return state === "completed" && Date.parse(startedAt);
      },
      { timeout: 60_000, interval: 50 },
    );
  const first = await moved("1s");
  expect(await startOf(first.id)).toBeGreaterThanOrEqual(first.dueAt);
  const second = await moved("3s");
  await worker.dispose();
  worker = await start();
  expect(await startOf(second.id)).toBeGreaterThanOrEqual(second.dueAt);
});
