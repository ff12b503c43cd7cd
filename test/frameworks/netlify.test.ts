import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { inBackground } from "../docs/guide.ts";
import { jsonRequest, loadExample } from "../examples/example.ts";
import { useRedis } from "../support/stores.ts";
import { drive, tokens } from "./drive.ts";

type Served = typeof import("../../examples/frameworks/netlify/netlify/functions/queue.ts");
type Scheduled = typeof import("../../examples/frameworks/netlify/netlify/functions/drain.ts");

describe("the example for Netlify", () => {
  const redis = useRedis();
  afterEach(() => void vi.restoreAllMocks());

  beforeAll(() => {
    vi.stubEnv("UPSTASH_REDIS_REST_URL", redis.shim.url);
    vi.stubEnv("UPSTASH_REDIS_REST_TOKEN", redis.shim.token);
    for (const [name, value] of Object.entries(tokens)) vi.stubEnv(name, value);
  });
  afterAll(() => vi.unstubAllEnvs());

  const load = <Module>(name: string) => loadExample<Module>(`frameworks/netlify/netlify/functions/${name}.ts`);

  test("serves its path, and runs a due job right after the request", async () => {
    const { default: serve, config } = await load<Served>("queue");
    expect(config).toEqual({ path: "/api/queue/*" });
    const { context, settled } = inBackground();
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const answer = async (request: Request) => {
      const response = await serve(request, context);
      await settled();
      return response;
    };
    await drive("https://app.test/api/queue", answer, tokens.TIDEGATE_ADMIN_TOKEN);
    expect(log.mock.calls).toEqual([["Welcome, ada@example.com"]]);
  });

  test("drains in a scheduled function, each minute", async () => {
    const { default: serve } = await load<Served>("queue");
    const { default: drain, config } = await load<Scheduled>("drain");
    expect(config).toEqual({ schedule: "* * * * *" });
    const job = { name: "send_welcome", id: "second", payload: { to: "bob@example.com" } };
    const url = "https://app.test/api/queue/jobs";
    await serve(jsonRequest(url, tokens.TIDEGATE_ADMIN_TOKEN, job), { waitUntil() {} });
    await drain();
    const found = await serve(jsonRequest(`${url}/second`, tokens.TIDEGATE_ADMIN_TOKEN), { waitUntil() {} });
    expect(await found.json()).toMatchObject({ state: "completed" });
  });
});
