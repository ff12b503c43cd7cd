import { connect, read, type Send } from "../client/transport.ts";
import { type EncryptionOptions, readEncryption } from "../core/encryption/keys.ts";
import type { AnyJob } from "../core/job/define.ts";
import type { QueueOptions } from "../core/queue/options.ts";
import type { Queue } from "../core/queue/queue.ts";
import { isTidegateError, TidegateError } from "../core/shared/errors.ts";
import { isRedisUrl, withoutAccess } from "../dev/redis-address.ts";
import type { Io } from "./io.ts";
import { printable, quoted } from "./output/text.ts";
import { type Globals, UsageError } from "./program.ts";
import type { RedisDatabase } from "./redis-database.ts";
import type { Session } from "./session.ts";

/** What every command talks to: a handler, elsewhere or in this process. */
export interface Target {
  /** Sends a request about the queue that --queue names, else about the first. */
  readonly send: Send;
  /** The same about another queue of the handler, or about all of them. */
  sendTo(queue?: string): Send;
  /** A description of the queue, without secrets. */
  readonly label: string;
  /** Where it is: "at example.com/queue". */
  readonly place: string;
  /** The names of the jobs in the user's module. Undefined without one. */
  readonly jobNames: readonly string[] | undefined;
  /** Makes a command that the user can copy of words such as "queue:resume": for this queue, or for another one. */
  readonly command: (words: string, queue?: string) => string;
  /** A handler elsewhere: the URL of the queue, without a slash at the end. */
  readonly remote?: { readonly url: string; readonly token: string | undefined };
  /** What this process serves itself. */
  readonly local?: Local;
}

interface Local {
  readonly queues: readonly Queue[];
  /** The Redis that the user has named. Undefined for queues that the user's module makes. */
  readonly database?: RedisDatabase;
  readonly prefix?: string;
}

const HOW_TO_CONNECT =
  "Name a handler (--url and --token, or TIDEGATE_URL and TIDEGATE_TOKEN), a Redis (UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, or --url redis://...), or a module that makes the queue (--module). In a folder with tidegate dev, or a .dev.vars or .env.local that names one, you need nothing.";

/**
 * Opens the queue to work with: the handler of `--url`, else the queue or jobs of `--module`, else the handler of
 * `TIDEGATE_URL`, else the Redis of `UPSTASH_REDIS_REST_URL`. Both URLs may also name a Redis, as
 * redis://localhost:6379 does. If no variable is set, looks for those of `tidegate dev`. Nothing is sent.
 *
 * @param change changes the queue that is made of a Redis and the jobs of a module.
 * @throws {UsageError} if none is configured, or the configuration is incomplete.
 */
export async function openTarget(
  session: Session,
  change: (options: QueueOptions) => QueueOptions = (options) => options,
): Promise<Target> {
  const { globals, io } = session;
  // A module, and what serves a queue here, loads the whole core. A handler elsewhere needs none of it.
  const module =
    globals.module === undefined ? undefined : await (await import("./module.ts")).loadModule(globals.module, io.cwd);
  const isNamed =
    globals.url !== undefined || module?.queues[0] || io.env["TIDEGATE_URL"] || io.env["UPSTASH_REDIS_REST_URL"];
  // Beside `tidegate dev`, no variable needs to be set.
  if (!isNamed) await (await import("./local-env.ts")).findEnv(session);
  const { env } = session;
  const address = globals.url ?? env["TIDEGATE_URL"] ?? "";
  const isHandler = address !== "" && !isRedisUrl(address);
  const names =
    module && [...module.jobs, ...module.queues].flatMap((each) => ("jobNames" in each ? each.jobNames : each.name));
  if (isHandler && (globals.url !== undefined || !module)) return remoteTarget(session, address, names);
  if (module && module.queues.length > 0) return moduleTarget(session, module.queues);
  if (!module && !address && !env["UPSTASH_REDIS_REST_URL"])
    throw new UsageError("No queue is configured.", HOW_TO_CONNECT);
  return redisTarget(session, module?.jobs ?? [], change);
}

