import { context, trace } from "@opentelemetry/api";
import { afterEach, describe, expect, test, vi } from "vitest";
import { greet } from "../../examples/guide/cloudflare/jobs.ts";
import { alerts, jsonLog, logged, traced } from "../../examples/guide/telemetry.ts";
import { exporter } from "../../examples/guide/telemetry-exporter.ts";
import { defineJob, memoryStore, PermanentError, Queue } from "../../src/index.ts";
import { readBody, serveHttp } from "../support/http-server.ts";

afterEach(() => {
  vi.restoreAllMocks();
  trace.disable();
  context.disable();
});

const dies = defineJob({ name: "dies", perform: () => Promise.reject(new PermanentError("no such user")) });

describe("the guide's", () => {
  test("log writes a line of JSON for each event", async () => {
    const lines = vi.spyOn(console, "log").mockImplementation(() => {});
    const queue = logged(memoryStore());
    const { id } = await queue.enqueue(greet, { who: "Ada" });
    await queue.drain();
    const events = lines.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, unknown>);
    expect(events).toMatchObject([
      { event: "job enqueued", id, name: "greet", status: "enqueued" },
      { event: "job started", id, attempt: 1, maxRetries: 3 },
      { event: "job completed", id, ranMs: expect.any(Number) },
    ]);
    expect(JSON.stringify(events)).not.toContain("Ada");
  });

  test("log says why a job is dead", async () => {
    const lines = vi.spyOn(console, "log").mockImplementation(() => {});
    const queue = new Queue({ store: memoryStore(), jobs: [dies], hooks: jsonLog });
    await queue.enqueue(dies);
    await queue.drain();
    expect(JSON.parse(String(lines.mock.lastCall?.[0]))).toMatchObject({
      event: "job dead",
      error: "PermanentError: no such user",
    });
  });

  test("alert arrives before the drain ends", async () => {
    const posted: string[] = [];
    const server = await serveHttp(async (request, response) => {
      posted.push((await readBody(request)).toString());
      response.end();
    });
    const queue = new Queue({ store: memoryStore(), jobs: [dies], hooks: alerts(server.url) });
    const { id } = await queue.enqueue(dies);
    await queue.drain();
    expect(posted).toEqual([JSON.stringify({ text: `dies ${id} died in default: PermanentError: no such user` })]);
    await server.stop();
  });

  test("process is traced by the provider it registers", async () => {
    const { queue, provider } = traced(memoryStore());
    await queue.enqueue(greet, { who: "Ada" });
    await queue.drain();
    await provider.forceFlush();
    const spans = exporter.getFinishedSpans();
    expect(spans.map(({ name }) => name)).toEqual(["send default", "process default"]);
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
  });
});
