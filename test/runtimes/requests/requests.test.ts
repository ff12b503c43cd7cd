import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { unstable_startWorker as startWorker } from "wrangler";
import { createHandler } from "../../../src/http/handler.ts";
import { memoryStore, Queue } from "../../../src/index.ts";
import { installedBuild } from "../../package/built.ts";
import { serveFetch } from "../../support/http-server.ts";
import { useRedis } from "../../support/stores.ts";
import { dev } from "../wrangler.ts";

// Two requests to one isolate of workerd, which does not let one await what the other has started.

/** A server whose first request waits until the test releases it. */
async function holdFirst(answer: (request: Request) => Response | Promise<Response>) {
  let letThrough = () => {};
  let opened: Promise<void> | undefined;
  let arrived = () => {};
  let arrival = Promise.resolve();
  const server = await serveFetch(async (request) => {
    const waits = opened;
    opened = undefined;
    arrived();
    await waits;
    return answer(request);
  });
  return {
    server,
    /** Delays the next request. */
    hold() {
      opened = new Promise((resolve) => {
        letThrough = resolve;
      });
      arrival = new Promise((resolve) => {
        arrived = resolve;
      });
    },
    /** Resolves when the delayed request has arrived. */
    arrived: () => arrival,
    letThrough: () => letThrough(),
  };
}

describe("in one isolate of workerd, a request that enqueues", () => {
  const redis = useRedis();
  let folder: string;
  let worker: Awaited<ReturnType<typeof startWorker>>;
  let fronts: Readonly<Record<"redis" | "handler" | "catalog", Awaited<ReturnType<typeof holdFirst>>>>;

  beforeAll(async () => {
    const handler = createHandler({ queue: new Queue({ store: memoryStore() }), auth: "none" });
    const toRedis = async (request: Request) =>
      fetch(new Request(new URL(new URL(request.url).pathname, redis.shim.url), request), {
        body: await request.arrayBuffer(),
      });
    fronts = {
      redis: await holdFirst(toRedis),
      handler: await holdFirst((request) => handler.fetch(request)),
      catalog: await holdFirst(() => new Response("")),
    };
    folder = await mkdtemp(join(await installedBuild(), "requests-"));
    await copyFile(join(import.meta.dirname, "worker.ts"), join(folder, "worker.ts"));
    const bindings = {
      REDIS_URL: fronts.redis.server.url,
      REDIS_TOKEN: redis.shim.token,
      HANDLER_URL: fronts.handler.server.url,
      CATALOG_URL: fronts.catalog.server.url,
    };
    worker = await startWorker({
      name: "requests",
      entrypoint: join(folder, "worker.ts"),
      compatibilityDate: "2026-04-21",
      bindings: Object.fromEntries(
        Object.entries(bindings).map(([name, value]) => [name, { type: "plain_text", value }] as const),
      ),
      dev,
    });
  });
  afterAll(async () => {
    await worker.dispose();
    for (const { server } of Object.values(fronts)) await server.stop();
    await rm(folder, { recursive: true });
  });

  const call = async (path: string) => (await worker.fetch(`http://requests.test/${path}`)).json();
  const stored = ["enqueued", "enqueued", "enqueued"];

  // Loads the scripts.
  beforeEach(async () => void (await call("plain")));

  test.for([
    ["request to Redis", "redis", "plain"],
    ["schema", "catalog", "checked"],
    ["request of QueueClient", "handler", "client"],
  ] as const)("does not wait for the %s of another request", async ([, front, path]) => {
    const { hold, arrived, letThrough } = fronts[front];
    hold();
    const first = call(path);
    await arrived();
    expect(await Promise.all([call(path), call(path)])).toEqual([stored, stored]);
    letThrough();
    expect(await first).toEqual(stored);
  });
});