/** Makes commands to copy, with the options that select the same place, but no password: others may see the screen. */
function commandFor({ url, module, queue: own, prefix }: Globals) {
  // With a handler, the module only provides job types, and queue:work refuses it.
  const isHandler = url !== undefined && !isRedisUrl(url);
  const places = { url: isHandler ? url : url && withoutAccess(url), module: isHandler ? undefined : module };
  return (words: string, queue = own): string => {
    const given = Object.entries({ ...places, queue, prefix }).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name} ${quoted(value)}`],
    );
    return ["tidegate", words, ...given].join(" ");
  };
}

function remoteTarget({ io, env, globals }: Session, url: string, jobNames: Target["jobNames"]): Target {
  if (globals.prefix !== undefined)
    throw new UsageError("--prefix is for a queue in Redis: a handler knows its own.", "Leave it out.");
  checkAddress(url);
  const token = globals.token ?? env["TIDEGATE_TOKEN"];
  if (token) checkToken(token);
  const { queue } = globals;
  const { host, pathname } = new URL(url);
  const place = `at ${host}${pathname.replace(/\/+$/, "")}`;
  const fetch = fetchWithTimeout(io);
  const sendTo = (name?: string) => connect({ url, fetch, ...(token && { token }), queue: name });
  const own = url.replace(/\/+$/, "") + (queue === undefined ? "" : `/queues/${encodeURIComponent(queue)}`);
  return {
    ...{ send: sendTo(queue), sendTo, place, jobNames, command: commandFor(globals) },
    label: `${queue === undefined ? "The first queue" : `Queue ${printable(queue)}`} ${place}`,
    remote: { url: own, token },
  };
}

async function moduleTarget(session: Session, queues: readonly Queue[]): Promise<Target> {
  const { globals } = session;
  const queue = globals.queue === undefined ? queues[0] : queues.find(({ name }) => name === globals.queue);
  if (!queue || globals.prefix !== undefined || globals.url !== undefined) {
    const names = queues.map(({ name }) => printable(name)).join(", ");
    throw new UsageError(
      `The module defines its own queues: ${names}.`,
      "Choose one of them with --queue, and leave out --prefix and --url.",
    );
  }
  const local = { queues: globals.queue === undefined ? queues : [queue] };
  const label = `Queue ${printable(queue.name)} of the module`;
  const { jobNames } = queue;
  return { ...(await served(session, local)), label, place: "of the module", jobNames, command: commandFor(globals) };
}

async function redisTarget(
  session: Session,
  jobs: readonly AnyJob[],
  change: (options: QueueOptions) => QueueOptions,
): Promise<Target> {
  const { io, globals } = session;
  const { Queue } = await import("../core/queue/queue.ts");
  const database = await databaseOf(session);
  const { prefix = "tidegate", queue: name = "default" } = globals;
  const clock = io.clock && { clock: io.clock };
  const store = database.storeUnder(prefix);
  const queue = new Queue(change({ store, jobs, name, ...clock, encryption: encryptionOf(io) }));
  session.redis = addressOf(database.url);
  const place = `in Redis at ${new URL(database.url).host}`;
  return {
    ...(await served(session, { queues: [queue], database, prefix })),
    ...{ place, label: `Queue ${printable(name)} ${place}`, command: commandFor(globals) },
    jobNames: jobs.length > 0 ? queue.jobNames : undefined,
  };
}

/** Serves queues to this process alone, in the name of the user of the machine. It starts no job. */
async function served({ env }: Session, local: Local): Promise<Pick<Target, "send" | "sendTo" | "local">> {
  const { createHandler } = await import("../http/handler.ts");
  let failure: unknown;
  const onError = (error: unknown) => {
    failure = error;
  };
  const [name] = /^[A-Za-z0-9][\w.-]{0,63}$/.exec(env["USER"] ?? "") ?? [];
  const token = crypto.randomUUID();
  const auth = name === undefined ? "none" : { admin: [{ token, name }] };
  const handler = createHandler({ queues: local.queues, auth, eager: false, onError });
  const fetch = async (request: Request) => {
    const response = await handler.fetch(request);
    // A handler hides the errors of foreign code from its callers. Here the caller is who runs that code.
    if (response.status === 500 && !isTidegateError(failure)) throw new TidegateError("conflict", String(failure));
    return response;
  };
  const sendTo = (queue?: string) => connect({ url: "http://localhost", fetch, queue, token });
  return { send: sendTo(), sendTo, local };
}

/** The names of all queues, the one that is shown by default first. */
export async function queueNames({ local, sendTo }: Target): Promise<readonly string[]> {
  if (local) return local.queues.map(({ name }) => name);
  const { queues } = await read<{ queues: { queue: string }[] }>("queues", sendTo()("GET", "/queues"));
  return queues.map(({ queue }) => queue);
}

/**
 * A misspelt name has no keys in Redis. Says so of the queue that is meant without a name, which may be new.
 *
 * @throws {UsageError} for a queue name that Redis knows nothing about
 */
export async function refuseUnknownQueue({ local, send, label }: Target, session: Session): Promise<void> {
  if (!local?.database) return;
  const stats = send("GET", "/stats");
  const { totalEnqueued, pendingCount, paused } = await read<Record<string, number | boolean>>("paused", stats);
  const { schedules } = await read<{ schedules: readonly unknown[] }>("schedules", send("GET", "/schedules"));
  if (totalEnqueued || pendingCount || paused || schedules.length > 0) return;
  const isUnknown = `${label} has never had a job or a schedule.`;
  if (session.globals.queue === undefined) return session.note(`${isUnknown} Choose another with --queue.`);
  throw new UsageError(isUnknown, `Is the name right, and the prefix ${printable(local.prefix ?? "")}?`);
}

function checkAddress(address: string): void {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password)
    throw new UsageError(
      "The address of the handler is not a valid URL, or contains a password.",
      "It looks like https://example.com/queue, or redis://localhost:6379. The token is in TIDEGATE_TOKEN.",
    );
}

function checkToken(token: string): void {
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new UsageError("The token contains an invalid character. Is there a space or a line break in it?");
}

/** The Redis of `--url` or `TIDEGATE_URL`, else that of `UPSTASH_REDIS_REST_URL`. */
async function databaseOf({ io, env, globals }: Session): Promise<RedisDatabase> {
  if (globals.token !== undefined)
    throw new UsageError(
      "--token is for a handler. The token of a Redis is UPSTASH_REDIS_REST_TOKEN.",
      "Give --url too, or leave it out.",
    );
  const { restDatabase, tcpDatabase } = await import("./redis-database.ts");
  const address = globals.url ?? env["TIDEGATE_URL"] ?? "";
  if (isRedisUrl(address)) return tcpDatabase(address);
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env;
  if (!url || !token)
    throw new UsageError(
      `${url ? "UPSTASH_REDIS_REST_TOKEN" : "UPSTASH_REDIS_REST_URL"} is not set.`,
      "The console of the database shows both, under REST API.",
    );
  checkToken(token);
  return restDatabase({ url, token }, io);
}

/** The keys of an encrypted queue, as `NAME:KEY,NAME:KEY`. The first one is the current key. */
function encryptionOf({ env }: Io): EncryptionOptions | undefined {
  const given = env["TIDEGATE_ENCRYPTION_KEYS"];
  if (!given) return undefined;
  const pairs = given.split(",").map((pair): [string, string] => {
    const [, name = "", key = ""] = /^([^:]*):(.*)$/.exec(pair.trim()) ?? [];
    return [name, key];
  });
  const keys = Object.fromEntries(pairs);
  const isTwice = Object.keys(keys).length < pairs.length;
  try {
    return readEncryption({ current: isTwice ? "" : (pairs[0]?.[0] ?? ""), keys });
  } catch {
    throw new UsageError(
      `TIDEGATE_ENCRYPTION_KEYS ${isTwice ? "names a key twice" : "has no keys that can be read"}.`,
      "It looks like k2:BASE64,k1:BASE64: the current key first, each of them 32 bytes in base64.",
    );
  }
}

const TIMEOUT_S = 30;
/** A drain responds when it ends, and platforms allow at most 15 minutes. */
const DRAIN_TIMEOUT_S = 16 * 60;

/** The host and the port of a URL, and nothing secret. */
function addressOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
}

/** Sends requests, each with a fitting time limit. @throws {TidegateError} `store_unavailable` without a response. */
export function fetchWithTimeout(io: Pick<Io, "fetch">): (request: Request) => Promise<Response> {
  const send = io.fetch ?? ((request: Request) => fetch(request));
  return async (request) => {
    const seconds = new URL(request.url).pathname.endsWith("/drain") ? DRAIN_TIMEOUT_S : TIMEOUT_S;
    const signal = AbortSignal.timeout(seconds * 1_000);
    try {
      const response = await send(new Request(request, { signal }));
      const body = await response.arrayBuffer();
      return new Response(body.byteLength > 0 ? body : null, response);
    } catch {
      const what = signal.aborted ? `did not respond within ${seconds} s` : "cannot be reached";
      const may = request.method === "GET" ? "" : " The request may have worked: repeat an enqueue only with an id.";
      throw new TidegateError(
        "store_unavailable",
        `The handler at ${addressOf(request.url)} ${what}. Check --url and the network.${may}`,
      );
    }
  };
}
