import { execFile } from "node:child_process";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { createDemo } from "../../examples/cloudflare/demo.ts";
import { welcome } from "../../examples/cloudflare/welcome.ts";
import worker, { fromBoth } from "../../examples/guide/readme.ts";
import { Queue } from "../../src/index.ts";
import type { ExecutionContext } from "../../src/platforms/cloudflare.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { installedBuild, root } from "../package/built.ts";
import { serveFetch } from "../support/http-server.ts";
import { useRedis } from "../support/stores.ts";
import { inBackground } from "./guide.ts";

test("the first program of the README and the site prints the output below it", async () => {
  const program = join(await installedBuild(), "first.mjs");
  await copyFile(join(root, "examples/guide/first.mjs"), program);
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  for (const page of ["README.md", "docs/index.md"])
    expect(await readFile(join(root, page), "utf8")).toContain(`\`\`\`text\n${stdout}\`\`\``);
});

test("the README fits a screen or two", async () => {
  expect((await readFile(join(root, "README.md"), "utf8")).split("\n").length).toBeLessThanOrEqual(130);
});

test("each command that the demo of the README prints is one that it accepts", async () => {
  const demo = createDemo();
  // Without an execution context no job is started, so that nothing waits for its retries.
  const none = undefined as unknown as ExecutionContext;
  const server = await serveFetch((request) => demo.fetch(request, { TIDEGATE_LOCAL: "1" }, none));
  const commands = [...welcome(server.url, "memory").matchAll(/^ {2}curl .*/gm)].map(([command]) => command.trim());
  expect(commands).toHaveLength(8);
  for (const command of commands) {
    const { stdout } = await promisify(execFile)("sh", ["-c", command.replace("curl", "curl --silent --fail")]);
    expect(stdout).toMatch(/^\{.*\}\n$/);
  }
  await server.stop();
});

describe("the Worker of the README", () => {
  const redis = useRedis();

  test("takes jobs from its own code and from outside, and arms its schedule", async () => {
    const { url, token } = redis.shim;
    const env = {
      UPSTASH_REDIS_REST_URL: url,
      UPSTASH_REDIS_REST_TOKEN: token,
      TIDEGATE_ADMIN_TOKEN: "the-admin-token",
    };
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const { context, settled } = inBackground();
    const server = await serveFetch((request) => worker.fetch(request, env, context));
    const queue = new Queue({ store: upstashStore({ url, token }) });
    await fromBoth(queue, server.url, "the-admin-token", { to: "ada@example.com", subject: "Hello" });
    await settled();
    expect(log.mock.calls).toEqual([["To ada@example.com: Hello"]]);
    expect(await queue.getStats()).toMatchObject({ totalProcessed: 1, scheduledCount: 1 });
    await worker.scheduled({}, env, context);
    expect(await queue.schedules.list()).toMatchObject([{ key: "daily_report", timeZone: "Europe/Paris" }]);
    await server.stop();
    log.mockRestore();
  });
});
