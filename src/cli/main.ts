#!/usr/bin/env node
import { Console } from "node:console";
import { userInfo } from "node:os";
import process from "node:process";
import { Writable } from "node:stream";
import { orUndefined } from "../core/shared/errors.ts";
import type { Io } from "./io.ts";
import { run } from "./run.ts";

/** npm repeats a Ctrl-C that the terminal has already sent to this process. Within this time it is the same one. */
const SAME_INTERRUPTION_MS = 300;

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function untilInterrupted<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const interruption = new AbortController();
  let interruptedAt = 0;
  const interrupt = (signal: NodeJS.Signals) => {
    if (!interruption.signal.aborted) {
      interruptedAt = performance.now();
      interruption.abort();
    } else if (performance.now() - interruptedAt > SAME_INTERRUPTION_MS) {
      release();
      process.kill(process.pid, signal);
    }
  };
  const release = () => {
    for (const signal of signals) process.off(signal, interrupt);
  };
  for (const signal of signals) process.on(signal, interrupt);
  try {
    return await work(interruption.signal);
  } finally {
    release();
  }
}

/** Writes the logs of jobs above the live line, and to standard error with --json. */
function divertLogs(): Io["logs"] & object {
  const logs: Io["logs"] & object = { around: (write) => write() };
  const diverted = (output: NodeJS.WriteStream) =>
    new Writable({
      decodeStrings: false,
      write(text: string, _, done) {
        logs.around(() => output.write(text));
        done();
      },
    });
  const { stdout, stderr } = process;
  const isJson = process.argv.includes("--json");
  globalThis.console = new Console({
    stdout: diverted(isJson ? stderr : stdout),
    stderr: diverted(stderr),
    colorMode: stdout.isTTY && !process.env["NO_COLOR"],
  });
  return logs;
}

// `head` and others close the pipe early.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

const { stdout, stderr, stdin, env, argv } = process;
// A container may set no USER, and know no name for its user.
const named = { ...env, USER: env["USER"] || orUndefined(() => userInfo().username) };
const io = { stdout, stderr, stdin, env: named, cwd: process.cwd(), logs: divertLogs(), untilInterrupted };
const code = await run(argv.slice(2), io);
// The user's module may keep connections open, so the process does not end by itself.
process.stdout.write("", () => process.exit(code));
