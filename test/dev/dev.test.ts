import { execFile } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client, Receiver } from "@upstash/qstash";
import { Redis } from "@upstash/redis";
import { Client as WorkflowClient } from "@upstash/workflow";
import { createWorkflow, serveMany } from "@upstash/workflow/cloudflare";
import { describe, expect, test } from "vitest";
import { freePort } from "../../scripts/shared/free-port.ts";
import { AppQueues } from "../../src/dev/app-queues.ts";
import { serveFetch } from "../../src/dev/http-server.ts";
import { type Ended, startDev } from "../../src/dev/index.ts";
import { RedisLink } from "../../src/dev/redis-link.ts";
import { createHandler, type HandlerOptions } from "../../src/http/handler.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { redisStore } from "../../src/stores/redis-tcp/index.ts";
import { startRedis } from "../support/redis-server.ts";
import { afterwards, newPlace, type RunningDev } from "./running-dev.ts";

const sendEmail = defineJob({ name: "send_email", perform: ({ to }: { to: string }) => ({ to }) });
const fails = defineJob({
  name: "fails",
  maxRetries: 0,
  perform() {
    throw new Error("no luck\nwith more below");
  },
});

function queueOf({ started }: RunningDev, name = "default"): Queue {
  const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: token = "" } = started;
  return new Queue({ name, store: upstashStore({ url, token }), jobs: [sendEmail, fails], logger: null });
}

/** An app with a queue, as `next dev` serves it, on a port that was given before. */
async function serveApp(
  port: number,
  queue: Queue,
  auth: HandlerOptions["auth"] = { admin: ["the-token-of-the-app"] },
) {
  const app = await serveFetch(createHandler({ queue, auth, onError: () => {} }).fetch, port);
  afterwards(() => app.stop().catch(() => {}));
  return app;
}

/** An app that takes requests and answers none. */
async function hangingApp() {
  const calls = new EventEmitter();
  const app = await serveFetch(() => {
    calls.emit("call");
    return new Promise<Response>(() => {});
  });
  afterwards(() => app.stop());
  return { url: `${app.url}/drain`, called: () => once(calls, "call") };
}

const token = { TIDEGATE_TOKEN: "the-token-of-the-app" };

