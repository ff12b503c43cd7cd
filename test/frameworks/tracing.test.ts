import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { unstable_startWorker as startWorker } from "wrangler";
import { jsonRequest } from "../examples/example.ts";
import { dev } from "../runtimes/wrangler.ts";
import { type HttpServer, readBody, serveHttp } from "../support/http-server.ts";
import { useRedis } from "../support/stores.ts";
import { installExample, run } from "./app.ts";
import { tokens } from "./drive.ts";

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

describe("traces arrive", () => {
  const redis = useRedis();
  const servers: HttpServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });

  /** A server that takes whatever is sent to it. */
  async function collect() {
    const bodies: string[] = [];
    const server = await serveHttp(async (request, response) => {
      const body = await readBody(request);
      bodies.push((request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body).toString());
      response.end("{}");
    });
    servers.push(server);
    return { bodies, url: server.url };
  }

  test("in Sentry 11, with those of jobs in the trace of the request, and errors of dead jobs", async () => {
    const { bodies, url } = await collect();
    const app = await installExample("sentry");
    await run(app, [process.execPath, "main.js"], { SENTRY_DSN: url.replace("://", "://key@").concat("/1") });
    const sent = bodies.join("\n");
    for (const name of ["sign up", "send default", "process default", "mail"]) expect(sent).toContain(`"${name}"`);
    expect(sent).toContain("no such mailbox");
  }, 120_000);

  test("through otel-cf-workers from workerd, each attempt below the request that enqueued its job", async () => {
    const { bodies, url } = await collect();
    const app = await installExample("otel-cf-workers");
    const text = (value: string) => ({ type: "plain_text", value }) as const;
    const worker = await startWorker({
      ...{ name: "queue", entrypoint: join(app, "worker.ts"), dev },
      ...{ compatibilityDate: "2026-04-21", compatibilityFlags: ["nodejs_compat"] },
      build: { nodejsCompatMode: "v2" },
      bindings: {
        UPSTASH_REDIS_REST_URL: text(redis.shim.url),
        UPSTASH_REDIS_REST_TOKEN: text(redis.shim.token),
        TIDEGATE_ADMIN_TOKEN: text(tokens.TIDEGATE_ADMIN_TOKEN),
        OTLP_URL: text(url),
      },
    });
    const job = jsonRequest("http://queue.test/jobs", tokens.TIDEGATE_ADMIN_TOKEN, {
      name: "greet",
      payload: { who: "Ada" },
    });
    const response = await worker.fetch(job.url, {
      method: "POST",
      headers: Object.fromEntries(job.headers),
      body: await job.text(),
    });
    expect(response.status).toBe(201);
    const spans = () => bodies.flatMap(spansOf);
    await expect.poll(() => spans().map(({ name }) => name)).toContain("process default");
    await worker.dispose();
    const named = (name: string) => spans().find((span) => span.name === name);
    expect(named("process default")?.parentSpanId).toBe(named("send default")?.spanId);
    expect(named("send default")?.parentSpanId).toBe(
      spans().find(({ name }) => name.startsWith("fetchHandler"))?.spanId,
    );
  }, 120_000);
});

interface Exported {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

function spansOf(body: string): readonly Span[] {
  const { resourceSpans } = JSON.parse(body) as Exported;
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}
