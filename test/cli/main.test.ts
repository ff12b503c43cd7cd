import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { version as ownVersion } from "../../src/core/shared/version.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { Output } from "../support/output.ts";
import { useRedis } from "../support/stores.ts";

describe("the program", () => {
  const redis = useRedis();
  let folder: string;

  beforeAll(async () => {
    // Under node_modules, so that it finds the packages it needs.
    folder = await mkdtemp(join(import.meta.dirname, "../../node_modules/.tidegate-cli-"));
    await writeFile(
      join(folder, "package.json"),
      JSON.stringify({ name: "tidegate", exports: { "./package.json": "./package.json" } }),
    );
    const modules = ["slow", "holding"].map((name) => join(import.meta.dirname, `modules/${name}.ts`));
    // The modules too: to compile all sources with each process takes longer than the tests.
    await build({
      entryPoints: [join(import.meta.dirname, "../../src/cli/main.ts"), ...modules],
      outdir: join(folder, "dist"),
      entryNames: "[name]",
      outExtension: { ".js": ".mjs" },
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function start(...argv: string[]) {
    const { url, token } = redis.shim;
    const { TIDEGATE_URL: _, USER: __, ...env } = process.env;
    const child = spawn(process.execPath, [join(folder, "dist/main.mjs"), ...argv], {
      cwd: import.meta.dirname,
      env: { ...env, UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token },
    });
    const output = Output.of(child);
    const exited = once(child, "close");
    const ended = exited.then(([code]) => code as number | null);
    const says = (stream: "stdout" | "stderr", pattern: RegExp) => output.says(stream, pattern, ended);
    return { child, exited, written: output.written, says };
  }

  async function slowJobs(prefix: string, ...ids: string[]) {
    const { url, token } = redis.shim;
    const slow = defineJob({ name: "slow", perform: (_isQuick: boolean) => {} });
    const queue = new Queue({ store: upstashStore({ url, token, prefix }), jobs: [slow] });
    await queue.enqueueMany(ids.map((id) => ({ job: slow, id, payload: id === "0" })));
    return queue;
  }

  test("says what to do about a .js file that its package.json does not declare an ES module", async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), "tidegate-module-"));
    await writeFile(join(elsewhere, "package.json"), JSON.stringify({ type: "commonjs" }));
    await writeFile(join(elsewhere, "jobs.js"), "export const jobs = [];\n");
    const { exited, written } = start("queue:list", "--module", join(elsewhere, "jobs.js"));
    expect(await exited).toEqual([2, null]);
    await rm(elsewhere, { recursive: true });
    expect(written.stderr).toMatch(
      /SyntaxError: .* \(\S+jobs\.js:1\)\nAccording to package\.json, .* Name the file \.mjs, or set/,
    );
  });

  const moduleOf = (name: string) => ["--module", join(folder, `dist/${name}.mjs`)];
  const work = (prefix: string) => ["queue:work", "--workers", "1", ...moduleOf("slow"), "--prefix", prefix];

  test("on Ctrl-C releases jobs that have not started, finishes running ones, and exits with 0", async () => {
    // After the quick one the command expects the others to be quick too, and claims ahead.
    const queue = await slowJobs("gentle", "0", "a", "b", "c");
    const { child, exited, says, written } = start(...work("gentle"));
    await says("stdout", /^started$/);
    child.kill("SIGINT");
    // npm passes on a signal that the terminal has already sent.
    child.kill("SIGTERM");
    await says("stderr", /Stopping/);
    child.stdin.write("go on\n");
    expect(await exited).toEqual([0, null]);
    expect(written.stdout).toMatch(/\n2 completed, 2 released\.\n$/);
    expect(await queue.getJob("a")).toMatchObject({ state: "completed", result: "finished", attempts: 1 });
    expect(await queue.getJob("b")).toMatchObject({ state: "ready", attempts: 0 });
  });

  test("a second Ctrl-C ends it at once, and the job is due again when its lease expires", async () => {
    const queue = await slowJobs("abrupt", "a");
    const { child, exited, says } = start(...work("abrupt"));
    await says("stdout", /^started$/);
    while (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGINT");
      await setImmediate();
    }
    expect(await exited).toEqual([null, "SIGINT"]);
    expect(await queue.getJob("a")).toMatchObject({ state: "running", attempts: 1 });
  });

  test("--json prints the document alone, whatever jobs log", async () => {
    await slowJobs("logged", "a");
    const { child, exited, written } = start(...work("logged"), "--json", "--once");
    child.stdin.write("go on\n");
    expect(await exited).toEqual([0, null]);
    expect(JSON.parse(written.stdout)).toMatchObject({ claimed: 1, completed: 1 });
    expect(written.stderr).toMatch(/^started\n\{"at":"[^"]+","outcome":"completed","name":"slow","id":"a",.*\}\n$/);
  });

  test("exits with the exit code of the command, and prints its version", async () => {
    const version = start("--version");
    expect(await version.exited).toEqual([0, null]);
    expect(version.written.stdout).toBe(`${ownVersion}\n`);
    const mistake = start("queue:lisst");
    expect(await mistake.exited).toEqual([2, null]);
    expect(mistake.written).toEqual({ stdout: "", stderr: expect.stringContaining("Did you mean queue:list?") });
    expect(await start("queue:jobs", "nobody").exited).toEqual([1, null]);
  });

  test("makes a change in the name of the user of the machine, even if USER is not set", async () => {
    expect(await start("queue:pause", "--prefix", "named").exited).toEqual([0, null]);
    const { changes } = await (await slowJobs("named")).listChanges();
    expect(changes).toMatchObject([{ by: userInfo().username, operation: "pause" }]);
  });

  test("exits even if a user's module holds a connection open", async () => {
    const { exited, written } = start("queue:list", ...moduleOf("holding"), "--json");
    expect(await exited).toEqual([0, null]);
    expect(JSON.parse(written.stdout)).toMatchObject({ totalEnqueued: 0 });
  });

  test("exits quietly when its output is closed", async () => {
    const { child, exited, written } = start("queue:list", "--json");
    child.stdout.destroy();
    expect(await exited).toEqual([0, null]);
    expect(written.stderr).toBe("");
  });
});
