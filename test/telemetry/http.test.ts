import { describe, expect, test } from "vitest";
import { createHandler } from "../../src/http/handler.ts";
import { inSpan, placeOf, secret, setUp, useContextManager } from "./recorder.ts";

useContextManager();

describe("POST /jobs", () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  type Handler = ReturnType<typeof createHandler>;
  function post(handler: Handler, body: unknown, headers: Record<string, string>) {
    const init = { method: "POST", body: JSON.stringify(body) };
    const json = { "Content-Type": "application/json" };
    return handler.fetch(new Request("http://queue.test/jobs", { ...init, headers: { ...json, ...headers } }));
  }

  test.for([true, false])("continues the trace of its caller, with eager drains: %j", async (eager) => {
    const { queue, only } = setUp();
    const background: Promise<unknown>[] = [];
    const waitUntil = (work: Promise<unknown>) => void background.push(work);
    const handler = createHandler({ queue, auth: "none", eager, waitUntil });
    const response = await post(handler, { name: "works", payload: secret }, { traceparent, tracestate: "vendor=7" });
    expect(response.status).toBe(201);
    await Promise.all(background);
    if (!eager) await queue.drain();
    const sent = only("send default");
    expect(placeOf(sent)).toMatchObject({ traceId: "0af7651916cd43dd8448eb211c80319c", parent: "b7ad6b7169203331" });
    expect(sent.spanContext().traceState?.serialize()).toBe("vendor=7");
    expect(placeOf(only("process default")).parent).toBe(placeOf(sent).spanId);
  });

  test("continues it with children", async () => {
    const { queue, named } = setUp();
    const handler = createHandler({ queue, auth: "none" });
    const children = [{ name: "works", payload: secret }];
    expect((await post(handler, { name: "works", children }, { traceparent })).status).toBe(201);
    expect(named("send default").map((span) => placeOf(span).parent)).toEqual(["b7ad6b7169203331"]);
  });

  test("prefers the active span, whose parent is already the caller's", async () => {
    const { queue, only, tracer } = setUp();
    const handler = createHandler({ queue, auth: "none" });
    await inSpan(tracer, "server", async () => post(handler, [{ name: "works" }, { name: "fails" }], { traceparent }));
    expect(placeOf(only("send default")).parent).toBe(placeOf(only("server")).spanId);
    expect(only("send default").attributes).not.toHaveProperty(["messaging.tidegate.job.name"]);
  });
});
