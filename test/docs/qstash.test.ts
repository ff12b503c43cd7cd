import { describe, expect, test } from "vitest";
import worker from "../../examples/guide/qstash-server/worker.ts";
import { signingKeys, token } from "../qstash/served-qstash.ts";
import { useRedis } from "../support/stores.ts";

describe("QStash, self-hosted", () => {
  const redis = useRedis();

  test("the Worker takes messages for its targets", async () => {
    const env = {
      UPSTASH_REDIS_REST_URL: redis.shim.url,
      UPSTASH_REDIS_REST_TOKEN: redis.shim.token,
      QSTASH_TOKEN: token,
      QSTASH_CURRENT_SIGNING_KEY: signingKeys.current,
      QSTASH_NEXT_SIGNING_KEY: signingKeys.next,
      TIDEGATE_ADMIN_TOKEN: "the-admin-token",
    };
    const context = { waitUntil() {}, passThroughOnException() {}, props: {} };
    const publish = (url: string) => {
      const headers = { Authorization: `Bearer ${token}`, "Upstash-Delay": "1h" };
      return worker.fetch(
        new Request(`https://queue.test/v2/publish/${url}`, { method: "POST", headers }),
        env,
        context,
      );
    };
    expect((await publish("https://app.example.com/api/send-email")).status).toBe(201);
    expect((await publish("https://app.example.com/other")).status).toBe(400);
  });
});