describe("tidegate dev", () => {
  test("is a Redis for an app, and drains its jobs when they are due", async () => {
    const { start } = await newPlace();
    const port = await freePort();
    const dev = await start(["--drain", `http://127.0.0.1:${port}/drain`], token);
    const queue = queueOf(dev);
    await serveApp(port, queue);
    await queue.enqueue(sendEmail, { to: "ada" }, { id: "now" });
    const { runAt } = await queue.enqueue(sendEmail, { to: "ben" }, { id: "soon", delay: "1s" });
    await queue.enqueue(fails, undefined, { id: "broken" });
    const ended = JSON.parse(await dev.says(/"id":"now"/));
    expect(ended).toMatchObject({ outcome: "completed", name: "send_email", attempt: 1, ranMs: expect.any(Number) });
    const { at } = JSON.parse(await dev.says(/"id":"soon"/));
    expect(Date.parse(at)).toBeGreaterThanOrEqual(runAt?.getTime() ?? Number.NaN);
    expect(await queue.getJob("soon")).toMatchObject({ state: "completed", result: { to: "ben" } });
    expect(JSON.parse(await dev.says(/"id":"broken"/))).toMatchObject({
      outcome: "dead",
      error: { name: "Error", message: "no luck\nwith more below" },
    });
    expect(dev.errors).not.toContain("ada");
  });

  test("finds queues that are new", async () => {
    const { start } = await newPlace();
    const port = await freePort();
    const dev = await start(["--drain", `http://127.0.0.1:${port}/drain`]);
    const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: restToken = "" } = dev.started;
    const store = upstashStore({ url, token: restToken });
    const mail = new Queue({ name: "mail", store, jobs: [sendEmail] });
    await serveApp(port, mail, "none");
    await mail.enqueue(sendEmail, { to: "ada" }, { id: "mail-1", delay: 500 });
    expect(JSON.parse(await dev.says(/"id":"mail-1"/))).toMatchObject({ outcome: "completed" });
    const page = await fetch(`${dev.started["dashboard"]}/data?view=overview`);
    expect(await page.json()).toMatchObject({ queues: ["mail"] });
  });

  test("drains queues of any prefix and name, and shows whose they are", async () => {
    const { start } = await newPlace();
    const port = await freePort();
    const dev = await start(["--drain", `http://127.0.0.1:${port}/drain`], token);
    const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: restToken = "" } = dev.started;
    const shop = upstashStore({ url, token: restToken, prefix: "my:shop" });
    const mail = new Queue({ name: "mail", store: shop, jobs: [sendEmail] });
    const queues = [queueOf(dev), mail];
    const app = await serveFetch(createHandler({ queues, auth: "none" }).fetch, port);
    afterwards(() => app.stop());
    for (const [index, queue] of queues.entries()) {
      await queue.enqueue(sendEmail, { to: "ada" }, { id: `soon-${index}`, delay: 300 });
      await dev.says(new RegExp(`"id":"soon-${index}"`));
    }
    const page = await fetch(`${dev.started["dashboard"]}/data?view=overview`);
    const shown = (await page.json()) as { queues: string[] };
    expect(new Set(shown.queues)).toEqual(new Set(["default", "my:shop:mail"]));
  });

  test("prints a line for an attempt that no call of the drain route has made", async () => {
    const { start } = await newPlace();
    const dev = await start();
    const queue = queueOf(dev);
    await queue.enqueue(sendEmail, { to: "ada" }, { id: "eager" });
    await queue.drain();
    expect(JSON.parse(await dev.says(/"id":"eager"/))).toMatchObject({ outcome: "completed", attempt: 1 });
  });

  test("prints no line for what ended before it started", async () => {
    const { start } = await newPlace();
    const first = await start();
    const queue = queueOf(first);
    await queue.enqueue(sendEmail, { to: "ada" }, { id: "before" });
    await queue.drain();
    await first.says(/"id":"before"/);
    await first.stop();
    const second = await start();
    await queue.enqueue(sendEmail, { to: "ada" }, { id: "after" });
    await queue.drain();
    await second.says(/"id":"after"/);
    expect(second.errors).not.toContain('"before"');
  });

  test("prints a line for what ends as soon as it has started", async () => {
    const { directory } = await newPlace();
    const controller = new AbortController();
    const ended = new EventEmitter();
    const options = {
      ...{ redis: undefined, drain: undefined, port: 0, restPort: 0, directory, write: undefined, prefix: undefined },
      ...{ env: process.env, clock: Date.now, qstash: false, hooks: {}, onProblem() {}, onError() {} },
      onEnded: ({ attempts }: Ended) => attempts.length > 0 && ended.emit("ended", attempts),
    };
    const dev = await startDev(options);
    const url = { url: dev.restEnv.UPSTASH_REDIS_REST_URL, token: dev.restEnv.UPSTASH_REDIS_REST_TOKEN };
    const queue = new Queue({ store: upstashStore(url), jobs: [sendEmail] });
    await queue.enqueue(sendEmail, { to: "ada" }, { id: "at once" });
    await queue.drain();
    const told = once(ended, "ended");
    const running = dev.run(controller.signal);
    afterwards(async () => {
      controller.abort();
      await running;
    });
    expect(await told).toMatchObject([[{ id: "at once", outcome: "completed" }]]);
  });

  test("finds what has ended since its start, even if its first look fails, and nothing older", async () => {
    class FailingLink extends RedisLink {
      isDown = true;
      override async sendCommand(...given: Parameters<RedisLink["sendCommand"]>) {
        if (this.isDown) throw new Error("down");
        return super.sendCommand(...given);
      }
    }
    const server = await startRedis();
    afterwards(() => server.stop());
    const url = new URL(`redis://127.0.0.1:${server.port}`);
    const link = new FailingLink(url);
    const ofApp = new RedisLink(url);
    afterwards(() => Promise.all([link.close(), ofApp.close()]));
    const queue = new Queue({ store: redisStore(ofApp), jobs: [sendEmail] });
    const perform = async (id: string) => {
      await queue.enqueue(sendEmail, { to: "ada" }, { id });
      await queue.drain();
    };
    await perform("before");
    const ids: string[] = [];
    const startedAt = Date.now() + 1;
    const scope = { prefix: undefined, hidden: "hidden" };
    const app = new AppQueues(link, scope, ({ attempts }) => void ids.push(...attempts.map(({ id }) => id)), startedAt);
    await expect(app.look(startedAt)).rejects.toThrow("down");
    await expect.poll(Date.now).toBeGreaterThan(startedAt);
    await perform("after");
    link.isDown = false;
    await app.look(Date.now());
    expect(ids).toEqual(["after"]);
  });

  test("says once that the app is away, and goes on when it is there", async () => {
    const { start } = await newPlace();
    const port = await freePort();
    const dev = await start(["--drain", `http://127.0.0.1:${port}/drain`], token);
    await queueOf(dev).enqueue(sendEmail, { to: "ada" }, { id: "patient" });
    await dev.says(/No app responds at http:\/\/127\.0\.0\.1:\d+\./);
    await serveApp(port, queueOf(dev));
    await dev.says(/"id":"patient"/);
    expect(dev.errors.match(/No app responds/g)).toHaveLength(1);
  });

  test.for([
    ["a route that is not there", () => new Response("no", { status: 404 }), /is not there \(404\)/],
    [
      "a wrong token",
      () => new Response("no", { status: 401 }),
      /does not take the token of TIDEGATE_TOKEN in the environment \(401\)\. .* must be restarted/,
    ],
    [
      "a redirect",
      () => Response.redirect("http://localhost/other?secret=1", 308),
      /\(308\) to http:\/\/localhost\/other\. /,
    ],
    [
      "a page",
      () => new Response("<p>", { headers: { "content-type": "text/html" } }),
      /200 with text\/html, and no drain/,
    ],
    [
      "a wrong clock",
      () => Response.json({ claimed: 0 }, { headers: { date: new Date(Date.now() - 60_000).toUTCString() } }),
      /clock is (59|60|61|62) s behind this one/,
    ],
    ["a failure", () => Response.json({ code: "x", detail: "Set X." }, { status: 500 }), /fails \(500\): Set X\./],
  ] as const)("says what to do about %s", async ([, answer, line]) => {
    const { start } = await newPlace();
    const app = await serveFetch(() => answer());
    afterwards(() => app.stop());
    const dev = await start(["--drain", `${app.url}/jobs`], token);
    expect(await dev.says(line)).not.toMatch(/secret|the-token/);
  });

  test("asks a drain that would linger to end, so that the next job need not wait for it", async () => {
    const { start } = await newPlace();
    let enqueued = () => {};
    const ready = new Promise<void>((resolve) => {
      enqueued = resolve;
    });
    const reports: unknown[] = [];
    let handler: ReturnType<typeof createHandler> | undefined;
    const app = await serveFetch(async (request) => {
      await ready;
      const response = await handler?.fetch(request);
      reports.push(await response?.clone().json());
      return response ?? new Response(null, { status: 503 });
    });
    afterwards(() => app.stop());
    const dev = await start(["--drain", `${app.url}/drain`], token);
    const queue = queueOf(dev);
    handler = createHandler({ queue, auth: { drain: [token.TIDEGATE_TOKEN] }, drain: { linger: "1m" } });
    await queue.enqueueMany([{ job: sendEmail, payload: { to: "ada" }, delay: "2s", id: "later" }]);
    enqueued();
    await dev.says(/"id":"later"/);
    expect(reports[0]).toMatchObject({ claimed: 0 });
  });

  test("calls a route that takes GET alone, as Vercel's crons do, with CRON_SECRET", async () => {
    const { start } = await newPlace();
    const seen: string[] = [];
    let queue: Queue | undefined;
    let run = () => {};
    const ran = new Promise<void>((resolve) => {
      run = resolve;
    });
    const app = await serveFetch(async ({ method, headers }) => {
      if (method !== "GET") return new Response(null, { status: 405 });
      seen.push(headers.get("authorization") ?? "");
      const report = await queue?.drain();
      if (report?.completed === 1) run();
      return Response.json(report ?? "nothing yet");
    });
    afterwards(() => app.stop());
    const dev = await start(["--drain", app.url], { CRON_SECRET: "the-cron-secret" });
    queue = queueOf(dev);
    await queue.enqueueMany([{ job: sendEmail, payload: { to: "ada" } }]);
    await ran;
    expect(new Set(seen)).toEqual(new Set(["Bearer the-cron-secret"]));
  });

  test("keeps jobs and token over a restart, and over a kill that nothing can catch", async () => {
    const { startProcess: start } = await newPlace();
    const first = await start();
    await queueOf(first).enqueue(sendEmail, { to: "ada" }, { id: "kept" });
    expect(await first.stop()).toBe(0);
    const second = await start();
    expect(second.started).toEqual(first.started);
    expect(await queueOf(second).getJob("kept")).toMatchObject({ state: "ready" });
    await queueOf(second).enqueue(sendEmail, { to: "ben" }, { id: "kept too" });
    second.signal("SIGKILL");
    await second.ended;
    const third = await start();
    expect(await queueOf(third).getStats()).toMatchObject({ readyCount: 2 });
  });

  test("stops at once while the app hangs, at one signal or at two that come together", async () => {
    const { startProcess: start } = await newPlace();
    const app = await hangingApp();
    const [first] = await Promise.all([start(["--drain", app.url]), app.called()]);
    expect(await first.stop()).toBe(0);
    const [second] = await Promise.all([start(["--drain", app.url]), app.called()]);
    second.signal("SIGTERM");
    second.signal("SIGINT");
    expect(await second.ended).toBe(0);
  });

  test("stops while a delivery to a path such as /drain hangs", async () => {
    const { start } = await newPlace();
    const dev = await start(["--qstash"]);
    const { QSTASH_URL: baseUrl = "", QSTASH_TOKEN: qstashToken = "" } = dev.started;
    const app = await hangingApp();
    const client = new Client({ baseUrl, token: qstashToken });
    await Promise.all([client.publishJSON({ url: app.url, body: {} }), app.called()]);
    expect(await dev.stop()).toBe(0);
  });

  test("says so and ends with 1 if its Redis ends by itself", async () => {
    const { start } = await newPlace();
    const dev = await start();
    const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: restToken = "" } = dev.started;
    const redis = new Redis({ url, token: restToken, enableTelemetry: false });
    const [, pid] = /process_id:(\d+)/.exec(String(await redis.exec(["INFO", "server"]))) ?? [];
    process.kill(Number(pid), "SIGKILL");
    expect(await dev.ended).toBe(1);
    expect(dev.errors).toMatch(/redis-server [\d.]+ has ended\. Start tidegate dev again/);
  });

  test("starts once in a directory", async () => {
    const { start, run } = await newPlace();
    await start();
    const others = ["--port", String(await freePort()), "--rest-port", String(await freePort())];
    const { code, stderr, stdout } = await run(["dev", ...others]);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error: tidegate dev runs in \S+\.tidegate already, with its REST API on port \d+\./);
  });

  test("keeps what it writes out of git", async () => {
    const { start, directory } = await newPlace();
    await start();
    expect(await readFile(join(directory, ".tidegate/.gitignore"), "utf8")).toBe("*\n");
  });

  test("starts in no directory that holds other files, and leaves them as they are", async () => {
    const { run, directory } = await newPlace();
    await writeFile(join(directory, ".gitignore"), "node_modules\n");
    for (const dir of [".", ""]) {
      const { code, stderr } = await run(["dev", "--dir", dir]);
      expect(code).toBeGreaterThan(0);
      expect(stderr).toContain("--dir");
    }
    expect(await readFile(join(directory, ".gitignore"), "utf8")).toBe("node_modules\n");
  });

  test("works on a Redis that runs already", async () => {
    const { start } = await newPlace();
    const redis = await startRedis();
    afterwards(() => redis.stop());
    const dev = await start(["--redis", `redis://127.0.0.1:${redis.port}`]);
    await queueOf(dev).enqueue(sendEmail, { to: "ada" });
    expect(dev.started["redis"]).toBe(`127.0.0.1:${redis.port}`);
    expect(await dev.stop()).toBe(0);
  });

  test("speaks as Upstash does, to its client and to curl", async () => {
    const { start } = await newPlace();
    const { started } = await start();
    const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: restToken = "" } = started;
    const redis = new Redis({ url, token: restToken, enableTelemetry: false });
    expect(await redis.ping()).toBe("PONG");
    expect(await redis.set("key", { text: "ü" })).toBe("OK");
    expect(await redis.get("key")).toEqual({ text: "ü" });
    expect(await redis.multi().incr("count").incr("count").exec()).toEqual([1, 2]);
    expect(await redis.eval("#!lua flags=allow-key-locking\nreturn redis.call('GET', KEYS[1])", ["count"], [])).toBe(2);
    const authorization = { headers: { authorization: `Bearer ${restToken}` } };
    const curl = async (path: string, init: RequestInit = authorization) => {
      const response = await fetch(url + path, init);
      return [response.status, await response.json()];
    };
    expect(await curl("/set/a%20b/1?EX=100")).toEqual([200, { result: "OK" }]);
    expect(await curl("/get/a%20b")).toEqual([200, { result: "1" }]);
    expect(await curl("/set/c", { ...authorization, method: "POST", body: "text" })).toEqual([200, { result: "OK" }]);
    expect(await curl(`/get/c?_token=${restToken}`, {})).toEqual([200, { result: "text" }]);
    expect(await curl("/get/c", {})).toEqual([401, { error: expect.stringMatching(/^WRONGPASS/) }]);
    expect(await curl("/nonsense")).toEqual([400, { error: expect.stringMatching(/^ERR unknown command/) }]);
    for (const taken of ["/unsubscribe/news", "/multi", "/select/1", "/blpop/list/0", "/xread/block/0/streams/s/0"])
      expect(await curl(taken)).toEqual([400, { error: expect.stringMatching(/^ERR Command is not available/) }]);
    expect(await curl("/get/c")).toEqual([200, { result: "text" }]);
  });

  describe("--write", () => {
    test("changes its two lines and no other", async () => {
      const { start, directory } = await newPlace();
      const file = join(directory, ".env.local");
      await writeFile(
        file,
        "# mine\r\nA=1\r\nexport UPSTASH_REDIS_REST_TOKEN = 'old' \r\nUPSTASH_REDIS_REST_URL=\"http://localhost:1\"\r\nB=2",
      );
      const { started } = await start(["--write", ".env.local"]);
      const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: restToken } = started;
      expect(await readFile(file, "utf8")).toBe(
        `# mine\r\nA=1\r\nexport UPSTASH_REDIS_REST_TOKEN=${restToken}\r\nUPSTASH_REDIS_REST_URL=${url}\r\nB=2`,
      );
    });

    test("keeps values of several lines, a byte order mark, and bytes that are not UTF-8", async () => {
      const { start, directory } = await newPlace();
      const file = join(directory, ".env.local");
      const rest = Buffer.concat([
        Buffer.from('\nKEY="first\nUPSTASH_REDIS_REST_URL=https://in.a.value\nlast"\nNAME=Ren'),
        Buffer.from([0xe9]),
        Buffer.from("\n"),
      ]);
      const mark = Buffer.from([0xef, 0xbb, 0xbf]);
      await writeFile(file, Buffer.concat([mark, Buffer.from("UPSTASH_REDIS_REST_URL=http://127.0.0.1:1"), rest]));
      const { started } = await start(["--write", ".env.local"]);
      const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: restToken } = started;
      const [first, second] = [`UPSTASH_REDIS_REST_URL=${url}`, `UPSTASH_REDIS_REST_TOKEN=${restToken}\n`];
      const expected = Buffer.concat([mark, Buffer.from(first), rest, Buffer.from(second)]);
      expect((await readFile(file)).toString("latin1")).toBe(expected.toString("latin1"));
    });

    test.for([
      ["names another database", "UPSTASH_REDIS_REST_URL=https://eu1.upstash.io\nUPSTASH_REDIS_REST_TOKEN=sesame\n"],
      ["has a token alone", "UPSTASH_REDIS_REST_TOKEN=sesame\n"],
      ["is in UTF-16", Buffer.from("\ufeffA=1\n", "utf16le")],
    ])("leaves a file alone that %s, and starts nothing", async ([, content = ""]) => {
      const { run, ports, directory } = await newPlace();
      await writeFile(join(directory, ".env.local"), content);
      const { code, stderr } = await run(["dev", ...ports, "--write", ".env.local"]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/\.env\.local (already names another database\. Comment out|is not in UTF-8\.)/);
      expect(stderr).not.toContain("sesame");
      expect(await readdir(directory)).toEqual([".env.local"]);
      expect(await readFile(join(directory, ".env.local"))).toEqual(Buffer.from(content));
    });

    test("refuses what is no file, such as a pipe", async () => {
      const { run, ports, directory } = await newPlace();
      await promisify(execFile)("mkfifo", [join(directory, "pipe")]);
      const { code, stderr } = await run(["dev", ...ports, "--write", "pipe"]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/pipe is no regular file\. Give --write/);
    });

    test("makes a missing file, and refuses a directory before anything starts", async () => {
      const { start, run, ports, directory } = await newPlace();
      await mkdir(join(directory, "folder"));
      const refused = await run(["dev", ...ports, "--write", "folder"]);
      expect(refused).toMatchObject({
        code: 1,
        stdout: "",
        stderr: expect.stringMatching(/folder is no regular file\./),
      });
      const { started } = await start(["--write", ".dev.vars"]);
      expect(await readFile(join(directory, ".dev.vars"), "utf8")).toBe(
        `UPSTASH_REDIS_REST_URL=${started["UPSTASH_REDIS_REST_URL"]}\nUPSTASH_REDIS_REST_TOKEN=${started["UPSTASH_REDIS_REST_TOKEN"]}\n`,
      );
    });

    test("names the file that has the token of the drain route, too", async () => {
      const { start, directory } = await newPlace();
      await writeFile(join(directory, ".env.local"), 'TIDEGATE_TOKEN="the-token-of-the-app"\n');
      const port = await freePort();
      const dev = await start(["--write", ".env.local", "--drain", `http://127.0.0.1:${port}/drain`]);
      const queue = queueOf(dev);
      await serveApp(port, queue);
      await queue.enqueue(sendEmail, { to: "ada" }, { id: "known" });
      await dev.says(/"id":"known"/);
    });
  });

  test("takes a token that the file of --write gets while it runs", async () => {
    const { start, directory } = await newPlace();
    const port = await freePort();
    const dev = await start(["--write", ".env.local", "--drain", `http://127.0.0.1:${port}/drain`]);
    const queue = queueOf(dev);
    await serveApp(port, queue);
    await queue.enqueue(sendEmail, { to: "ada" }, { id: "patient" });
    await dev.says(/wants a token \(401\)/);
    await appendFile(join(directory, ".env.local"), "TIDEGATE_ADMIN_TOKEN=the-token-of-the-app\n");
    await dev.says(/"id":"patient"/);
  });

  describe("cannot start", () => {
    test("without a redis-server, and says how to get one", async () => {
      const { run, ports } = await newPlace();
      const { code, stderr } = await run(["dev", ...ports], { PATH: "/nowhere" });
      expect(code).toBe(1);
      for (const way of ["brew install redis", "apt-get install redis-server", "docker run", "--redis redis://"])
        expect(stderr).toContain(way);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    });

    test.for([
      ["--port", 1],
      ["--rest-port", 3],
    ] as const)("on a port that is taken, and names %s", async ([option, at]) => {
      const { run, ports } = await newPlace();
      const other = createServer().listen(Number(ports[at]), "127.0.0.1");
      afterwards(() => new Promise((resolve) => other.close(resolve)));
      const { code, stderr } = await run(["dev", ...ports]);
      expect(code).toBe(1);
      expect(stderr).toBe(
        `error: Port ${ports[at]} is in use. Choose another one with ${option}; beside another tidegate dev, give both --port and --rest-port.\n`,
      );
    });

    test.for([
      { args: ["--drain", "http://user:sesame@localhost/drain"], code: 2 },
      { args: ["--drain", "localhost:3000"], code: 2 },
      { args: ["--redis", "http://user:sesame@localhost"], code: 2 },
      { args: ["--redis", "redis://user:sesame@127.0.0.1:1"], code: 1 },
      { args: ["--port", "0"], code: 2 },
      { args: ["--port", "8079"], code: 2 },
      { args: ["--drain", "http://localhost:8078/drain"], code: 2 },
      { args: ["--url", "http://localhost"], code: 2 },
      { args: ["--dir", "/dev/null/x"], code: 1 },
      { args: ["--dir", "/proc/x"], code: 1 },
      { args: ["--dir", "missing/x"], code: 1 },
      { args: ["extra"], code: 2 },
    ])("with $args", async ({ args, code }) => {
      const { run } = await newPlace();
      const result = await run(["dev", "--json", ...args]);
      expect(result).toMatchObject({ code, stdout: "" });
      expect(JSON.parse(result.stderr).error.message).not.toContain("sesame");
    });

    test.for([
      ["a web server", (socket: Socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"), ""],
      [
        "a Redis that wants a password",
        (socket: Socket) => socket.write("-NOAUTH No password.\r\n"),
        " NOAUTH No password.",
      ],
    ] as const)("with %s at the address of --redis", async ([, answer, reason]) => {
      const { run, ports } = await newPlace();
      const sockets = new Set<Socket>();
      const other = createServer((socket) => {
        sockets.add(socket);
        socket.on("error", () => {}).once("data", () => answer(socket));
      }).listen(0, "127.0.0.1");
      await once(other, "listening");
      afterwards(async () => {
        for (const socket of sockets) socket.destroy();
        other.close();
      });
      const { port } = other.address() as AddressInfo;
      const { code, stdout, stderr } = await run(["dev", ...ports, "--redis", `redis://127.0.0.1:${port}`]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toBe(
        `error: No Redis replies at 127.0.0.1:${port}.${reason} Check --redis, and that the Redis runs.\n`,
      );
    });

    test("in a directory whose tokens are damaged", async () => {
      const { run, ports, directory } = await newPlace();
      await mkdir(join(directory, ".tidegate"));
      await writeFile(join(directory, ".tidegate/dev.json"), '{"restToken":');
      const { code, stderr } = await run(["dev", ...ports]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/dev\.json is damaged\. Delete it/);
    });
  });

  test("serves the dashboard on this machine alone, and runs no job of the app itself", async () => {
    const { start } = await newPlace();
    const dev = await start();
    const queue = queueOf(dev);
    await queue.enqueue(sendEmail, { to: "ada" }, { id: "seen" });
    const { dashboard = "" } = dev.started;
    expect(await (await fetch(dashboard)).text()).toMatch(/^<!doctype html>/i);
    expect((await fetch(new URL("/", dashboard))).url).toBe(dashboard);
    expect(await (await fetch(new URL("/jobs/seen", dashboard))).json()).toMatchObject({ state: "ready" });
    const spellings = ["/queues/default/%64rain", "/queues/default/drain/", "/queues/default/dr%61in?maxJobs=100"];
    for (const path of ["/drain", "/queues/default/drain", ...spellings]) {
      const refused = await fetch(new URL(path, dashboard), { method: "POST" });
      expect(refused.status).toBe(409);
      expect(await refused.json()).toMatchObject({ detail: expect.stringContaining("Start it with --drain") });
    }
    expect(await queue.getJob("seen")).toMatchObject({ state: "ready", attempts: 0 });
    const headers = { origin: "https://evil.example" };
    expect((await fetch(new URL("/pause", dashboard), { method: "POST", headers })).status).toBe(403);
  });

  test("names the drain route that it calls to whoever calls its own", async () => {
    const { start } = await newPlace();
    const dev = await start(["--drain", "http://127.0.0.1:1/drain"]);
    const refused = await fetch(new URL("/drain", dev.started["dashboard"]));
    const { detail } = (await refused.json()) as { detail: string };
    expect(detail).toContain("It calls your app's drain route, http://127.0.0.1:1/drain, by itself.");
  });

  test("delivers what the SDK of QStash publishes, signed, to any port of this machine", async () => {
    const { start } = await newPlace();
    const dev = await start(["--qstash"]);
    const { QSTASH_URL: baseUrl = "", QSTASH_TOKEN: qstashToken = "" } = dev.started;
    const receiver = new Receiver({
      currentSigningKey: dev.started["QSTASH_CURRENT_SIGNING_KEY"] ?? "",
      nextSigningKey: dev.started["QSTASH_NEXT_SIGNING_KEY"] ?? "",
    });
    let deliver = (_body: string) => {};
    const delivered = new Promise<string>((resolve) => {
      deliver = resolve;
    });
    const app = await serveFetch(async (request) => {
      const body = await request.text();
      const signature = request.headers.get("upstash-signature") ?? "";
      if (await receiver.verify({ body, signature, url: request.url })) deliver(body);
      return new Response("thanks");
    });
    afterwards(() => app.stop());
    const client = new Client({ baseUrl, token: qstashToken });
    const { messageId } = await client.publishJSON({ url: `${app.url}/hook`, body: { to: "ada" } });
    expect(JSON.parse(await delivered)).toEqual({ to: "ada" });
    expect(JSON.parse(await dev.says(new RegExp(messageId)))).toMatchObject({
      outcome: "completed",
      name: "qstash_deliver",
    });
    await expect(client.publishJSON({ url: "https://example.com/hook", body: {} })).rejects.toThrow(
      /not among the targets: .*tidegate dev delivers to this machine alone/,
    );
  });

  test("gives QStash's SDKs a token with which a workflow creates webhooks", async () => {
    const { start } = await newPlace();
    const { QSTASH_URL: baseUrl = "", QSTASH_TOKEN: qstashToken = "" } = (await start(["--qstash"])).started;
    const qstashClient = new Client({ baseUrl, token: qstashToken });
    let created = (_address: string) => {};
    const address = new Promise<string>((resolve) => {
      created = resolve;
    });
    const workflow = createWorkflow(async (context) => {
      const webhook = await context.createWebhook("create");
      await context.run("note", () => created(webhook.webhookUrl));
    });
    const { fetch: serveWorkflow } = serveMany({ it: workflow }, { qstashClient });
    const app = await serveFetch((request) => serveWorkflow(request, {}));
    afterwards(() => app.stop());
    await new WorkflowClient({ baseUrl, token: qstashToken }).trigger({ url: `${app.url}/it` });
    expect(await address).toContain(`${baseUrl}/v2/workflows/hooks/dev/`);
  });
});
