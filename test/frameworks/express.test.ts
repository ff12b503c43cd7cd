import { join } from "node:path";
import { build } from "esbuild";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../scripts/shared/free-port.ts";
import { useRedis } from "../support/stores.ts";
import { installExample, start } from "./app.ts";
import { drive, tokens } from "./drive.ts";

describe("the example for Express", () => {
  const redis = useRedis();
  let app: string;

  beforeAll(async () => {
    app = await installExample("express");
    const entryPoints = [join(app, "server.ts")];
    await build({ entryPoints, outfile: join(app, "server.js"), bundle: true, packages: "external", format: "esm" });
  }, 60_000);

  async function serve(env: Record<string, string> = {}) {
    const PORT = String(await freePort());
    const server = start(app, [process.execPath, "server.js"], {
      ...{ UPSTASH_REDIS_REST_URL: redis.shim.url, UPSTASH_REDIS_REST_TOKEN: redis.shim.token, PORT },
      ...{ ...tokens, ...env },
    });
    onTestFinished(() => server.stop());
    await server.says(/Listening/);
    const url = `http://127.0.0.1:${PORT}`;
    const signUp = (email: string) =>
      fetch(`${url}/sign-up`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email }),
      });
    return { server, url, signUp };
  }

  test("works behind express.json(), which has read each body", async () => {
    const { server, url, signUp } = await serve({ WORKERS: "0" });
    await drive(`${url}/api/queue`, fetch, tokens.TIDEGATE_ADMIN_TOKEN);
    expect(server.output).toContain("Welcome, ada@example.com");
    expect((await signUp("bob@example.com")).status).toBe(202);
  });

  test("runs what a request enqueues at once with a worker in the same process, until SIGTERM", async () => {
    const { server, signUp } = await serve();
    await signUp("cy@example.com");
    await server.says(/Welcome, cy@example.com/);
    await server.stop();
    expect(await server.ended).toBe(0);
  });
});
