import { basename } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Hooks } from "../core/observe/hooks.ts";
import { Queue } from "../core/queue/queue.ts";
import type { Clock } from "../core/shared/clock.ts";
import { startWorker } from "../platforms/node.ts";
import { redisStore } from "../stores/redis-tcp/index.ts";
import { AppQueues, USUAL_PREFIX } from "./app-queues.ts";
import { Cron } from "./cron.ts";
import { DevDirectory } from "./directory.ts";
import { DrainCalls, type DrainToken } from "./drain-calls.ts";
import type { Ended } from "./ended-attempts.ts";
import { EnvFile } from "./env-file.ts";
import { type HttpServer, serveFetch, serveHttp } from "./http-server.ts";
import { startOwnRedis } from "./own-redis.ts";
import { pages } from "./pages.ts";
import { MESSAGES, openQStash } from "./qstash.ts";
import { placeOf } from "./redis-address.ts";
import { RedisLink } from "./redis-link.ts";
import { restApi } from "./rest.ts";
import { HOST, StartError } from "./start.ts";

export type { Ended } from "./ended-attempts.ts";

export interface DevOptions {
  /** A Redis that runs already. Undefined: one of its own. */
  readonly redis: URL | undefined;
  /** The app's drain route. Undefined: nothing is drained. */
  readonly drain: URL | undefined;
  readonly port: number;
  readonly restPort: number;
  /** The directory that keeps tokens and data: an absolute path. */
  readonly directory: string;
  /** The file that gets the lines of the REST API: an absolute path. */
  readonly write: string | undefined;
  /** What the keys of the app's queues begin with. Undefined: every queue in the Redis is the app's. */
  readonly prefix: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Whether QStash's interface is served too. */
  readonly qstash: boolean;
  /** Gets the attempts to deliver QStash's messages. */
  readonly hooks: Hooks;
  /** Gets the attempts that have ended in the app's queues. */
  readonly onEnded: (ended: Ended) => void;
  /** Gets what is wrong with the app's drain route, once, and undefined when that is over. */
  readonly onProblem: (problem: string | undefined) => void;
  /** Called with failures of the pages and of deliveries, such as a Redis that does not answer. */
  readonly onError: (error: unknown) => void;
}

export interface Dev {
  /** The lines that an app needs to use the Redis. */
  readonly restEnv: Readonly<Record<"UPSTASH_REDIS_REST_URL" | "UPSTASH_REDIS_REST_TOKEN", string>>;
  /** The lines that QStash's SDKs need; undefined if its interface is not served. */
  readonly qstashEnv: Readonly<Record<string, string>> | undefined;
  readonly dashboardUrl: string;
  /** Which Redis it is: "redis-server 8.0.2", or "localhost:6379". */
  readonly redis: string;
  /** Drives the app until the signal is aborted, then stops everything. @throws {StartError} if Redis ends before. */
  run(signal: AbortSignal): Promise<void>;
}

/** Starts everything. What has started is stopped again if something cannot start. @throws {StartError} */
export async function startDev(options: DevOptions): Promise<Dev> {
  const file = options.write === undefined ? undefined : await EnvFile.open(options.write);
  if (file && isOther(file)) throw new StartError(`${options.write} ${HAS_ANOTHER}`);
  const directory = await DevDirectory.open(options.directory);
  await refuseSecond(directory);
  const started: Stoppable[] = [];
  try {
    return await startIn(directory, options, file, started);
  } catch (error) {
    await stopAll(started);
    throw error;
  }
}

const HAS_ANOTHER =
  "already names another database. Comment out its lines UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, or give --write another file.";

/** Whether lines would be lost that cannot come from `tidegate dev`. */
function isOther(file: EnvFile): boolean {
  const url = file.get("UPSTASH_REDIS_REST_URL");
  return url ? !/^http:\/\/(127\.0\.0\.1|localhost):/.test(url) : (file.get("UPSTASH_REDIS_REST_TOKEN") ?? "") !== "";
}

type Stoppable = Pick<HttpServer, "stop">;

/** In the reverse order: what came later needs what came before. */
async function stopAll(started: readonly Stoppable[]): Promise<void> {
  for (const each of [...started].reverse()) await each.stop();
}

