import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { watchJob } from "../../src/client/index.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { watchedQueue } from "../http/watched-queue.ts";

const url = "http://queue.test/";

/** A connection that the test writes to, and its request. */
interface Connection {
  readonly request: Request;
  readonly isCancelled: () => boolean;
  send(text: string): void;
  end(): void;
  fail(): void;
}

/** Stands in for a handler whose responses the test writes. */
function scriptedServer() {
  const connections: Connection[] = [];
  /** Responses other than a stream, in order. */
  const others: (() => Response | Promise<Response>)[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    let isCancelled = false;
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (given) => {
        controller = given;
      },
      cancel: () => {
        isCancelled = true;
      },
    });
    connections.push({
      request,
      isCancelled: () => isCancelled,
      send: (text) => controller?.enqueue(new TextEncoder().encode(text)),
      end: () => controller?.close(),
      fail: () => controller?.error(new TypeError("The network has changed.")),
    });
    return others.shift()?.() ?? new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  };
  return { connections, others, fetch };
}

const event = (id: string, data: object) => `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
const running = (progress: unknown) => ({ state: "running", progress });
const done = { state: "completed", progress: null };

async function tokenOf(id = "a", name = "default"): Promise<string> {
  return new Queue({ name, store: memoryStore(), watchSecret: "a secret of the tests" }).watchToken(id);
}

/** Iterates in the background. */
function follow(events: AsyncIterable<unknown>) {
  const seen: unknown[] = [];
  const outcome = (async () => {
    for await (const each of events) seen.push(each);
    return "ended";
  })().catch((error: unknown) => error);
  return { seen, outcome };
}

const soon = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("watchJob", () => {
  test("shows a job of a handler until it ends, with its result", async () => {
    const { queue, importRows, clock, fetch, begin, act } = watchedQueue();
    vi.useRealTimers();
    await begin("a");
    const token = await queue.watchToken("a", { results: true });
    const { seen, outcome } = follow(
      watchJob<typeof importRows>({ url, token, fetch: async (request) => fetch(request) }),
    );
    await clock.advance(0);
    await act({ progress: 50 });
    await clock.advance("1s");
    await act({ returns: { rows: 3 } });
    await clock.advance("2s");
    expect(await outcome).toBe("ended");
    expect(seen).toEqual([running(null), running(50), { state: "completed", progress: 50, result: { rows: 3 } }]);
  });

  test("finds the stream by the token, or at its own address, and sends the token in a header alone", async () => {
    const { connections, fetch } = scriptedServer();
    const token = await tokenOf("PARENT/000017", "imports");
    follow(watchJob({ url: "https://example.com/queue/", token, fetch }));
    follow(watchJob({ url: new URL("https://example.com/jobs/a/events"), token: "the-read-token", fetch }));
    await soon();
    const sent = connections.map(({ request }) => [request.url, request.headers.get("authorization")]);
    expect(sent).toEqual([
      ["https://example.com/queue/queues/imports/jobs/PARENT%2F000017/events", `Bearer ${token}`],
      ["https://example.com/jobs/a/events", "Bearer the-read-token"],
    ]);
  });

  test("resumes a broken connection after the last event, wherever it breaks, and shows nothing twice", async () => {
    const { connections, fetch } = scriptedServer();
    const { seen, outcome } = follow(watchJob({ url, token: await tokenOf(), fetch }));
    await soon();
    connections[0]?.send(`retry: 1000\n\n${event("x", running(1))}`);
    await soon();
    connections[0]?.send(event("y", running(2)).slice(0, 20));
    await soon();
    connections[0]?.fail();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(connections[1]?.request.headers.get("last-event-id")).toBe("x");
    connections[1]?.send(":\n\n");
    for (const character of event("y", running("ü 🌊"))) connections[1]?.send(character);
    await soon();
    connections[1]?.end();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(connections[2]?.request.headers.get("last-event-id")).toBe("y");
    connections[2]?.send(event("z", done));
    expect(await outcome).toBe("ended");
    expect(seen).toEqual([running(1), running("ü 🌊"), done]);
    expect(connections).toHaveLength(3);
    expect(connections[2]?.isCancelled()).toBe(true);
  });

  test("waits twice as long after each failure, up to half a minute, and starts over when something comes", async () => {
    const { connections, others, fetch } = scriptedServer();
    follow(watchJob({ url, token: await tokenOf(), fetch }));
    await soon();
    connections[0]?.send(event("x", running(1)));
    await soon();
    others.push(...Array.from({ length: 7 }, () => () => Promise.reject(new TypeError("Failed to fetch"))));
    connections[0]?.fail();
    const at: number[] = [];
    const began = Date.now();
    for (let count = 1; count <= 8; count++) {
      while (connections.length <= count) await vi.advanceTimersByTimeAsync(100);
      at.push(Date.now() - began);
    }
    const waits = at.map((time, index) => time - (at[index - 1] ?? 0));
    for (const [index, wait] of waits.entries()) {
      const longest = Math.min(1_000 * 2 ** index, 30_000);
      expect(wait).toBeGreaterThanOrEqual(longest / 2 - 100);
      expect(wait).toBeLessThanOrEqual(longest + 100);
    }
    connections[8]?.send(":\n\n");
    await soon();
    connections[8]?.end();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(connections).toHaveLength(10);
  });

  test("waits longer and longer for a service that sends something else", async () => {
    const { connections, others, fetch } = scriptedServer();
    follow(watchJob({ url, token: await tokenOf(), fetch }));
    await soon();
    connections[0]?.send(event("x", running(1)));
    await soon();
    const garbage = "event: other\ndata: 1\n\nid: y\ndata: {no json\n\n";
    const headers = { "Content-Type": "text/event-stream" };
    others.push(...Array.from({ length: 200 }, () => () => new Response(garbage, { headers })));
    connections[0]?.fail();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(connections.length).toBeGreaterThan(5);
    expect(connections.length).toBeLessThan(15);
  });

  test("gives up a connection of which nothing has been heard for 45 s", async () => {
    const { connections, fetch } = scriptedServer();
    const { seen } = follow(watchJob({ url, token: await tokenOf(), fetch }));
    await soon();
    connections[0]?.send(event("x", running(1)));
    await vi.advanceTimersByTimeAsync(44_000);
    connections[0]?.send(":\n\n");
    await vi.advanceTimersByTimeAsync(44_000);
    expect([connections.length, connections[0]?.isCancelled()]).toEqual([1, false]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect([connections.length, connections[0]?.isCancelled()]).toEqual([2, true]);
    expect(seen).toEqual([running(1)]);
  });

  test("stops when its signal is aborted, with the signal's reason, also while it waits", async () => {
    const { connections, others, fetch } = scriptedServer();
    const token = await tokenOf();
    const before = follow(watchJob({ url, token, fetch, signal: AbortSignal.abort("before") }));
    expect(await before.outcome).toBe("before");
    expect(connections).toHaveLength(0);
    const during = new AbortController();
    const streaming = follow(watchJob({ url, token, fetch, signal: during.signal }));
    await soon();
    connections[0]?.send(event("x", running(1)));
    await soon();
    during.abort("during");
    expect([await streaming.outcome, connections[0]?.isCancelled()]).toEqual(["during", true]);
    const between = new AbortController();
    others.push(() => Promise.reject(new TypeError("Failed to fetch")));
    const waiting = follow(watchJob({ url, token, fetch, signal: between.signal }));
    await soon();
    between.abort("between");
    expect(await waiting.outcome).toBe("between");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("lets go of its connection when the loop is left", async () => {
    const { connections, fetch } = scriptedServer();
    const token = await tokenOf();
    const left = (async () => {
      for await (const _ of watchJob({ url, token, fetch })) break;
    })();
    await soon();
    connections[0]?.send(event("x", running(1)));
    await left;
    expect([connections[0]?.isCancelled(), vi.getTimerCount()]).toEqual([true, 0]);
  });

  test("throws what is thrown into its iteration, and lets go of its connection", async () => {
    const { connections, fetch } = scriptedServer();
    const events = watchJob({ url, token: await tokenOf(), fetch });
    const first = events.next();
    await soon();
    connections[0]?.send(event("x", running(1)));
    await first;
    await expect(events.throw(new Error("mine"))).rejects.toThrow("mine");
    expect([connections[0]?.isCancelled(), vi.getTimerCount()]).toEqual([true, 0]);
  });
});

describe("watchJob throws", () => {
  const handlerOf = () => {
    const parts = watchedQueue();
    return { ...parts, fetch: async (request: Request) => parts.fetch(request) };
  };

  test("what the handler says about the token or the job: unauthorized, forbidden, not_found", async () => {
    const { queue, clock, begin, fetch } = handlerOf();
    vi.useRealTimers();
    await begin("a");
    const token = await queue.watchToken("a", { ttl: "1m" });
    const codeOf = async (options: { readonly url: string; readonly token: string }) =>
      ((await follow(watchJob({ ...options, fetch })).outcome) as { code: string }).code;
    expect(await codeOf({ url, token: await tokenOf("nobody") })).toBe("not_found");
    expect(await codeOf({ url: `${url}jobs/b/events`, token })).toBe("forbidden");
    expect(await codeOf({ url, token: `${token.slice(0, -2)}AA` })).toBe("unauthorized");
    await clock.advance("1m");
    expect(await codeOf({ url, token })).toBe("unauthorized");
  });

  test.each(["::", "https://ada:secret@queue.test"])(
    "that the url %s is none that it can ask, at once",
    async (wrong) => {
      const { connections, fetch } = scriptedServer();
      const events = watchJob({ url: wrong, token: await tokenOf(), fetch });
      await expect(events.next()).rejects.toMatchObject({ code: "invalid_request" });
      expect(connections).toEqual([]);
    },
  );

  test("unauthorized if the token expires between two connections", async () => {
    const { connections, others, fetch } = scriptedServer();
    const { outcome } = follow(watchJob({ url, token: await tokenOf(), fetch }));
    await soon();
    connections[0]?.send(event("x", running(1)));
    await soon();
    const body = { status: 401, title: "Unauthorized", code: "unauthorized", detail: "The watch token has expired." };
    others.push(() => Response.json(body, { status: 401 }));
    connections[0]?.end();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await outcome).toMatchObject({ name: "TidegateError", code: "unauthorized", message: body.detail });
  });

  test.each([
    ["the network", () => Promise.reject(new TypeError("Failed to fetch")), "No response"],
    ["a page", () => new Response("<html>", { headers: { "Content-Type": "text/html" } }), "status 200"],
    ["a proxy", () => new Response("Bad gateway", { status: 502 }), "status 502"],
  ])("store_unavailable if the first three requests bring only %s", async (_, answer, message) => {
    const { connections, others, fetch } = scriptedServer();
    others.push(answer, answer, answer);
    const { outcome } = follow(watchJob({ url, token: await tokenOf(), fetch }));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await outcome).toMatchObject({ code: "store_unavailable", message: expect.stringContaining(message) });
    expect(connections).toHaveLength(3);
  });

  test.each([
    [{ url: "", token: "watch.a.b" }, "url is not set."],
    [{ url, token: "" }, "token is not set."],
    [{ url, token: "the-read-token" }, "url must be that of the stream"],
  ])("invalid_request at once for %j", async (options, message) => {
    const { connections, fetch } = scriptedServer();
    expect(await follow(watchJob({ ...options, fetch })).outcome).toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining(message),
    });
    expect(connections).toHaveLength(0);
  });
});
