import { describe, expect, test } from "vitest";
import { useRedis } from "../support/stores.ts";
import { jsonRequest, loadExample } from "./example.ts";

type Worker = typeof import("../../examples/schemas/zod.ts");

describe.each(["zod", "valibot", "arktype"])("the example for %s", (library) => {
  const redis = useRedis();
  const background: Promise<unknown>[] = [];
  const context = {
    waitUntil: (work: Promise<unknown>) => void background.push(work),
    passThroughOnException() {},
    props: {},
  };

  async function worker() {
    const { default: worker } = await loadExample<Worker>(`schemas/${library}.ts`);
    const env = {
      UPSTASH_REDIS_REST_URL: redis.shim.url,
      UPSTASH_REDIS_REST_TOKEN: redis.shim.token,
      TIDEGATE_ENQUEUE_TOKEN: "the-enqueue-token",
      TIDEGATE_ADMIN_TOKEN: "the-admin-token",
    };
    const call = (path: string, body?: unknown) =>
      worker.fetch(jsonRequest(`https://queue.test${path}`, "the-admin-token", body), env, context);
    return { call, enqueue: (payload: object) => call("/jobs", { name: "resize", payload }) };
  }

  test("performs with the output of the schema", async () => {
    const { call, enqueue } = await worker();
    const enqueued = await enqueue({ image: "https://example.com/cat.png" });
    expect(enqueued.status).toBe(201);
    const { id } = (await enqueued.json()) as { id: string };
    await Promise.all(background);
    expect(await (await call(`/jobs/${id}`)).json()).toMatchObject({
      state: "completed",
      result: "https://example.com/cat.png is 320 wide now",
    });
  });

  test.for([{ image: "cat" }, { image: "https://example.com/cat.png", width: 0 }, {}])(
    "refuses %j and says why",
    async (payload) => {
      const response = await (await worker()).enqueue(payload);
      expect(response.status).toBe(422);
      expect(await response.json()).toMatchObject({
        code: "invalid_payload",
        issues: [{ message: expect.any(String) }],
      });
    },
  );
});
