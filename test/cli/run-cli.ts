import { join } from "node:path";
import { Readable } from "node:stream";
import { describe } from "vitest";
import type { Io } from "../../src/cli/io.ts";
import { run } from "../../src/cli/run.ts";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue, type QueueOptions } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { testClock } from "../../src/testing/clock.ts";
import { builtPackage } from "../package/built.ts";
import { start } from "../support/clock.ts";
import { fails, sendEmail } from "../support/jobs.ts";
import { useRedis } from "../support/stores.ts";

export { fails, sendEmail };

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface World {
  readonly env?: Record<string, string>;
  readonly fetch?: Io["fetch"];
  readonly clock?: Io["clock"];
  /** Whether standard input and output are a terminal. */
  readonly isTerminal?: boolean;
  /** Whether standard error alone is a terminal, as when output is piped. */
  readonly isPiped?: boolean;
  readonly columns?: number;
  /** The text on standard input. */
  readonly input?: string;
  readonly cwd?: string;
  /** Simulates Ctrl-C. */
  readonly interruption?: AbortSignal;
  /** Gets everything that is written. */
  readonly onWrite?: (text: string, to: "stdout" | "stderr") => void;
}

// A module of `--module` finds the built package, as with a user: `modules/tsconfig.json` keeps the paths of the
// repository from it. To compile the sources takes Jiti four seconds.
process.env["JITI_ALIAS"] ??= JSON.stringify({ tidegate: join(await builtPackage(), "dist/index.js") });

/** Runs the command line in its own environment. */
export async function tidegate(argv: readonly string[], world: World = {}): Promise<Result> {
  const written = { stdout: "", stderr: "" };
  const output = (name: keyof typeof written, isTTY: boolean) => ({
    isTTY,
    columns: world.columns ?? 100,
    write(text: string) {
      written[name] += text;
      world.onWrite?.(text, name);
    },
  });
  const isTerminal = world.isTerminal ?? false;
  const code = await run(argv, {
    stdout: output("stdout", isTerminal && !world.isPiped),
    stderr: output("stderr", isTerminal),
    stdin: Object.assign(Readable.from(world.input === undefined ? [] : [world.input]), { isTTY: isTerminal }),
    env: world.env ?? {},
    cwd: world.cwd ?? import.meta.dirname,
    ...(world.clock && { clock: world.clock }),
    ...(world.fetch && { fetch: world.fetch }),
    untilInterrupted: (work) => work(world.interruption ?? new AbortController().signal),
  });
  return { code, ...written };
}

/** The one JSON document that a program gets. Asserts that there is nothing else. */
export function documentOf({ stdout }: Result): unknown {
  if (!/^[^\n]+\n$/.test(stdout)) throw new Error(`Standard output holds no single document: ${stdout}`);
  return JSON.parse(stdout);
}

/** The error that a program gets. */
export function errorOf({ stderr }: Result): { readonly code: string; readonly message: string } {
  return (JSON.parse(stderr) as { error: { code: string; message: string } }).error;
}

export interface Target {
  readonly queue: Queue;
  readonly clock: ReturnType<typeof testClock>;
  /** Options that give the command line the queue's jobs; none if a handler has them. */
  readonly knowing: readonly string[];
  /** The environment in which the command line finds the queue. */
  readonly env: Record<string, string>;
  /** Runs the command line against the queue. */
  cli(argv: readonly string[], world?: World): Promise<Result>;
}

export const address = "https://queue.test/jobs";
export const adminToken = "admin-token-of-the-test";

/** A queue in memory behind a handler, and the command line that talks to it. */
export function behindHandler(
  options: Partial<QueueOptions> = {},
): Target & { readonly fetch: NonNullable<Io["fetch"]> } {
  const clock = testClock(start);
  const queue = new Queue({ store: memoryStore(), jobs: [sendEmail, fails], clock, ...options });
  const handler = createHandler({
    queue,
    auth: {
      admin: [adminToken],
      enqueue: ["the-enqueue-token"],
      drain: ["the-drain-token"],
      signal: ["the-signal-token"],
      read: ["the-read-token"],
    },
  });
  const fetch = async (request: Request) => {
    const url = new URL(request.url);
    if (!url.pathname.startsWith("/jobs/")) return new Response("<h1>Not here</h1>", { status: 404 });
    const answer = await handler.fetch(new Request(request.url.replace("/jobs/", "/"), request));
    answer.headers.set("Date", new Date(clock()).toUTCString());
    return answer;
  };
  const env = { TIDEGATE_URL: address, TIDEGATE_TOKEN: adminToken };
  const cli = (argv: readonly string[], world?: World) => tidegate(argv, { env, fetch, clock, ...world });
  return { queue, clock, fetch, env, knowing: [], cli };
}

/** A clock for the command line, which does not wait for its sleeps. @param meanwhile happens in each. */
export const impatient = (clock: () => number, meanwhile: () => unknown = () => {}): NonNullable<World["clock"]> =>
  Object.assign(() => clock(), { sleep: async () => void (await meanwhile()) });

let prefixes = 0;

/** A queue in a real Redis, and the command line that talks to it. */
export function inRedis(redis: ReturnType<typeof useRedis>, options: Partial<QueueOptions> = {}): Target {
  prefixes++;
  const { url, token } = redis.shim;
  const prefix = `cli-${process.pid}-${prefixes}`;
  const clock = testClock(start);
  const store = upstashStore({ url, token, prefix });
  const queue = new Queue({ store, jobs: [sendEmail, fails], clock, ...options });
  const env = { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token };
  const knowing = ["--module", "./modules/jobs.ts"];
  return {
    queue,
    clock,
    env,
    knowing,
    cli: (argv, world) => tidegate([...argv, "--prefix", prefix], { env, clock, ...world }),
  };
}

/** Runs a suite once through a handler, and once straight on Redis. */
export function onEveryTarget(suite: (open: (options?: Partial<QueueOptions>) => Target) => void): void {
  describe("through a handler", () => suite(behindHandler));
  describe("straight on Redis", () => {
    const redis = useRedis();
    suite((options) => inRedis(redis, options));
  });
}

/** Lets jobs die. */
export async function kill({ queue }: Target, count: number, job = fails): Promise<void> {
  for (let left = count; left > 0; left -= 1_000)
    await queue.enqueueMany(Array.from({ length: Math.min(left, 1_000) }, () => ({ job })));
  const unlimited = { timeBudget: "1h", budget: { roundTrips: 1_000_000, commands: 10_000_000 } } as const;
  await queue.drain({ ...unlimited, maxJobs: count, batchSize: 1_000, concurrency: 1_000 });
}

/** Whether a text would colour a terminal or move its cursor. */
export function hasEscapes(text: string): boolean {
  return text.includes("\u001b");
}
