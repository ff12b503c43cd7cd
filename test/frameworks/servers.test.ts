import { dirname } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../scripts/shared/free-port.ts";
import { useRedis } from "../support/stores.ts";
import { installExample, newerNode, run, start } from "./app.ts";
import { drive, tokens } from "./drive.ts";

interface Framework {
  readonly name: string;
  /** The program that builds the app, and what to start then: arguments of Node. */
  readonly build: readonly string[];
  readonly serve: readonly string[];
  /** Sends what signs somebody up. */
  readonly signUp: (url: string, email: string) => Promise<Response>;
}

/** Sends a request through a proxy, which says that the browser has not used TLS. SvelteKit assumes the opposite. */
function send(request: Request): Promise<Response> {
  request.headers.set("X-Forwarded-Proto", "http");
  return fetch(request);
}

/** Sends a form as a browser does. */
const postForm =
  (path: string) =>
  (url: string, email: string): Promise<Response> =>
    send(new Request(url + path, { method: "POST", headers: { Origin: url }, body: new URLSearchParams({ email }) }));

const frameworks: readonly Framework[] = [
  {
    name: "sveltekit",
    build: ["node_modules/vite/bin/vite.js", "build"],
    serve: ["build"],
    signUp: postForm("/"),
  },
  {
    name: "nuxt",
    build: ["node_modules/nuxt/bin/nuxt.mjs", "build"],
    serve: [".output/server/index.mjs"],
    signUp: postForm("/api/sign-up"),
  },
  {
    name: "astro",
    build: ["node_modules/astro/bin/astro.mjs", "build"],
    serve: ["dist/server/entry.mjs"],
    signUp: postForm("/"),
  },
  {
    name: "react-router",
    build: ["node_modules/@react-router/dev/bin.cjs", "build"],
    serve: ["node_modules/@react-router/serve/bin.cjs", "build/server/index.js"],
    signUp: postForm("/?index"),
  },
];

describe.each(frameworks)("the example for $name", ({ name, build, serve, signUp }) => {
  const redis = useRedis();
  let app: string;
  let node: string;

  beforeAll(async () => {
    node = await newerNode();
    app = await installExample(name);
  }, 240_000);

  test("builds, serves the queue below its path, and enqueues from a form", async () => {
    const PORT = String(await freePort());
    const url = `http://localhost:${PORT}`;
    const env = {
      ...{ UPSTASH_REDIS_REST_URL: redis.shim.url, UPSTASH_REDIS_REST_TOKEN: redis.shim.token },
      ...{ ...tokens, PORT, PROTOCOL_HEADER: "x-forwarded-proto", PATH: `${dirname(node)}:${process.env["PATH"]}` },
    };
    await run(app, [node, ...build], env);
    const server = start(app, [node, ...serve], env);
    onTestFinished(() => server.stop());
    await server.says(/http:\/\//);
    await drive(`${url}/api/queue`, send);
    expect(server.output).toContain("Welcome, ada@example.com");
    expect((await signUp(url, "bob@example.com")).status).toBe(200);
    const headers = { Authorization: `Bearer ${tokens.CRON_SECRET}` };
    expect((await fetch(`${url}/api/queue/drain`, { headers })).status).toBe(200);
    await server.says(/Welcome, bob@example.com/);
  }, 120_000);
});
