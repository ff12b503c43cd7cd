import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { root } from "../package/built.ts";
import { useRedis } from "../support/stores.ts";
import { jsonRequest, loadExample } from "./example.ts";

type Route = typeof import("../../examples/vercel/app/api/queue/[[...path]]/route.ts");

/** The exports of this file that Next.js allows in a route file: any other fails `next build`, as of 15.1. */
const routeExports = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "maxDuration"];

describe("the example for Vercel", () => {
  const redis = useRedis();
  let route: Route;

  beforeAll(async () => {
    vi.stubEnv("UPSTASH_REDIS_REST_URL", redis.shim.url);
    vi.stubEnv("UPSTASH_REDIS_REST_TOKEN", redis.shim.token);
    vi.stubEnv("TIDEGATE_ADMIN_TOKEN", "the-admin-token");
    vi.stubEnv("CRON_SECRET", "the-cron-token");
    route = await loadExample<Route>("vercel/app/api/queue/[[...path]]/route.ts");
  });
  afterAll(() => vi.unstubAllEnvs());

  test("drains on the request of the cron that vercel.json names", async () => {
    const settings = JSON.parse(await readFile(join(root, "examples/vercel/vercel.json"), "utf8"));
    const job = { name: "send_invoice", payload: { number: "7" } };
    const enqueued = await route.POST(jsonRequest("https://app.test/api/queue/jobs", "the-admin-token", job));
    expect(enqueued.status).toBe(201);
    const { id } = (await enqueued.json()) as { id: string };
    // The example lingers until the next tick; a test need not.
    const drained = await route.GET(
      jsonRequest(`https://app.test${settings.crons[0].path}?linger=0s`, "the-cron-token"),
    );
    expect(await drained.json()).toMatchObject({ completed: 1 });
    const found = await route.GET(jsonRequest(`https://app.test/api/queue/jobs/${id}`, "the-admin-token"));
    expect(await found.json()).toMatchObject({ state: "completed", result: { sent: "7" } });
  });

  test("arms its schedule", async () => {
    const listed = await route.GET(jsonRequest("https://app.test/api/queue/schedules", "the-admin-token"));
    expect(await listed.json()).toMatchObject({
      schedules: [{ key: "remind_debtors", timeZone: "Europe/Paris" }],
    });
  });

  test("is a route file that Next.js can build: it exports only a route, and no import ends in .ts", async () => {
    expect(Object.keys(route).sort()).toEqual(routeExports.sort());
    for (const file of ["app/api/queue/[[...path]]/route.ts", "queue.ts", "jobs.ts"]) {
      expect(await readFile(join(root, "examples/vercel", file), "utf8")).not.toMatch(/from "[^"]*\.ts"/);
    }
  });
});
