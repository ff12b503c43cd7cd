import { beforeEach, describe, expect, test } from "vitest";
import worker, { fromBoth } from "../../examples/guide/readme.ts";
import { outbox } from "../../examples/guide/services.ts";
import { Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/upstash/index.ts";
import { serveFetch } from "../support/http-server.ts";
import { useRedis } from "../support/stores.ts";
import { inBackground } from "./support.ts";

beforeEach(() => {
  outbox.length = 0;
});

describe("the Worker of the README", () => {
  const redis = useRedis();

  test("takes jobs from both sides, and arms its schedule", async () => {
    const { url, token } = redis.shim;
    const env = {
      UPSTASH_REDIS_REST_URL: url,
      UPSTASH_REDIS_REST_TOKEN: token,
      ENQUEUE_TOKEN: "enqueue",
      DRAIN_TOKEN: "drain",
      ADMIN_TOKEN: "admin",
    };
    const { context, settled } = inBackground();
    const server = await serveFetch((request) => worker.fetch(request, env, context));
    const queue = new Queue({ store: upstashStore({ url, token }) });
    await fromBoth(queue, server.url, "enqueue", { to: "ada@example.com", subject: "Hello" });
    await settled();
    expect(outbox).toEqual([{ to: "ada@example.com", subject: "Hello" }]);
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 1, scheduledCount: 1 });
    await worker.scheduled({}, env, context);
    expect(await queue.schedules.list()).toMatchObject([{ key: "daily_report", timeZone: "Europe/Paris" }]);
    await server.stop();
  });
});
