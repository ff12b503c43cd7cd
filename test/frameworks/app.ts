import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { frameworks, layOut, npm } from "../../scripts/frameworks.ts";
import { builtPackage } from "../package/built.ts";

// Not below the repository: there Node would find what a framework's example has not installed.
const folders = join(tmpdir(), "tidegate-frameworks");

/** Installs the example of a framework, as its lock file says, with the built package. Returns its folder. */
export async function installExample(name: string): Promise<string> {
  const lock = await readFile(join(frameworks, name, "package-lock.json"));
  const folder = join(folders, `${name}-${createHash("sha256").update(lock).digest("hex").slice(0, 12)}`);
  const app = join(folder, "app");
  if (!existsSync(join(app, "node_modules/.package-lock.json"))) {
    await layOut(name, folder);
    // npm ci refuses locks with an optional package for another platform, as that of Vite.
    await npm(app, ["install", "--no-save"]);
  }
  for (const each of await readdir(app)) if (each !== "node_modules") await rm(join(app, each), { recursive: true });
  await cp(join(frameworks, name), app, { recursive: true });
  const installed = join(app, "node_modules/tidegate");
  await rm(installed, { recursive: true, force: true });
  await cp(await builtPackage(), installed, { recursive: true });
  return app;
}

/** The newest Node that frameworks ask for. */
const node = { major: 22, version: "24.22.3" };

/** The path of a Node that runs every framework: this one, or one from a package, which most platforms have. */
export async function newerNode(): Promise<string> {
  if (Number(process.versions.node.split(".")[0]) >= node.major) return process.execPath;
  const folder = join(folders, `node-${node.version}`);
  const name = `node-${process.platform}-${process.arch}`;
  const path = join(folder, "node_modules", name, "bin/node");
  if (!existsSync(path)) {
    await mkdir(folder, { recursive: true });
    await npm(folder, ["install", "--prefix", folder, "--no-package-lock", `${name}@${node.version}`]);
  }
  return path;
}

const quiet = { NEXT_TELEMETRY_DISABLED: "1", NUXT_TELEMETRY_DISABLED: "1", ASTRO_TELEMETRY_DISABLED: "1" };

export interface Running {
  /** What it has printed so far. */
  readonly output: string;
  /** Resolves when it has printed something that matches. Rejects with its output if it ends first. */
  says(pattern: RegExp): Promise<void>;
  /** Resolves with its exit code. */
  readonly ended: Promise<number | null>;
  /** Ends it and what it has started. */
  stop(): Promise<void>;
}

/** Starts a program in a folder. */
export function start(folder: string, [program = "", ...args]: readonly string[], env: NodeJS.ProcessEnv): Running {
  const child = spawn(program, args, {
    cwd: folder,
    // Without what vitest sets: frameworks build something else in a test.
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...quiet, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const ended = once(child, "close").then(([code]) => code as number | null);
  return {
    get output() {
      return output;
    },
    ended,
    async says(pattern) {
      while (!pattern.test(output)) {
        const more = Promise.race([once(child.stdout, "data"), once(child.stderr, "data")]);
        const isOver = await Promise.race([more.then(() => false), ended.then(() => true)]);
        if (isOver && !pattern.test(output)) throw new Error(`It ended before it printed ${pattern}:\n${output}`);
      }
    },
    async stop() {
      endGroup(child);
      await ended;
    },
  };
}

function endGroup({ pid, exitCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null) process.kill(-pid, "SIGTERM");
}

/** Runs a program to its end. @throws {Error} with its output, if it fails */
export async function run(folder: string, command: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const running = start(folder, command, env);
  const code = await running.ended;
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${running.output}`);
  return running.output;
}
