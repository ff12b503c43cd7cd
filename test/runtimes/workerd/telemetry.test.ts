import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { expect, inject, test } from "vitest";
import { exporter } from "../../../examples/guide/telemetry-exporter.ts";
import worker from "../../../examples/guide/telemetry-worker.ts";

const { url, token } = inject("upstash");
const env = { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, TIDEGATE_ADMIN_TOKEN: "a-long-secret" };

const traceId = "0af7651916cd43dd8448eb211c80319c";

test("the guide's Worker sends its spans before its invocation ends", async () => {
  const invocation = createExecutionContext();
  const headers = {
    Authorization: `Bearer ${env.TIDEGATE_ADMIN_TOKEN}`,
    "Content-Type": "application/json",
    traceparent: `00-${traceId}-b7ad6b7169203331-01`,
  };
  const body = JSON.stringify({ name: "greet", payload: { who: "Ada" } });
  const request = new Request("http://worker.test/jobs", { method: "POST", headers, body });
  expect((await worker.fetch(request, env, invocation)).status).toBe(201);
  await waitOnExecutionContext(invocation);
  const spans = exporter.getFinishedSpans();
  expect(spans.map((span) => [span.name, span.spanContext().traceId])).toEqual([
    ["send default", traceId],
    ["process default", traceId],
  ]);
});
