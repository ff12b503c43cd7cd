import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { freePort } from "../../scripts/shared/free-port.ts";
import { type Result, tidegate } from "../cli/run-cli.ts";
import { builtPackage } from "../package/built.ts";
import { Output } from "../support/output.ts";

/** A `tidegate dev` that runs. */
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
  /** Starts it in this process, which saves the start of another one. */
  start(args?: readonly string[], env?: Record<string, string>): Promise<RunningDev>;
  /** Starts it in a process of its own, for tests of signals. */
  startProcess(args?: readonly string[], env?: Record<string, string>): Promise<RunningDev>;
  /** Runs a command line to its end, in this process. */
  run(args: readonly string[], env?: Record<string, string>): Promise<Result>;
}

/** One that was launched, and what it writes. */
interface Launched {
  readonly output: Output;
  readonly ended: Promise<number | null>;
  /** Stops it as Ctrl-C does. */
  interrupt(): void;
  /** Undefined in the process of the test. */
  readonly signal?: (name: NodeJS.Signals) => void;
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

  const launch = (args: readonly string[], env: Record<string, string>): Launched => {
    const child = spawn(process.execPath, [program, "dev", "--json", ...ports, ...args], {
      cwd: directory,
      env: { ...inherited, ...env },
    });
    const output = Output.of(child);
    const ended = once(child, "close").then(([code]) => code as number | null);
    return { output, ended, interrupt: () => void child.kill("SIGINT"), signal: (name) => void child.kill(name) };
  };

  const launchHere = (args: readonly string[], env: Record<string, string>): Launched => {
    const output = new Output();
    const interruption = new AbortController();
    const ended = tidegate(["dev", "--json", ...ports, ...args], {
      cwd: directory,
      env: { ...(inherited as Record<string, string>), ...env },
      interruption: interruption.signal,
      onWrite: (text, to) => output.add(text, to),
    }).then(({ code }) => code);
    return { output, ended, interrupt: () => interruption.abort() };
  };

  const running = async ({ output, ended, interrupt, signal }: Launched): Promise<RunningDev> => {
    const stop = () => {
      interrupt();
      return ended;
    };
    afterwards(() => {
      signal?.("SIGKILL");
      return stop();
    });
    const started = JSON.parse(await output.says("stdout", /^\{/, ended)) as Record<string, string>;
    return {
      started,
      get errors() {
        return output.written.stderr;
      },
      says: (pattern) => output.says("stderr", pattern, ended),
      signal(name) {
        if (!signal) throw new Error("It runs in the process of the test.");
        signal(name);
      },
      stop,
      ended,
    };
  };

  return {
    directory,
    ports,
    start: (args = [], env = {}) => running(launchHere(args, env)),
    startProcess: (args = [], env = {}) => running(launch(args, env)),
    run: (args, env) => tidegate(args, { cwd: directory, env: { PATH: process.env["PATH"] ?? "", ...env } }),
  };
}
