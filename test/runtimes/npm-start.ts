import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const script = join(import.meta.dirname, "../../scripts/run.mjs");

export interface Started {
  /** What it has written so far, to standard output or error. */
  readonly output: string;
  /** Resolves when the first screen is there. @throws if the process ends earlier */
  ready(): Promise<void>;
  /** Sends a request, with a body if there is one, and reads the answer. */
  json<Answer>(path: string, body?: unknown): Promise<Answer>;
  /** Sends Ctrl-C, and returns the exit code. */
  stop(): Promise<number | null>;
  /** The exit code, once it has ended. */
  readonly ended: Promise<number | null>;
}

/** Does what `npm start` does, and ignores the machine's Redis variables. */
export function npmStart(
  port: number,
  redis: { url?: string; token?: string } = {},
  args: readonly string[] = [],
): Started {
  const child = spawn(process.execPath, [script, "start", "--port", String(port), ...args], {
    env: {
      ...process.env,
      UPSTASH_REDIS_REST_URL: redis.url ?? "",
      UPSTASH_REDIS_REST_TOKEN: redis.token ?? "",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close").then(([code]) => code as number | null);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return {
    ended,
    get output() {
      return output;
    },
    async ready() {
      while (!output.includes("Ctrl-C")) {
        const code = await Promise.race([once(child.stdout, "data"), ended]);
        if (!Array.isArray(code)) throw new Error(`npm start ended with ${code}:\n${output}`);
      }
    },
    async json<Answer>(path: string, body?: unknown) {
      const headers = { "Content-Type": "application/json" };
      const init = body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) };
      return (await fetch(`http://localhost:${port}${path}`, init)).json() as Promise<Answer>;
    },
    stop() {
      child.kill("SIGINT");
      return ended;
    },
  };
}
