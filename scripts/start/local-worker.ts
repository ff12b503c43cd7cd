import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const wrangler = join(dirname(createRequire(import.meta.url).resolve("wrangler/package.json")), "bin/wrangler.js");
const POLL_MS = 50;
const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 5_000;
const REMEMBERED_LINES = 40;

const HOST = "127.0.0.1";
/** The addresses of `localhost`: a program with the port on either of them would be taken for the Worker. */
const LOCALHOST = [HOST, "::1"];

/** The environment that a program needs, and that the Worker needs. Wrangler passes everything on to the Worker. */
const passedOn =
  /^(PATH|HOME|USERPROFILE|(LOCAL)?APPDATA|SYSTEMROOT|TE?MP|TMPDIR|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|UPSTASH_REDIS_REST_\w+)$/i;

const settings = {
  // The environment hides the token of Redis better than a command line, which every user of the machine can read.
  CLOUDFLARE_INCLUDE_PROCESS_ENV: "true",
  // No questions and no network requests: a start must work offline, and be fast there too.
  CI: "true",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};

/** @throws {Error} if the port cannot be opened; the message says what to do. */
export async function checkPort(port: number): Promise<void> {
  for (const host of LOCALHOST) {
    const probe = createServer().listen(port, host);
    try {
      await once(probe, "listening");
      probe.close();
      await once(probe, "close");
    } catch (thrown) {
      const error = thrown as NodeJS.ErrnoException;
      if (error.code === "EADDRINUSE")
        throw new Error(`Port ${port} is in use. Choose another: npm start -- --port ${port + 1}`);
      // Not every machine has IPv6.
      if (host === HOST) throw new Error(`Port ${port} cannot be opened: ${error.message}`);
    }
  }
}

/** The demo Worker in workerd, run by wrangler: only on this machine, without a token. */
export class LocalWorker {
  readonly url: string;
  readonly #wrangler: ChildProcessByStdio<null, Readable, Readable>;
  readonly #exited: Promise<unknown>;
  #lines: readonly string[] = [];
  #isReady = false;
  #complain = () => {};
  /** Resolves when wrangler reports an error. */
  readonly #complained = new Promise<void>((resolve) => {
    this.#complain = resolve;
  });

  /** @param main which file of the demo it runs. */
  constructor(port: number, main: string) {
    this.url = `http://localhost:${port}`;
    const options = ["--port", port, "--ip", HOST, "--inspector-port", 0, "--var", "TIDEGATE_LOCAL:1"];
    this.#wrangler = spawn(process.execPath, [wrangler, "dev", `examples/cloudflare/${main}`, ...options.map(String)], {
      cwd: root,
      env: {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => passedOn.test(name))),
        ...settings,
      },
      stdio: ["ignore", "pipe", "pipe"],
      // In its own process group, so that Ctrl-C reaches only this program, which then ends the group.
      detached: process.platform !== "win32",
    });
    this.#exited = once(this.#wrangler, "exit");
    for (const stream of ["stdout", "stderr"] as const) this.#read(stream);
    // However this program ends, no process may keep the port.
    process.once("exit", () => this.#signal("SIGKILL"));
  }

  /** Once the Worker is ready, the logs of its jobs are passed on, but not wrangler's own output. */
  #read(stream: "stdout" | "stderr"): void {
    createInterface({ input: this.#wrangler[stream] }).on("line", (coloured) => {
      const line = stripVTControlCharacters(coloured);
      this.#lines = [...this.#lines, line].slice(-REMEMBERED_LINES);
      if (line.includes("[ERROR]")) this.#complain();
      // Wrangler leaves two lines empty below each warning.
      const isOfJobs = line.trim() !== "" && !line.startsWith("[wrangler:info]");
      if (this.#isReady && isOfJobs) process[stream].write(`${line}\n`);
    });
  }

  /** Resolves when the Worker and its store answer. @throws {Error} that says why they do not. */
  async ready(): Promise<void> {
    const answered = this.#answers();
    const first = await Promise.race([answered, this.#exited, this.#complained, setTimeout(START_WITHIN_MS)]);
    if (!(first instanceof Response)) {
      // The reason follows the first line of an error.
      await setTimeout(POLL_MS);
      throw this.#failure("wrangler could not start the Worker.");
    }
    if (!first.ok) throw new Error(((await first.json()) as { readonly detail: string }).detail);
    this.#isReady = true;
  }

  async #answers(): Promise<Response> {
    for (;;) {
      const response = await fetch(`${this.url}/health`).catch(() => undefined);
      // Before the Worker runs, wrangler may respond by itself, in other words.
      if (response?.ok || response?.headers.get("content-type")?.includes("json")) return response;
      await setTimeout(POLL_MS);
    }
  }

  /** Rejects when the Worker ends by itself. */
  async died(): Promise<never> {
    await this.#exited;
    throw this.#failure("wrangler exited.");
  }

  async stop(): Promise<void> {
    if (this.#wrangler.exitCode !== null || this.#wrangler.signalCode !== null) return;
    this.#signal("SIGTERM");
    await Promise.race([this.#exited, setTimeout(STOP_WITHIN_MS)]);
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      const { pid } = this.#wrangler;
      if (process.platform === "win32" || pid === undefined) this.#wrangler.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      // The whole group has already ended.
    }
  }

  #failure(what: string): Error {
    return new Error(`${what} Its last output:\n\n${this.#lines.join("\n")}`);
  }
}
