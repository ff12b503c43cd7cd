import { afterEach, describe, expect, test, vi } from "vitest";
import producerWorker from "../../examples/guide/cloudflare/wake-producer.ts";
import { resize } from "../../examples/guide/define.ts";
import * as wake from "../../examples/guide/wake.ts";
import { memoryStore } from "../../src/index.ts";
import { start } from "../support/clock.ts";
import { useRedis } from "../support/stores.ts";
import { wakeBinding } from "./guide.ts";

// The Worker with a Durable Object runs in test/runtimes/wake.test.ts.

const cat = { image: "cat.png", width: 80 };

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

describe("the wake-ups of the guide", () => {
  const redis = useRedis();

  test("QStash calls the route with the token that it was given", async () => {
    const { url, token } = redis.shim;
    vi.stubEnv("UPSTASH_REDIS_REST_URL", url);
    vi.stubEnv("UPSTASH_REDIS_REST_TOKEN", token);
    vi.stubEnv("QSTASH_TOKEN", "the-qstash-token");
    vi.stubEnv("CRON_SECRET", "the-cron-secret");
    const sent: Request[] = [];
    const { fetch } = globalThis;
    vi.stubGlobal("fetch", async (...call: Parameters<typeof fetch>) => {
      const request = new Request(...call);
      if (request.url.startsWith(url)) return fetch(...call);
      sent.push(request);
      return new Response(null, { status: 201 });
    });
    const [{ queue }, { POST }] = await Promise.all([
      import("../../examples/guide/vercel-qstash/queue.ts"),
      import("../../examples/guide/vercel-qstash/route.ts"),
    ]);
    await queue.enqueue(resize, cat);
    expect(sent.map(({ url }) => url)).toEqual([
      "https://qstash.upstash.io/v2/publish/https://app.example.com/api/queue/drain",
    ]);
    const headers = { Authorization: sent[0]?.headers.get("upstash-forward-authorization") ?? "" };
    const report = await POST(new Request("https://app.example.com/api/queue/drain", { method: "POST", headers }));
    expect(await report.json()).toMatchObject({ completed: 1 });
  });

  test("a timer drains when the job is due", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: start });
    const queue = wake.wokenByTimer(memoryStore(), new AbortController().signal);
    await queue.enqueue(resize, cat, { delay: "3s" });
    await vi.advanceTimersByTimeAsync(3_000);
    expect((await queue.getStats()).totalProcessed).toBe(1);
  });

  test("a scheduler gets the URL and the time", async () => {
    const calls: (readonly [string, Date])[] = [];
    const queue = wake.wokenByAnother(memoryStore(), { call: async (...call) => void calls.push(call) });
    const { runAt } = await queue.enqueue(resize, cat, { delay: "3s" });
    expect(calls).toEqual([["https://app.example.com/queue/drain", runAt]]);
  });

  describe("of a Worker that only enqueues", () => {
    test("go to the object of the Worker that runs the jobs", async () => {
      const { binding, asked } = wakeBinding();
      const { url, token } = redis.shim;
      const env = { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, WAKE: binding };
      const response = await producerWorker.fetch(new Request("https://shop.test/"), env);
      const { runAt } = (await response.json()) as { runAt: string };
      expect(asked).toEqual([Date.parse(runAt)]);
    });
  });
});
