import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { builtPackage, root } from "../package/built.ts";
import { sharedBrowser } from "../support/browser.ts";
import { bundleForBrowser } from "../support/browser-bundle.ts";
import { type HttpServer, serveFetch } from "../support/http-server.ts";
import { useRedis } from "../support/stores.ts";
import { compileExample, loadExample } from "./example.ts";

// The page of the example in a real browser, with React in strict mode, a real server, a real Redis and worker
// processes that are killed.

type App = typeof import("../../examples/live/app.ts");
type Jobs = typeof import("../../examples/live/queue.ts");

const folder = join(root, "examples/live");
const redis = useRedis();
let script: string;

beforeAll(async () => {
  script = await bundleForBrowser({
    entryPoints: [join(folder, "page.tsx")],
    alias: { "tidegate/react": join(await builtPackage(), "dist/react/index.js") },
    tsconfigRaw: { compilerOptions: { jsx: "react-jsx" } },
  });
});

/** Serves the example, also again after a break, and says how often a stream was asked for. */
async function serveExample() {
  const { createApp } = await loadExample<App>("live/app.ts");
  const { openQueue } = await loadExample<Jobs>("live/queue.ts");
  const store = redis.store("tidegate");
  const open = (clock?: () => number) => openQueue({ store, watchSecret: "a secret of the tests", clock });
  const app = createApp(open(), "the-admin-token");
  const asked: string[] = [];
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname === "/") return page(readFileSync(join(folder, "index.html"), "utf8"), "text/html");
    if (pathname === "/page.tsx") return page(script, "text/javascript");
    if (pathname.endsWith("/events")) asked.push(request.url);
    return app.fetch(request);
  };
  let server: HttpServer = await serveFetch(answer);
  const { url, port } = server;
  onTestFinished(() => server.stop());
  return {
    url,
    asked,
    open,
    /** Breaks every connection, as a deployment does. */
    async restart() {
      await server.stop();
      server = await serveFetch(answer, port);
    },
  };
}

const page = (body: string, type: string) => new Response(body, { headers: { "Content-Type": type } });

/** Starts the worker of the example, in a process of its own. */
async function startWorkerProcess(): Promise<ChildProcess> {
  const { url, token } = redis.shim;
  const env = { ...process.env, UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token };
  const child = spawn(process.execPath, [await compileExample("live/worker.ts")], { env, stdio: "inherit" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function openPage(url: string) {
  const tab = await (await sharedBrowser()).newPage();
  onTestFinished(() => tab.close());
  const complaints: string[] = [];
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("console", (message) => {
    // Chromium reports connections that break; the page deals with them.
    if (message.type() === "error" && !/net::ERR_/.test(message.text())) complaints.push(message.text());
  });
  await tab.goto(url);
  const upload = async (rows: number) => {
    const buffer = Buffer.from(Array.from({ length: rows }, (_, index) => `row ${index}`).join("\n"));
    await tab.setInputFiles("input", { name: "rows.csv", mimeType: "text/csv", buffer });
    await tab.click("button");
  };
  const progress = () => tab.evaluate(() => document.querySelector("progress")?.value);
  return { tab, complaints, upload, progress };
}

/** Runs in the page. Each value that the bar has shown, until it is gone. */
function progressToEnd(): Promise<readonly number[]> {
  return new Promise((resolve) => {
    const seen: number[] = [];
    const look = () => {
      const bar = document.querySelector("progress");
      if (bar) seen.push(bar.value);
      else resolve(seen);
    };
    new MutationObserver(look).observe(document.body, { attributes: true, childList: true, subtree: true });
    look();
  });
}

test("a page shows an import of 10,000 rows, through a killed drain and a broken connection, to its result", async () => {
  const { url, asked, restart, open } = await serveExample();
  const { tab, complaints, upload, progress } = await openPage(url);
  const worker = await startWorkerProcess();
  await upload(10_000);
  await vi.waitUntil(async () => ((await progress()) ?? 0) > 0, { timeout: 60_000, interval: 20 });
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  worker.kill("SIGKILL");
  await ended;
  const before = asked.length;
  await restart();
  await vi.waitUntil(() => asked.length > before, { timeout: 60_000, interval: 20 });
  const reached = (await progress()) ?? 0;
  expect(reached).toBeLessThan(10_000);
  // Another drain finds the job once its lease is over: its clock runs two minutes ahead.
  const queue = open(() => Date.now() + 120_000);
  const drained = queue.drain({ timeBudget: "60s" });
  const seen = await tab.evaluate(progressToEnd);
  expect((await drained).completed).toBe(1);
  await tab.waitForSelector("output", { timeout: 20_000 });
  expect(await tab.textContent("output")).toBe("10000 rows imported.");
  const [job] = (await queue.listJobs({ state: "completed" })).jobs;
  // The second drain went on where the first one was killed, so the page never saw less than before.
  expect(Math.min(...seen)).toBeGreaterThanOrEqual(reached);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  const steps = (await queue.getJob(job?.id ?? ""))?.steps ?? [];
  expect(steps.length).toBe(20);
  const kept = steps.filter(({ startedAt }) => Number(startedAt) < Date.now());
  expect(kept.length * 500).toBeGreaterThanOrEqual(reached - 500);
  expect(complaints).toEqual([]);
  expect(asked.filter((address) => address.includes("token"))).toEqual([]);
});
