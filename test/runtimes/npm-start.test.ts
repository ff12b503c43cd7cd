import { once } from "node:events";
import { get } from "node:http";
import { text } from "node:stream/consumers";
import { Client, Receiver } from "@upstash/qstash";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../scripts/shared/free-port.ts";
import { type HttpServer, serveFetch } from "../support/http-server.ts";
import { useRedis } from "../support/stores.ts";
import { npmStart, type Started } from "./npm-start.ts";

// The demo as a newcomer runs it. A job that falls due between two ticks waits for the next one, so nothing takes
// longer than this:
const patience = { timeout: 60_000, interval: 100 };

interface Job {
  readonly id: string;
  readonly startedAt: string;
  readonly schedule?: { readonly occurrence: string };
}

/** Sends a request with any Host header, which `fetch` cannot. */
async function askAs(host: string, port: number, path: string): Promise<{ status: number | undefined; body: string }> {
  const [response] = await once(get({ host: "127.0.0.1", port, path, headers: { Host: host } }), "response");
  return { status: response.statusCode, body: await text(response) };
}

// Started first: its heartbeat comes while other tests run.
let port = 0;
let demo: Started;
let app: HttpServer;
const received: { readonly body: string; readonly signature: string }[] = [];
beforeAll(async () => {
  port = await freePort();
  app = await serveFetch(async (request) => {
    received.push({ body: await request.text(), signature: request.headers.get("upstash-signature") ?? "" });
    return new Response("fine");
  });
  demo = npmStart(port, {}, ["--qstash"]);
  await demo.ready();
});
afterAll(async () => {
  await demo.stop();
  await app.stop();
});

describe("npm start with a Redis set", () => {
  const redis = useRedis();

  test("uses it, and does not show its token", async () => {
    const { url, token } = redis.shim;
    const demo = npmStart(await freePort(), { url, token });
    await demo.ready();
    expect(demo.output).toContain("Jobs are kept in Redis.");
    expect(demo.output).not.toContain(token);
    expect(demo.output).not.toContain("QSTASH");
    expect(redis.shim.requests).toBeGreaterThan(0);
    expect(await demo.stop()).toBe(0);
  });

  test("fails and says why if Redis cannot be used", async () => {
    const { url } = redis.shim;
    const demo = npmStart(await freePort(), { url });
    expect(await demo.ended).toBe(1);
    expect(demo.output).toContain("set UPSTASH_REDIS_REST_TOKEN to what the database's console shows");
  });
});

describe("npm start", () => {
  const enqueue = async (name: string, payload?: unknown) => (await demo.json<Job>("/jobs", { name, payload })).id;

  // Tests that run at once each have their own `expect`: the global one knows only the last.
  const becomes = (own: typeof expect, id: string, job: object) =>
    own.poll(() => demo.json<Job>(`/jobs/${id}`), patience).toMatchObject(job);

  test("shows what to do next", () => {
    expect(demo.output).toContain(`curl http://localhost:${port}/jobs --json`);
    expect(demo.output).toContain(`http://localhost:${port}/dashboard`);
    expect(demo.output).not.toMatch(/wrangler|\[ERROR\]/i);
  });

  test("speaks QStash with the variables that it shows", async () => {
    const shown = Object.fromEntries(
      [...demo.output.matchAll(/^ {2}(QSTASH_\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]),
    );
    const client = new Client({ baseUrl: shown["QSTASH_URL"], token: shown["QSTASH_TOKEN"], retry: false });
    await client.publishJSON({ url: `${app.url}/hook`, body: { hello: "world" } });
    await expect.poll(() => received, patience).toHaveLength(1);
    const receiver = new Receiver({
      currentSigningKey: shown["QSTASH_CURRENT_SIGNING_KEY"] ?? "",
      nextSigningKey: shown["QSTASH_NEXT_SIGNING_KEY"] ?? "",
    });
    const [{ body, signature } = { body: "", signature: "" }] = received;
    expect(JSON.parse(body)).toEqual({ hello: "world" });
    expect(await receiver.verify({ body, signature })).toBe(true);
    expect((await client.logs()).logs.map(({ state }) => state)).toContain("CREATED");
    await expect(client.publish({ url: "http://169.254.169.254/" })).rejects.toThrow("not among the targets");
  });

  test("shows a dashboard, in workerd", async () => {
    const response = await fetch(`http://localhost:${port}/dashboard`);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await response.text()).toContain("<title>Tidegate</title>");
    expect(await demo.json("/dashboard/data?view=schedules")).toMatchObject({ schedules: [{ key: "heartbeat" }] });
  });

  test.each(["evil.test", "localhost.evil.test", "127.0.0.1.evil.test", "10.0.0.1"])(
    "refuses a page of %s whose DNS name points here",
    async (name) => {
      const answer = await askAs(`${name}:${port}`, port, "/stats");
      expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('"code":"forbidden"') });
      expect((await askAs(`${name}:${port}`, port, "/")).status).toBe(403);
    },
  );

  test.each(["localhost", "127.0.0.1", "[::1]", "queue.localhost"])("answers requests for %s", async (name) => {
    expect((await askAs(`${name}:${port}`, port, "/stats")).status).toBe(200);
  });

  test("refuses a port that is taken, and says how to choose another", async () => {
    const second = npmStart(port);
    expect(await second.ended).toBe(1);
    expect(second.output).toBe(`Port ${port} is in use. Choose another: npm start -- --port ${port + 1}\n`);
  });

  test.concurrent("performs, retries and dead-letters jobs, and retries a dead job", async ({ expect }) => {
    const [sent, flaky, fatal] = await Promise.all([
      enqueue("send_email", { to: "ada@example.com", subject: "Hello" }),
      enqueue("flaky", { failures: 1 }),
      enqueue("always_fails"),
    ]);
    await becomes(expect, sent, { state: "completed", attempts: 1, result: { sent: true } });
    await becomes(expect, flaky, { state: "completed", attempts: 2 });
    await becomes(expect, fatal, { state: "dead", attempts: 3, error: { message: "This job always fails." } });
    expect(await demo.json(`/dead-letter/${fatal}/retry`, {})).toMatchObject({ state: "ready", attempts: 0 });
  });

  test.concurrent("runs the heartbeat at an occurrence", async ({ expect }) => {
    const beats = async () => {
      const { jobs } = await demo.json<{ jobs: Job[] }>("/jobs?state=completed&name=heartbeat");
      return jobs.map(
        ({ startedAt, schedule }) => [Date.parse(startedAt), Date.parse(schedule?.occurrence ?? "")] as const,
      );
    };
    await expect.poll(async () => (await beats()).length, patience).toBeGreaterThanOrEqual(1);
    for (const [startedAt, slot] of await beats()) expect(startedAt).toBeGreaterThanOrEqual(slot);
  });

  test("logs each attempt on a line of its own, and stops on Ctrl-C", async () => {
    expect(await demo.stop()).toBe(0);
    const [, log] = demo.output.split("follows:\n\n");
    expect(log).toMatch(/^flaky \S+: attempt 2$/m);
    expect(log).toContain("failed on attempt 1");
    expect(log).not.toContain("\n\n");
    await expect(demo.json("/health")).rejects.toThrow("fetch failed");
  });
});
