import { describe, expect, test, vi } from "vitest";
import { receive, sendEmail } from "../../examples/guide/qstash-server/app.ts";
import worker from "../../examples/guide/qstash-server/worker.ts";
import { servedQStash, signingKeys, token } from "../qstash/served-qstash.ts";
import { useRedis } from "../support/stores.ts";

describe("QStash, self-hosted", () => {
  const redis = useRedis();

  test("the app's code publishes and receives through the interface", async () => {
    // Receivers compare the signature with the time of their machine.
    const { baseUrl, queue, clock, deliveries } = await servedQStash({ startsAt: Date.now() - 300_000 });
    await sendEmail(baseUrl, token);
    clock.now += 300_000;
    await queue.drain();
    const [delivery] = deliveries;
    if (!delivery) throw new Error("Nothing was delivered.");
    const received = (headers: Headers) => {
      const request = new Request(delivery.url, { method: "POST", headers, body: delivery.body });
      return receive(request, signingKeys.current, signingKeys.next);
    };
    expect(await (await received(delivery.headers)).json()).toEqual({
      received: { to: "ada@example.com", subject: "Hello" },
    });
    expect((await received(new Headers())).status).toBe(401);
  });

  test("the route of a Next.js app verifies deliveries with the keys of its environment", async () => {
    vi.stubEnv("QSTASH_CURRENT_SIGNING_KEY", signingKeys.current);
    vi.stubEnv("QSTASH_NEXT_SIGNING_KEY", signingKeys.next);
    vi.spyOn(console, "log").mockImplementation(() => {});
    const { POST } = await import("../../examples/guide/qstash-server/route.ts");
    const { baseUrl, queue, clock, deliveries } = await servedQStash({ startsAt: Date.now() - 300_000 });
    await sendEmail(baseUrl, token);
    clock.now += 300_000;
    await queue.drain();
    const [{ url, headers, body } = { url: "", headers: new Headers(), body: "" }] = deliveries;
    expect((await POST(new Request(url, { method: "POST", headers, body }))).status).toBe(200);
    expect((await POST(new Request(url, { method: "POST", headers, body: `${body} ` }))).status).toBe(401);
    vi.unstubAllEnvs();
  });

  test("the Worker accepts what the SDK publishes", async () => {
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
