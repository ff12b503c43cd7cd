import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sendEmail } from "../../examples/guide/define.ts";
import { openQueue } from "../../examples/guide/queue.ts";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { behindHandler, tidegate } from "../cli/run-cli.ts";
import { root } from "../package/built.ts";
import { serveFetch } from "../support/http-server.ts";
import { useRedis } from "../support/stores.ts";
import { commandsOf, guide } from "./guide.ts";

describe("the commands of the guide", () => {
  const redis = useRedis();
  let folder: string;

  // For those that run until Ctrl-C, `npx tidegate` starts the command line of the sources.
  beforeAll(async () => {
    folder = await mkdtemp(join(root, "node_modules/.tidegate-guide-"));
    await writeFile(
      join(folder, "package.json"),
      JSON.stringify({ name: "tidegate", version: "1.2.3", exports: { "./package.json": "./package.json" } }),
    );
    const program = join(folder, "dist/main.mjs");
    await build({
      entryPoints: [join(root, "src/cli/main.ts")],
      outfile: program,
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
    });
    await writeFile(join(folder, "npx"), `#!/bin/sh\nshift\nexec "${process.execPath}" "${program}" "$@"\n`);
    await chmod(join(folder, "npx"), 0o755);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const path = () => `${folder}${delimiter}${process.env["PATH"]}`;

  /** Runs the commands of a script in this process, and returns what they print. */
  async function run(script: string, env: Record<string, string>): Promise<string> {
    let output = "";
    for (const argv of await commandsOf(script)) {
      const { code, stdout, stderr } = await tidegate(argv, { env, cwd: guide });
      expect([code, stderr], argv.join(" ")).toEqual([0, expect.any(String)]);
      output += stdout;
    }
    return output;
  }

  test("work one after the other through a handler", async () => {
    const store = memoryStore();
    await new Queue({ store }).enqueue("send_email", {}, { id: "wrong" });
    const queue = openQueue(store);
    await queue.drain();
    const handler = createHandler({ queue, auth: { admin: ["the-admin-token"] } });
    const server = await serveFetch((request) => handler.fetch(request));
    const output = await run("commands.sh", { TIDEGATE_URL: server.url, TIDEGATE_TOKEN: "the-admin-token" });
    for (const expected of [
      /Dead +1 +see tidegate queue:dlq/,
      /Enqueued job \S+\. Runs in \d minutes/,
      /No job waits for reply-42\. The signal is kept for 1h/,
      /0 jobs completed/,
      /1 dead job would be retried/,
      /1 waiting job would be removed/,
      /Moved 1 scheduled job: it runs in (1 hour|60 minutes)/,
      /0 +0 +10 per 1m +pinned +mail-provider/,
      /0 +0 +none +paused +tenant-acme/,
      /Removed 1 pending job/,
      /access +Requests without a token are refused/,
    ])
      expect(output).toMatch(expected);
    await server.stop();
  });

  /** Runs a script until Ctrl-C, which is sent once `seen` resolves, and returns its output. */
  async function untilInterrupted(script: string, env: Record<string, string>, seen: () => Promise<unknown>) {
    // In its own process group, so that Ctrl-C reaches the shell and its children, and not this test.
    const shell = spawn("sh", [script], { cwd: guide, env: { PATH: path(), ...env }, detached: true });
    let output = "";
    shell.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const closed = once(shell, "close");
    await seen();
    process.kill(-Number(shell.pid), "SIGINT");
    await closed;
    return output;
  }

  test("run the jobs of a module against Redis, until Ctrl-C", async () => {
    const { url, token } = redis.shim;
    const queue = openQueue(upstashStore({ url, token }));
    const { id } = await queue.enqueue(sendEmail, { to: "ada@example.com" });
    const env = { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token };
    const output = await untilInterrupted("work-here.sh", env, async () => {
      expect(await queue.wait(id)).toMatchObject({ state: "completed" });
    });
    expect(output).toMatch(/1 job completed/);
  });

  test("act as the cron of a local Worker, until Ctrl-C", async () => {
    const queue = openQueue(memoryStore());
    const { id } = await queue.enqueue(sendEmail, { to: "ada@example.com" });
    const handler = createHandler({ queue, auth: { drain: ["a-token-to-drain"] } });
    const server = await serveFetch((request) => handler.fetch(request));
    const env = { TIDEGATE_URL: server.url, TIDEGATE_TOKEN: "a-token-to-drain" };
    const output = await untilInterrupted("local.sh", env, async () => {
      expect(await queue.wait(id)).toMatchObject({ state: "completed" });
    });
    expect(output).toMatch(/1 job completed/);
    await server.stop();
  });

  test("print what the guide shows", async () => {
    const { queue, cli, clock } = behindHandler();
    await queue.enqueueMany([
      ...Array.from({ length: 12 }, (_, index) => ({ job: "send_email", payload: { to: "ada" }, id: `mail-${index}` })),
      { job: "fails", id: "broken" },
    ]);
    await queue.drain();
    await queue.enqueueMany([
      { job: "send_email", payload: { to: "ben" } },
      { job: "send_email", payload: { to: "cleo" }, delay: "5m" },
    ]);
    await clock.advance("42s");
    const page = await readFile(join(root, "docs/guide/observe.md"), "utf8");
    for (const command of ["queue:list", "queue:failures", "queue:dlq"])
      expect(page).toContain((await cli([command])).stdout.trimEnd());
  });
});