async function startIn(
  directory: DevDirectory,
  options: DevOptions,
  file: EnvFile | undefined,
  started: Stoppable[],
): Promise<Dev> {
  const { prefix, env, clock, hooks, drain, onEnded, onProblem, onError } = options;
  const own = options.redis ? undefined : await startOwnRedis(directory, env["PATH"]);
  if (own) started.push(own);
  const address = (options.redis ?? own?.url) as URL;
  const link = new RedisLink(address);
  started.push({ stop: () => link.close() });
  if (options.redis) await checkAnswers(link, address);

  const { restToken } = directory.kept;
  const rest = await listening(options.restPort, "--rest-port", (port) =>
    serveHttp(restApi({ redis: link, token: restToken }), port),
  );
  started.push(rest);
  await directory.keep({ restPort: rest.port });

  const store = redisStore(link, { prefix: prefix ?? USUAL_PREFIX });
  const app = new AppQueues(link, { prefix, hidden: MESSAGES }, onEnded, clock());
  const qstash = options.qstash ? openQStash(directory.kept, store, clock, hooks) : undefined;
  const first = new Queue({ store, jobs: [], clock });
  const served = await listening(options.port, "--port", (port) =>
    serveFetch(pages({ app, first, qstash, drain, onError }), port),
  );
  started.push(served);

  // What ends from now on is printed, and what ended before is not.
  await app.look(clock()).catch(() => []);
  const restEnv = { UPSTASH_REDIS_REST_URL: rest.url, UPSTASH_REDIS_REST_TOKEN: restToken };
  await file?.set(restEnv);
  return {
    restEnv,
    qstashEnv: qstash?.envOf(served.url),
    dashboardUrl: `${served.url}/dashboard`,
    redis: own?.program ?? placeOf(address),
    async run(signal) {
      const over = new AbortController();
      const ending = AbortSignal.any([signal, over.signal]);
      const report = (error: unknown) => ending.aborted || onError(error);
      const worker = qstash && startWorker(qstash.queue, { checkEvery: "1s", signal: ending, onError: report });
      const calls = drain && new DrainCalls(drain, () => tokenOf(options));
      const cron = new Cron({ queues: app, app: calls, clock, signal: ending, onProblem });
      let isGone = false;
      void own?.ended.then(() => {
        isGone = !ending.aborted;
        over.abort();
      });
      await cron.run();
      // A delivery under way may end. A longer one is made again after the next start.
      await Promise.race([worker?.done, setTimeout(STOP_WITHIN_MS, undefined, { ref: false })]);
      await stopAll(started);
      if (isGone) throw new StartError(`${own?.program} has ended. Start tidegate dev again: the jobs are kept.`);
    },
  };
}

/** A `tidegate dev` that runs answers to the token of its directory. @throws {StartError} if one does. */
async function refuseSecond({ path, kept: { restPort, restToken } }: DevDirectory): Promise<void> {
  if (restPort === undefined) return;
  const headers = { Authorization: `Bearer ${restToken}` };
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const answer = fetch(`http://${HOST}:${restPort}/ping`, { headers, redirect: "manual", signal });
  const status = await answer.then((response) => response.status).catch(() => undefined);
  if (status !== 200 && status !== 503) return;
  throw new StartError(
    `tidegate dev runs in ${path} already, with its REST API on port ${restPort}. Stop it, or choose another directory with --dir.`,
  );
}

const ANSWER_WITHIN_MS = 1_000;
const STOP_WITHIN_MS = 1_000;

async function checkAnswers(link: RedisLink, address: URL): Promise<void> {
  const late = setTimeout(REDIS_ANSWERS_WITHIN_MS, "", { ref: false });
  const reply = await Promise.race([link.sendCommand(["INFO", "server"]), late]).catch((error: Error) => error);
  if (String(reply).includes("redis_version:")) return;
  // As Redis writes its own errors: "WRONGPASS invalid ...".
  const refusal =
    reply instanceof Error && /^[A-Z]+ /.test(reply.message) ? ` ${reply.message.replace(/\.$/, "")}.` : "";
  throw new StartError(`No Redis replies at ${placeOf(address)}.${refusal} Check --redis, and that the Redis runs.`);
}

const REDIS_ANSWERS_WITHIN_MS = 5_000;

async function listening(
  port: number,
  option: string,
  serve: (port: number) => Promise<HttpServer>,
): Promise<HttpServer> {
  try {
    return await serve(port);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE")
      throw new StartError(
        `Port ${port} is in use. Choose another one with ${option}; beside another tidegate dev, give both --port and --rest-port.`,
      );
    throw new StartError(`Port ${port} cannot be opened: ${code ?? message}. Choose another one with ${option}.`);
  }
}

/** Of the environment, else of the app's own file as it is now. Those that may list come first. */
async function tokenOf({ env, write }: DevOptions): Promise<DrainToken | undefined> {
  const names = ["TIDEGATE_TOKEN", "TIDEGATE_ADMIN_TOKEN", "CRON_SECRET"];
  const first = (read: (name: string) => string | undefined, where: string): DrainToken | undefined => {
    const name = names.find(read);
    return name === undefined ? undefined : { value: read(name) ?? "", source: `${name} in ${where}` };
  };
  const given = first((name) => env[name], "the environment");
  if (given || write === undefined) return given;
  const file = await EnvFile.open(write).catch(() => undefined);
  return first((name) => file?.get(name), basename(write));
}
