import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { againstBuildInEsbuild } from "./against-build.ts";

export interface Program {
  /** Starts it with these variables in addition to those of this process. */
  start(env: Record<string, string>): Child;
  remove(): Promise<void>;
}

export interface Child {
  readonly process: ChildProcess;
  /** What it has written to its standard output so far. */
  readonly output: string;
  /** Resolves when it has written something that matches; rejects if it ends first. */
  says(pattern: RegExp): Promise<void>;
  /** Resolves with its exit code, or null if a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Bundles a TypeScript file beside this one into a program that Node runs. */
export async function buildProgram(file: string): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), "tidegate-child-"));
  const outfile = join(folder, "program.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, file)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    plugins: [againstBuildInEsbuild],
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  return { start: (env) => startChild(outfile, env), remove: () => rm(folder, { recursive: true }) };
}

function startChild(file: string, env: Record<string, string>): Child {
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit").then(([code]) => code as number | null);
  const state = { output: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    state.output += text;
  });
  return {
    process: child,
    get output() {
      return state.output;
    },
    says: async (pattern) => {
      while (!pattern.test(state.output)) {
        const code = await Promise.race([once(child.stdout, "data").then(() => "data"), ended]);
        if (code !== "data" && !pattern.test(state.output))
          throw new Error(`The process ended with ${code} before it said ${pattern}.`);
      }
    },
    ended,
  };
}
