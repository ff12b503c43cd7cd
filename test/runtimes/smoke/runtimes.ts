import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { EdgeRuntime } from "edge-runtime";
import { build } from "esbuild";
import { unstable_startWorker as startWorker } from "wrangler";
import { installedBuild, root } from "../../package/built.ts";
import { dev } from "../wrangler.ts";

const run = promisify(execFile);
const require = createRequire(import.meta.url);

/** The suite as JavaScript, beside the built package, with a program for each kind of runtime. */
export interface Suite {
  /** Prints the results as JSON. */
  readonly program: string;
  /** A Worker that answers with the results. */
  readonly worker: string;
  /** The same Worker as a script for the edge runtime, which has no modules. */
  readonly script: string;
  remove(): Promise<void>;
}

export async function prepareSuite(): Promise<Suite> {
  const folder = await mkdtemp(join(await installedBuild(), "smoke-"));
  const file = (name: string) => join(folder, name);
  await copyFile(join(import.meta.dirname, "smoke.ts"), file("smoke.ts"));
  await build({ entryPoints: [file("smoke.ts")], outdir: folder, format: "esm", target: "es2022" });
  await rm(file("smoke.ts"));
  const imports = 'import { smoke } from "./smoke.js";\n';
  await writeFile(file("program.js"), `${imports}console.log(JSON.stringify(await smoke()));`);
  await writeFile(file("worker.js"), `${imports}export default { fetch: async () => Response.json(await smoke()) };`);
  const answer = "event.respondWith(smoke().then((results) => Response.json(results)))";
  const listener = `${imports}addEventListener("fetch", (event) => ${answer});`;
  const { outputFiles } = await build({
    stdin: { contents: listener, resolveDir: folder },
    bundle: true,
    format: "iife",
    target: "es2022",
    conditions: ["edge-light", "browser"],
    write: false,
  });
  return {
    program: file("program.js"),
    worker: file("worker.js"),
    script: outputFiles[0]?.text ?? "",
    remove: () => rm(folder, { recursive: true }),
  };
}

async function print(command: string, args: readonly string[]): Promise<unknown> {
  const { stdout } = await run(command, args, { cwd: dirname(args.at(-1) ?? "") });
  return JSON.parse(stdout);
}

/**
 * Finds a program that a package contains for this platform. Nothing is downloaded, and no install script is needed.
 */
function carried(...candidates: readonly string[]): string {
  const modules = dirname(dirname(require.resolve("vitest/package.json")));
  const found = candidates.map((path) => join(modules, path)).find((path) => existsSync(path));
  if (!found)
    throw new Error(`None of these is installed: ${candidates.join(", ")}. Run npm ci, with optional packages.`);
  return found;
}

function bun(): string {
  const name = `@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;
  // Its install script moves the program from one place to the other.
  return carried(`${name}/bin/bun`, "bun/bin/bun.exe");
}

function deno(): string {
  const libc = process.platform === "linux" ? "-glibc" : "";
  return carried(`@deno/${process.platform}-${process.arch}${libc}/deno`);
}

/** A release of Node from its npm package, kept between runs. */
async function node(version: string): Promise<string> {
  const name = `node-${process.platform === "darwin" ? "bin-" : ""}${process.platform}-${process.arch}`;
  const folder = join(root, "node_modules/.cache/node", version);
  const program = join(folder, "node_modules", name, "bin/node");
  if (!existsSync(program)) {
    await mkdir(folder, { recursive: true });
    await run("npm", ["install", "--no-save", "--prefix", folder, `${name}@${version}`]);
  }
  return program;
}

async function inWorkerd(suite: Suite, compatibilityFlags: string[]): Promise<unknown> {
  const worker = await startWorker({
    name: "smoke",
    entrypoint: suite.worker,
    compatibilityDate: "2026-04-21",
    compatibilityFlags,
    dev,
  });
  try {
    return await (await worker.fetch("http://smoke.test/")).json();
  } finally {
    await worker.dispose();
  }
}

/** How each runtime runs the suite and returns its results. */
export const runtimes: Readonly<Record<string, (suite: Suite) => Promise<unknown>>> = {
  "this Node": ({ program }) => print(process.execPath, [program]),
  "Node 22": async ({ program }) => print(await node("22.23.3"), [program]),
  "Node 24": async ({ program }) => print(await node("24.21.0"), [program]),
  Bun: ({ program }) => print(bun(), ["run", program]),
  Deno: ({ program }) =>
    print(deno(), [
      "run",
      "--no-config",
      "--node-modules-dir=manual",
      "--cached-only",
      "--allow-env=CRON_SECRET",
      program,
    ]),
  "the edge runtime of Vercel": async ({ script }) => {
    const runtime = new EdgeRuntime({ initialCode: script });
    return (await runtime.dispatchFetch("https://smoke.test/")).json();
  },
  "workerd without nodejs_compat": (suite) => inWorkerd(suite, []),
  "workerd with nodejs_compat": (suite) => inWorkerd(suite, ["nodejs_compat"]),
};
