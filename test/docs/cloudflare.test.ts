import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import worker from "../../examples/guide/cloudflare/worker.ts";
import { cloudflareFree, cloudflarePaid } from "../../src/platforms/cloudflare.ts";
import { root } from "../package/built.ts";
import { serveFetch } from "../support/http-server.ts";
import { useRedis } from "../support/stores.ts";
import { documentsIn, guide, inBackground, runScript } from "./guide.ts";

describe("the Worker of the guide", () => {
  const redis = useRedis();
  const { context, settled } = inBackground();
  const env = () => ({
    UPSTASH_REDIS_REST_URL: redis.shim.url,
    UPSTASH_REDIS_REST_TOKEN: redis.shim.token,
    TIDEGATE_ENQUEUE_TOKEN: "the-enqueue-token",
    TIDEGATE_ADMIN_TOKEN: "the-admin-token",
  });

  test("performs a job that the guide's commands enqueue, and shows it", async () => {
    // On Cloudflare an isolate has one environment, and therefore one queue.
    const bindings = env();
    const server = await serveFetch(async (request) => {
      const answer = await worker.fetch(request, bindings, context);
      await settled();
      return answer;
    });
    const output = await runScript("cloudflare/try.sh", {
      TIDEGATE_URL: server.url,
      TIDEGATE_ENQUEUE_TOKEN: bindings.TIDEGATE_ENQUEUE_TOKEN,
      TIDEGATE_ADMIN_TOKEN: bindings.TIDEGATE_ADMIN_TOKEN,
    });
    expect(documentsIn(output)).toMatchObject([
      { status: "enqueued" },
      { jobs: [{ name: "greet", result: "Hello, Ada" }] },
    ]);
    await server.stop();
  });

  test("arms its schedule when the cron trigger fires", async () => {
    const bindings = env();
    await worker.scheduled({}, bindings, context);
    const headers = { Authorization: "Bearer the-admin-token" };
    const answer = await worker.fetch(new Request("https://queue.test/schedules", { headers }), bindings, context);
    expect(await answer.json()).toMatchObject({ schedules: [{ key: "clean_up", timeZone: "Europe/Paris" }] });
  });

  test("says what is wrong when a secret is not set", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const bindings = { ...env(), TIDEGATE_ADMIN_TOKEN: "" };
    const answer = await worker.fetch(new Request("https://queue.test/health"), bindings, context);
    expect(answer.status).toBe(503);
    expect(((await answer.json()) as { detail: string }).detail).toMatch(/auth\.admin\[0\].*environment variable/);
    log.mockRestore();
  });
});

test("the presets match the guide", async () => {
  const page = await readFile(join(root, "docs/guide/cloudflare.md"), "utf8");
  const shown = (field: string) =>
    new RegExp(`^\\| \`${field}\`[^|]*\\| ([\\d,]+) \\| ([\\d,]+) \\|`, "m")
      .exec(page)
      ?.slice(1)
      .map((text) => Number(text.replace(",", "")));
  expect(shown("maxJobs")).toEqual([cloudflareFree.maxJobs, cloudflarePaid.maxJobs]);
  expect(shown("concurrency")).toEqual([cloudflareFree.concurrency, cloudflarePaid.concurrency]);
  expect(shown("budget.roundTrips")).toEqual([cloudflareFree.budget.roundTrips, cloudflarePaid.budget.roundTrips]);
  expect(shown("budget.commands")).toEqual([cloudflareFree.budget.commands, cloudflarePaid.budget.commands]);
});

describe("wrangler", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tidegate-guide-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const wrangler = join(dirname(createRequire(import.meta.url).resolve("wrangler/package.json")), "bin/wrangler.js");

  test.for([
    ...["cloudflare/wrangler.toml", "cloudflare/fan-out.toml", "cloudflare/wake.toml"],
    ...["cloudflare/wake-producer.toml", "app/wrangler.toml"],
  ])("accepts %s, and bundles its entry point", async (config) => {
    const argv = ["deploy", "--dry-run", "--config", join(guide, config), "--outdir", join(folder, dirname(config))];
    const env = { PATH: process.env["PATH"], HOME: folder, CI: "true", WRANGLER_SEND_METRICS: "false" };
    const { stdout } = await promisify(execFile)(process.execPath, [wrangler, ...argv], { cwd: folder, env });
    expect(stdout).toMatch(/--dry-run: exiting now/);
  });
});
