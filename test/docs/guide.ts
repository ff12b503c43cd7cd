import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

export const guide = join(import.meta.dirname, "../../examples/guide");

/** Runs a shell script of the guide, and returns its output. @throws if it fails */
export async function runScript(file: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { PATH = "", HOME = "" } = process.env;
  const run = promisify(execFile);
  const { stdout } = await run("sh", [join(guide, file)], { cwd: guide, env: { PATH, HOME, ...env } });
  return stdout;
}

/** The arguments of each `npx tidegate` of a script of the guide, as the shell splits them. */
export async function commandsOf(file: string): Promise<readonly string[][]> {
  const listing = `npx() { shift; printf '%s\\0' "$@"; echo; }; . ./${file}`;
  const { stdout } = await promisify(execFile)("sh", ["-c", listing], { cwd: guide });
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\0").slice(0, -1));
}

/** The JSON documents in an output, one after the other. */
export function documentsIn(output: string): unknown[] {
  return output
    .replaceAll("}{", "}\n{")
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line): unknown => JSON.parse(line));
}

/** An execution context whose background work can be awaited. */
export function inBackground() {
  const work: Promise<unknown>[] = [];
  const context = {
    waitUntil: (promise: Promise<unknown>) => void work.push(promise),
    passThroughOnException() {},
    props: {},
  };
  // Background work may add more.
  const settled = async () => {
    for (let at = 0; at < work.length; at++) await work[at];
  };
  return { context, settled };
}

/** The binding of a wake object, and the times that it is asked for. */
export function wakeBinding() {
  const asked: number[] = [];
  const fetch = async (url: string) => {
    asked.push(Number(new URL(url).searchParams.get("at")));
    return new Response(null, { status: 204 });
  };
  return { binding: { idFromName: (name: string) => name, get: () => ({ fetch }) }, asked };
}
