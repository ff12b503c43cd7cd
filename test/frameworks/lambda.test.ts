import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { loadExample } from "../examples/example.ts";
import { useRedis } from "../support/stores.ts";
import { drive, sender, tokens } from "./drive.ts";

type Handler = typeof import("../../examples/frameworks/lambda/handler.ts");

/** What a function URL sends for a request (payload format 2.0). */
async function eventOf(request: Request, isBase64Encoded: boolean) {
  const { pathname, search, host } = new URL(request.url);
  const text = await request.text();
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: { host, ...Object.fromEntries(request.headers) },
    requestContext: { http: { method: request.method, path: pathname, sourceIp: "127.0.0.1" }, domainName: host },
    ...(text !== "" && { body: isBase64Encoded ? Buffer.from(text).toString("base64") : text }),
    isBase64Encoded,
  };
}

describe("the example for AWS Lambda", () => {
  const redis = useRedis();
  let handler: Handler;

  beforeAll(async () => {
    vi.stubEnv("UPSTASH_REDIS_REST_URL", redis.shim.url);
    vi.stubEnv("UPSTASH_REDIS_REST_TOKEN", redis.shim.token);
    for (const [name, value] of Object.entries(tokens)) vi.stubEnv(name, value);
    handler = await loadExample<Handler>("frameworks/lambda/handler.ts");
  });
  afterAll(() => vi.unstubAllEnvs());

  const invoke =
    (isBase64Encoded: boolean, change = (event: object) => event) =>
    async (request: Request) => {
      const event = change(await eventOf(request, isBase64Encoded));
      const result = await handler.http(event as Parameters<Handler["http"]>[0]);
      const headers = new Headers(result.headers as Record<string, string>);
      for (const cookie of (result as { readonly cookies?: readonly string[] }).cookies ?? [])
        headers.append("Set-Cookie", cookie);
      const body = result.isBase64Encoded ? Buffer.from(result.body, "base64") : result.body;
      return new Response(body, { status: result.statusCode, headers });
    };

  test("works behind a function URL", async () => {
    await drive("https://id.lambda-url.test/api/queue", invoke(false));
  });

  test("takes a body in Base64, and refuses one that a middleware has parsed", async () => {
    const job = { name: "send_welcome", payload: { to: "bob@example.com" } };
    const call = sender("https://id.lambda-url.test/api/queue", invoke(true));
    expect((await call("/jobs", tokens.TIDEGATE_ADMIN_TOKEN, job)).status).toBe(201);
    const parsed = invoke(false, (event) => ({ ...event, body: job }));
    const refused = await sender("https://id.lambda-url.test/api/queue", parsed)(
      "/jobs",
      tokens.TIDEGATE_ADMIN_TOKEN,
      job,
    );
    expect(refused.status).toBe(400);
  });

  test("drains when EventBridge calls", async () => {
    const event = { source: "aws.scheduler", "detail-type": "Scheduled Event", detail: {} };
    const report = await handler.tick(event, { getRemainingTimeInMillis: () => 60_000 });
    expect(report).toMatchObject({ completed: 1, stoppedBy: "empty" });
  });
});
