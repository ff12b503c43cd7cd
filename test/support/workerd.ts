import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Readable } from "node:stream";

const HTTP_SOCKET = "http";

/** CPU times in ms. */
export interface Cpu {
  /** Of the thread that runs the script. */
  readonly script: number;
  /** Of all threads: the compiler and the garbage collector have theirs. */
  readonly all: number;
}

export function minus(one: Cpu, other: Cpu): Cpu {
  return { script: one.script - other.script, all: one.all - other.all };
}

/** A script in workerd, Cloudflare's runtime: one process with one isolate, without wrangler. */
export class Workerd {
  readonly url: string;
  readonly #child: ChildProcess;

  /**
   * Starts it on a free port of 127.0.0.1.
   *
   * @param folder where its configuration is written.
   * @param script the bundle, as one module.
   * @param bindings texts of the script's environment.
   * @param v8Flags what to tell V8.
   */
  static async start(
    folder: string,
    script: string,
    bindings: Readonly<Record<string, string>>,
    v8Flags: readonly string[] = [],
  ): Promise<Workerd> {
    const file = join(folder, "config.capnp");
    await writeFile(join(folder, "script.mjs"), script);
    await writeFile(file, configuration(bindings, v8Flags));
    // The third descriptor reports the port once it listens.
    const child = spawn(binary(), ["serve", file, "--control-fd=3"], {
      stdio: ["ignore", "ignore", "inherit", "pipe"],
    });
    const port = await listeningPort(child);
    return new Workerd(child, `http://127.0.0.1:${port}`);
  }

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** The CPU time so far, from the scheduler, in nanoseconds. */
  async cpu(): Promise<Cpu> {
    const folder = `/proc/${this.#child.pid}/task`;
    const threads = await readdir(folder);
    const times = await Promise.all(
      threads.map(async (thread) => [thread, await threadMs(join(folder, thread))] as const),
    );
    // workerd runs scripts in its first thread, whose id is that of the process.
    const script = times.find(([thread]) => thread === String(this.#child.pid))?.[1] ?? 0;
    return { script, all: times.reduce((total, [, ms]) => total + ms, 0) };
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill();
    await ended;
  }
}

/** Wrangler's, so that it is the one that `npm start` and the tests run. */
function binary(): string {
  const require = createRequire(import.meta.url);
  return createRequire(require.resolve("wrangler"))("workerd").default;
}

async function threadMs(folder: string): Promise<number> {
  return Number((await readFile(join(folder, "schedstat"), "utf8")).split(" ")[0]) / 1e6;
}

async function listeningPort(child: ChildProcess): Promise<number> {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`workerd ended with ${code} before it listened.`);
  });
  return Promise.race([ended, portFrom(child.stdio[3] as Readable)]);
}

async function portFrom(control: Readable): Promise<number> {
  let text = "";
  for await (const chunk of control) {
    text += String(chunk);
    const line = text.split("\n").find((each) => each.includes(`"socket":"${HTTP_SOCKET}"`));
    if (line) return JSON.parse(line).port;
  }
  throw new Error("workerd did not tell where it listens.");
}

function configuration(bindings: Readonly<Record<string, string>>, v8Flags: readonly string[]): string {
  const texts = Object.entries(bindings).map(
    ([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ${JSON.stringify(v8Flags)},
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [(name = "${HTTP_SOCKET}", address = "127.0.0.1:0", http = (), service = "main")],
);

const main :Workerd.Worker = (
  modules = [(name = "script.mjs", esModule = embed "script.mjs")],
  compatibilityDate = "2026-04-01",
  bindings = [${texts.join(", ")}],
);
`;
}
