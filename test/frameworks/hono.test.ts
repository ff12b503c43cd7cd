import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { inBackground, wakeBinding } from "../docs/guide.ts";
import { loadExample } from "../examples/example.ts";
import { useRedis } from "../support/stores.ts";
import { drive, tokens } from "./drive.ts";

type Worker = typeof import("../../examples/frameworks/hono/worker.ts").default;

describe("the example for Hono", () => {
  const redis = useRedis();
  afterEach(() => void vi.restoreAllMocks());
  let worker: Worker;

  beforeAll(async () => {
    ({ default: worker } = await loadExample<{ default: Worker }>("frameworks/hono/worker.ts"));
  });

  // An isolate has one environment, and therefore one queue.
  const { binding, asked } = wakeBinding();

  function setUp() {
    const env = {
      UPSTASH_REDIS_REST_URL: redis.shim.url,
      UPSTASH_REDIS_REST_TOKEN: redis.shim.token,
      ...tokens,
      WAKE: binding,
    };
    const { context, settled } = inBackground();
    const send = (request: Request) => worker.fetch(request, env, context);
    const signUp = (email: string) => {
      const headers = { "Content-Type": "application/json" };
      const body = JSON.stringify({ email });
      return send(new Request("https://app.test/sign-up", { method: "POST", headers, body }));
    };
    return { env, context, send, signUp, settled };
  }

  test("works below a path of the app", async () => {
    const { send, settled } = setUp();
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const answer = async (request: Request) => {
      const response = await send(request);
      await settled();
      return response;
    };
    await drive("https://app.test/api/queue", answer, tokens.TIDEGATE_ADMIN_TOKEN);
    expect(log.mock.calls).toEqual([["Welcome, ada@example.com"]]);
  });

  test("asks to be woken for a job, and refuses an invalid payload with its reasons", async () => {
    const { env, context, signUp } = setUp();
    asked.length = 0;
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    expect((await signUp("bob@example.com")).status).toBe(202);
    expect(asked).toHaveLength(1);
    await worker.scheduled({}, env, context);
    expect(log.mock.calls).toEqual([["Welcome, bob@example.com"]]);
    const refused = await signUp("nobody");
    expect([refused.status, await refused.json()]).toEqual([
      422,
      { issues: [expect.objectContaining({ path: ["to"] })] },
    ]);
  });
});
