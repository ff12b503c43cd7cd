import { join } from "node:path";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { memoryStore, Queue } from "../../src/index.ts";
import { useJob } from "../../src/react/index.ts";
import { builtPackage } from "../package/built.ts";
import { sharedBrowser } from "../support/browser.ts";
import { bundleForBrowser } from "../support/browser-bundle.ts";
import { serveFetch } from "../support/http-server.ts";

// useJob in a real browser, in React's strict mode. The test writes what the streams say.

const signer = new Queue({ store: memoryStore(), watchSecret: "a secret of the tests" });
const tokenOf = (id: string) => signer.watchToken(id);

/** Shows what useJob returns as JSON, and lets the test render it with other options, or not at all. */
const harness = (entry: string) => `
  import { createElement, StrictMode } from "react";
  import { createRoot } from "react-dom/client";
  import { flushSync } from "react-dom";
  import { useJob } from ${JSON.stringify(entry)};
  const root = createRoot(document.body);
  window.renders = [];
  function Shown(options) {
    const { watchError, ...job } = useJob(options);
    const text = JSON.stringify({ ...job, ...(watchError && { watchError: watchError.code }) });
    window.renders.push(text);
    return createElement("output", null, text);
  }
  window.show = (options) => flushSync(() =>
    root.render(options && createElement(StrictMode, null, createElement(Shown, options))));`;

let script: string;

beforeAll(async () => {
  script = await bundleForBrowser({
    stdin: { contents: harness(join(await builtPackage(), "dist/react/index.js")), resolveDir: import.meta.dirname },
  });
});

interface Stream {
  readonly id: string;
  readonly send: (text: string) => void;
  isOpen: boolean;
}

async function openHarness() {
  const streams: Stream[] = [];
  /** The last event of each job, with which a stream begins. */
  const last = new Map<string, string>();
  const refused = new Set<string>();
  const problem = { status: 401, title: "Unauthorized", code: "unauthorized", detail: "The watch token has expired." };
  const server = await serveFetch(({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === "/script.js") return new Response(script, { headers: { "Content-Type": "text/javascript" } });
    const id = /jobs\/(\w+)\/events$/.exec(pathname)?.[1];
    if (!id)
      return new Response('<!doctype html><body><script type="module" src="/script.js"></script>', {
        headers: { "Content-Type": "text/html" },
      });
    if (refused.has(id)) return Response.json(problem, { status: 401 });
    let stream: Stream | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        const send = (text: string) => controller.enqueue(new TextEncoder().encode(text));
        stream = { id, send, isOpen: true };
        streams.push(stream);
        send(`retry: 1000\n\n${last.get(id) ?? ""}`);
      },
      cancel() {
        if (stream) stream.isOpen = false;
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  const tab = await (await sharedBrowser()).newPage();
  const complaints: string[] = [];
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("console", (message) => {
    if (message.type() === "error" && !/status of 401/.test(message.text())) complaints.push(message.text());
  });
  onTestFinished(async () => {
    await tab.close();
    await server.stop();
    expect(complaints).toEqual([]);
  });
  await tab.goto(server.url);
  await tab.waitForFunction("window.show");
  const show = (options: { readonly url: string; readonly token: string | null } | null) =>
    tab.evaluate(`window.show(${JSON.stringify(options)})`);
  const shown = async () => JSON.parse((await tab.textContent("body > output")) ?? "null") as unknown;
  const becomes = (expected: object) =>
    vi.waitFor(async () => expect(await shown()).toEqual(expected), { timeout: 60_000, interval: 50 });
  const say = (id: string, event: object) => {
    const text = `id: ${JSON.stringify(event).length}\ndata: ${JSON.stringify(event)}\n\n`;
    last.set(id, text);
    for (const stream of streams) if (stream.id === id && stream.isOpen) stream.send(text);
  };
  const openIds = () => streams.filter(({ isOpen }) => isOpen).map(({ id }) => id);
  return { tab, show, shown, becomes, say, openIds, streams, refused };
}

describe("useJob in a browser", () => {
  test("shows the events of a job, through one stream though strict mode mounts it twice", async () => {
    const { show, shown, becomes, say, openIds, streams } = await openHarness();
    await show({ url: "/queue", token: await tokenOf("a") });
    expect(await shown()).toEqual({});
    await vi.waitUntil(() => openIds().length === 1 && streams.length > 0, { timeout: 60_000, interval: 50 });
    say("a", { state: "running", progress: 1 });
    await becomes({ state: "running", progress: 1 });
    say("a", { state: "completed", progress: 1, result: { rows: 3 } });
    await becomes({ state: "completed", progress: 1, result: { rows: 3 } });
    await vi.waitUntil(() => openIds().length === 0, { timeout: 60_000, interval: 50 });
  });

  test("shows nothing of the job before when it gets another token, and lets go of its stream", async () => {
    const { tab, show, shown, becomes, say, openIds } = await openHarness();
    await show({ url: "/queue", token: await tokenOf("a") });
    say("a", { state: "running", progress: 1 });
    await becomes({ state: "running", progress: 1 });
    await tab.evaluate("window.renders.length = 0");
    await show({ url: "/queue", token: await tokenOf("b") });
    expect(await shown()).toEqual({});
    expect(await tab.evaluate("window.renders")).not.toContain('{"state":"running","progress":1}');
    await vi.waitUntil(() => openIds().join() === "b", { timeout: 60_000, interval: 50 });
    say("b", { state: "ready", progress: null });
    await becomes({ state: "ready", progress: null });
  });

  test("watches nothing without a token, and nothing once it is gone from the page", async () => {
    const { show, shown, openIds, streams } = await openHarness();
    await show({ url: "/queue", token: null });
    expect([await shown(), streams.length]).toEqual([{}, 0]);
    await show({ url: "/queue", token: await tokenOf("a") });
    await vi.waitUntil(() => openIds().join() === "a", { timeout: 60_000, interval: 50 });
    await show(null);
    await vi.waitUntil(() => openIds().length === 0, { timeout: 60_000, interval: 50 });
  });

  test("says why it has stopped, and begins anew with a new token", async () => {
    const { show, becomes, say, refused } = await openHarness();
    refused.add("a");
    await show({ url: "/queue", token: await tokenOf("a") });
    await becomes({ watchError: "unauthorized" });
    refused.clear();
    await show({ url: "/queue", token: await signer.watchToken("a", { ttl: "2h" }) });
    say("a", { state: "ready", progress: null });
    await becomes({ state: "ready", progress: null });
  });
});

const Shown = () => createElement("p", null, JSON.stringify(useJob({ url: "/queue", token: "watch.a.b" })));

test("useJob on a server renders nothing yet, and sends nothing", () => {
  const send = vi.spyOn(globalThis, "fetch");
  onTestFinished(() => send.mockRestore());
  expect(renderToString(createElement(Shown))).toBe("<p>{}</p>");
  expect(send).not.toHaveBeenCalled();
});
