import { QueueClient } from "../client/index.ts";
import { connect, type Send } from "../client/transport.ts";
import { type EncryptionOptions, readEncryption } from "../core/encryption/keys.ts";
import type { AnyJob } from "../core/job/define.ts";
import type { QueueStats } from "../core/manage/stats.ts";
import { Queue } from "../core/queue/queue.ts";
import type { Store } from "../core/store/store.ts";
import { isRedisUrl } from "../dev/redis-address.ts";
import { fetchWithTimeout } from "./fetch-with-timeout.ts";
import type { Io } from "./io.ts";
import { loadModule } from "./module.ts";
import { printable } from "./output/text.ts";
import type { Globals } from "./program.ts";
import { type RedisDatabase, restDatabase, tcpDatabase } from "./redis-database.ts";
import type { Session } from "./session.ts";
import { suggestedCommand } from "./suggested-command.ts";
import { UsageError } from "./usage-error.ts";

/** The methods that `Queue` and `QueueClient` share. */
export type AnyQueue = Omit<QueueClient, "drain">;

interface Named {
  /** A description of the queue, without secrets. */
  readonly label: string;
  /** Where it is: "at example.com/queue". */
  readonly place: string;
  /** The names of the jobs in the user's module. Undefined without a module. */
  readonly jobNames: readonly string[] | undefined;
  /** `suggestedCommand` for this queue. */
  readonly command: (words: string) => string;
}

export interface HandlerTarget extends Named {
  readonly kind: "handler";
  readonly queue: QueueClient;
  /** The URL of the queue, without a slash at the end. */
  readonly url: string;
  readonly token: string | undefined;
  /** Sends a request that `QueueClient` does not have, to stay small. */
  readonly send: Send;
}

export interface RedisTarget extends Named {
  readonly kind: "redis";
  readonly queue: Queue;
  readonly database: RedisDatabase;
  readonly store: Store;
  readonly prefix: string;
  readonly jobs: readonly AnyJob[];
}

/** A queue that the user's module made. */
export interface OwnTarget extends Named {
  readonly kind: "own";
  readonly queue: Queue;
  /** All queues of the module, in order. */
  readonly queues: readonly Queue[];
}

export type Target = HandlerTarget | RedisTarget | OwnTarget;

const HOW_TO_CONNECT =
  "Name a handler (--url and --token, or TIDEGATE_URL and TIDEGATE_TOKEN), a Redis (UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, or --url redis://...), or a module that makes the queue (--module).";

/**
 * Opens the queue to work with: the handler of `--url`, else the queue or jobs of `--module`, else the handler of
 * `TIDEGATE_URL`, else the Redis of `UPSTASH_REDIS_REST_URL`. Both URLs may also name a Redis, as
 * redis://localhost:6379 does. Nothing is sent.
 *
 * @throws {UsageError} if none is configured, or the configuration is incomplete.
 */
export async function openTarget(session: Session, globals: Globals = session.globals): Promise<Target> {
  const { env } = session.io;
  const address = globals.url ?? env["TIDEGATE_URL"];
  if (globals.url !== undefined && !isRedisUrl(globals.url)) return handlerTarget(session, globals, globals.url);
  if (globals.module !== undefined) return moduleTarget(session, globals, globals.module);
  if (address && !isRedisUrl(address)) return handlerTarget(session, globals, address);
  if (address || env["UPSTASH_REDIS_REST_URL"]) return redisTarget(session, globals);
  throw new UsageError("No queue is configured.", HOW_TO_CONNECT);
}

async function handlerTarget({ io }: Session, globals: Globals, address: string): Promise<HandlerTarget> {
  if (globals.prefix !== undefined)
    throw new UsageError("--prefix is for a queue in Redis: a handler knows its own.", "Leave it out.");
  checkAddress(address);
  const token = globals.token ?? io.env["TIDEGATE_TOKEN"];
  if (token) checkToken(token);
  const { queue: name } = globals;
  const { host, pathname } = new URL(address);
  const url = address.replace(/\/+$/, "") + (name === undefined ? "" : `/queues/${encodeURIComponent(name)}`);
  const queue = new QueueClient({
    url: address,
    ...(token && { token }),
    fetch: fetchWithTimeout(io),
    ...(name !== undefined && { queue: name }),
  });
  const which = name === undefined ? "The first queue" : `Queue ${printable(name)}`;
  const module = globals.module === undefined ? undefined : await loadModule(globals.module, io.cwd);
  const jobNames = module && [...module.jobs.map((job) => job.name), ...module.queues.flatMap((each) => each.jobNames)];
  const place = `at ${host}${pathname.replace(/\/+$/, "")}`;
  return {
    kind: "handler",
    queue,
    url,
    token,
    send: connect({ url, ...(token && { token }), fetch: fetchWithTimeout(io) }),
    jobNames,
    label: `${which} ${place}`,
    place,
    command: commandFor(globals),
  };
}

