import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { freePort } from "../../scripts/shared/free-port.ts";
import { type Result, tidegate } from "../cli/run-cli.ts";
import { builtPackage } from "../package/built.ts";

/** A `tidegate dev` that runs, as a user starts it. */
export interface RunningDev {
  /** What its first output gives: the variables, and the addresses. */
  readonly started: Readonly<Record<string, string>>;
  /** What it has written to standard error so far. */
  readonly errors: string;
  /** Resolves with the first line of standard error that matches, from the beginning; rejects if it ends first. */
  says(pattern: RegExp): Promise<string>;
  signal(name: NodeJS.Signals): void;
  /** Stops it as Ctrl-C does. @returns its exit code */
  stop(): Promise<number | null>;
  readonly ended: Promise<number | null>;
}

/** A directory and ports of its own for each test, in which `tidegate dev` is started any number of times. */
export interface Place {
  readonly directory: string;
  readonly ports: readonly string[];
  start(args?: readonly string[], env?: Record<string, string>): Promise<RunningDev>;
  /** Runs a command line to its end, in this process. */
  run(args: readonly string[], env?: Record<string, string>): Promise<Result>;
}

const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Runs this after the current test, before what was given earlier. */
export function afterwards(cleanUp: () => Promise<unknown>): void {
  cleanUps.push(cleanUp);
}

export async function newPlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "tidegate-dev-"));
  afterwards(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const ports = ["--port", String(await freePort()), "--rest-port", String(await freePort())];
  const program = join(await builtPackage(), "dist/cli/main.js");
  const { TIDEGATE_URL: _, TIDEGATE_TOKEN: __, CRON_SECRET: ___, ...inherited } = process.env;

  const launch = (args: readonly string[], env: Record<string, string>) => {
    const child = spawn(process.execPath, [program, "dev", "--json", ...ports, ...args], {
      cwd: directory,
      env: { ...inherited, ...env },
    });
    const written = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        written[stream] += text;
      });
    const ended = once(child, "close").then(([code]) => code as number | null);
    const says = async (stream: keyof typeof written, pattern: RegExp) => {
      for (;;) {
        const found = written[stream]
          .split("\n")
          .slice(0, -1)
          .find((line) => pattern.test(line));
        if (found !== undefined) return found;
        const code = await Promise.race([once(child[stream], "data").then(() => "data"), ended]);
        if (code !== "data") throw new Error(`It ended with ${code} before it said ${pattern}: ${written.stderr}`);
      }
    };
    return { child, written, ended, says };
  };

  return {
    directory,
    ports,
    async start(args = [], env = {}) {
      const { child, written, ended, says } = launch(args, env);
      afterwards(async () => {
        child.kill("SIGKILL");
        await ended;
      });
      const started = JSON.parse(await says("stdout", /^\{/)) as Record<string, string>;
      return {
        started,
        get errors() {
          return written.stderr;
        },
        says: (pattern) => says("stderr", pattern),
        signal: (name) => void child.kill(name),
        stop() {
          child.kill("SIGINT");
          return ended;
        },
        ended,
      };
    },
    run: (args, env) => tidegate(args, { cwd: directory, env: { PATH: process.env["PATH"] ?? "", ...env } }),
  };
}