function checkAddress(address: string): void {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash)
    throw new UsageError("The address of the handler is not a valid URL.", "It looks like https://example.com/queue.");
  if (url.username || url.password)
    throw new UsageError(
      "The address of the handler contains a password.",
      "Remove it, and set TIDEGATE_TOKEN instead.",
    );
}

function checkToken(token: string): void {
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new UsageError("The token contains an invalid character. Is there a space or a line break in it?");
}

async function moduleTarget(session: Session, globals: Globals, file: string): Promise<Target> {
  const { jobs, queues } = await loadModule(file, session.io.cwd);
  if (queues.length === 0) return redisTarget(session, globals, jobs);
  const queue = globals.queue === undefined ? queues[0] : queues.find(({ name }) => name === globals.queue);
  if (!queue || globals.prefix !== undefined || globals.url !== undefined) {
    const names = queues.map(({ name }) => printable(name)).join(", ");
    throw new UsageError(
      `The module defines its own queues: ${names}.`,
      "Choose one of them with --queue, and leave out --prefix and --url.",
    );
  }
  const chosen = globals.queue === undefined ? queues : [queue];
  return {
    kind: "own",
    queue,
    queues: chosen,
    jobNames: queue.jobNames,
    label: `Queue ${printable(queue.name)} of the module`,
    place: "of the module",
    command: commandFor(globals),
  };
}

/** Opens the queue in the Redis that `--url` or the environment names. @throws {UsageError} if they name none. */
export async function redisTarget(
  session: Session,
  globals: Globals = session.globals,
  jobs: readonly AnyJob[] = [],
): Promise<RedisTarget> {
  const { clock } = session.io;
  const database = databaseOf(session, globals);
  const prefix = globals.prefix ?? "tidegate";
  const store = database.storeUnder(prefix);
  const name = globals.queue ?? "default";
  const queue = new Queue({ store, jobs, name, ...(clock && { clock }), encryption: encryptionOf(session.io) });
  const jobNames = jobs.length > 0 ? queue.jobNames : undefined;
  const place = `in Redis at ${database.place}`;
  const label = `Queue ${printable(name)} ${place}`;
  return {
    kind: "redis",
    queue,
    database,
    store,
    prefix,
    jobs,
    jobNames,
    label,
    place,
    command: commandFor(globals),
  };
}

/** The Redis of `--url` or `TIDEGATE_URL`, else that of `UPSTASH_REDIS_REST_URL`. */
function databaseOf({ io }: Session, globals: Globals): RedisDatabase {
  if (globals.token !== undefined)
    throw new UsageError(
      "--token is for a handler. The token of a Redis is UPSTASH_REDIS_REST_TOKEN.",
      "Give --url too, or leave it out.",
    );
  const address = globals.url ?? io.env["TIDEGATE_URL"] ?? "";
  if (isRedisUrl(address)) return tcpDatabase(address);
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = io.env;
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
  const encryption = { current: pairs[0]?.[0] ?? "", keys: Object.fromEntries(pairs) };
  if (new Set(pairs.map(([name]) => name)).size < pairs.length)
    throw new UsageError(
      "TIDEGATE_ENCRYPTION_KEYS names a key twice.",
      "Give each key a name of its own, as the queue that encrypts does: k2:BASE64,k1:BASE64.",
    );
  try {
    return readEncryption(encryption);
  } catch {
    throw new UsageError(
      "TIDEGATE_ENCRYPTION_KEYS has no keys that can be read.",
      "It looks like k2:BASE64,k1:BASE64: the current key first, each of them 32 bytes in base64.",
    );
  }
}

function commandFor(globals: Globals): Target["command"] {
  return (words) => suggestedCommand(words, globals);
}

/**
 * Refuses a queue name that Redis knows nothing about, because a misspelt name has no keys. Handlers and modules check
 * names themselves.
 *
 * @throws {UsageError} unless the queue has had a job, has a schedule, or is paused.
 */
export async function refuseUnknownQueue(target: Target, { globals }: Session, stats?: QueueStats): Promise<void> {
  if (target.kind !== "redis" || globals.queue === undefined) return;
  const { totalEnqueued, pendingCount, paused } = stats ?? (await target.queue.getStats());
  if (totalEnqueued > 0 || pendingCount > 0 || paused) return;
  if ((await target.queue.schedules.list()).length > 0) return;
  throw new UsageError(
    `${target.label} has never had a job or a schedule.`,
    `Is the name right, and the prefix ${printable(target.prefix)}?`,
  );
}
