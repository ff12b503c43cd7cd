import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Redis } from "ioredis";
import { orUndefined } from "../core/shared/errors.ts";
import { jsonIn } from "../core/shared/json.ts";
import { sendJson } from "./http-server.ts";
import { type Command, type RedisLink, type Reply, send } from "./redis-link.ts";

export interface RestOptions {
  readonly redis: RedisLink;
  readonly token: string;
  /**
   * Whether scripts may begin with the line that makes Upstash lock only their keys. Default true, as at Upstash.
   * False: as redis-server has it, which refuses the line.
   */
  readonly takesLockingLine?: boolean;
  /** How long a script may run before it is killed, in ms. Redis itself waits for 5 s by default. Default 5,000. */
  readonly scriptLimitMs?: number;
}

/** While the Redis is unreachable, requests get 503. A command in flight may or may not have run. */
export function restApi({ redis, token, takesLockingLine = true, scriptLimitMs = 5_000 }: RestOptions) {
  const translate = takesLockingLine ? withoutLockingLine() : (command: Command) => command;
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    if (!isAllowed(request, token)) return failure(401, UNAUTHORIZED);
    const body = await buffer(request);
    if (body.length > MAX_BYTES) return failure(400, tooLarge(body.length));
    const { pathname } = addressOf(request.url);
    const encoding = request.headers["upstash-encoding"] === "base64" ? "base64" : "utf8";
    const isList = pathname === "/pipeline" || pathname === "/multi-exec";
    const commands = isList ? jsonIn(body.toString()) : [readCommand(request, body)];
    if (!Array.isArray(commands) || !commands.every(isCommand)) return failure(400, "ERR failed to parse the request");
    const wanted = commands.map(translate);
    const hasScript = wanted.some(([name]) => /^(eval|fcall)/i.test(String(name)));
    // Does nothing if none runs, or if it has written already: Redis then lets it continue.
    const kill = () => void redis.sendAside(["SCRIPT", "KILL"]).catch(() => {});
    const killing = hasScript ? setInterval(kill, scriptLimitMs) : undefined;
    try {
      const client = await redis.client();
      if (pathname === "/multi-exec") return await runTransaction(client, wanted, encoding);
      const run = async (command: Command) =>
        isRefused(command) ? notAvailable(command) : send(client, command, encoding);
      const replies = await Promise.all(wanted.map(run));
      return isList ? toList(replies, encoding) : toAnswer(replies[0] ?? null, encoding);
    } catch {
      return failure(503, "ERR the database is not available");
    } finally {
      clearInterval(killing);
    }
  };
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { status, json } = await answer(request);
    sendJson(response, status, json);
  };
}

const MAX_BYTES = 10 * 1024 * 1024;
const LOCKING_LINE = "#!lua flags=allow-key-locking\n";
const OK_IN_BASE64 = Buffer.from("OK").toString("base64");
const UNAUTHORIZED =
  "WRONGPASS invalid or missing auth token. See https://upstash.com/docs/redis/troubleshooting/http_unauthorized for details.";

interface Answer {
  readonly status: number;
  readonly json: string;
}

type Encoding = "utf8" | "base64";

function isAllowed({ headers, url }: IncomingMessage, token: string): boolean {
  const given = headers.authorization?.replace(/^Bearer +/i, "") ?? addressOf(url).searchParams.get("_token");
  return given === token;
}

/** Makes what sends scripts to redis-server without Upstash's line, under the hashes that it knows them by. */
function withoutLockingLine(): (command: Command) => Command {
  const hashes = new Map<unknown, string>();
  return (command) => {
    const [name = "", script = "", ...rest] = command;
    const word = String(name).toUpperCase();
    if (word.startsWith("EVALSHA")) return [name, hashes.get(script) ?? script, ...rest];
    if (!word.startsWith("EVAL") || !String(script).startsWith(LOCKING_LINE)) return command;
    const source = String(script).slice(LOCKING_LINE.length);
    hashes.set(hashOf(String(script)), hashOf(source));
    return [name, source, ...rest];
  };
}

function hashOf(script: string): string {
  return createHash("sha1").update(script).digest("hex");
}

/** Upstash's REST API has these as streams of events. They take over the connection, which all requests share here. */
const STREAMS = new Set(["SUBSCRIBE", "PSUBSCRIBE"]);

/** What else changes, blocks or takes over that connection, or manages the server. At Upstash it is refused too. */
const REFUSED = new Set(
  (
    "SHUTDOWN ACL DEBUG SAVE BGSAVE BGREWRITEAOF REPLICAOF SLAVEOF FAILOVER CLUSTER MODULE LATENCY SLOWLOG SWAPDB MIGRATE " +
    "AUTH HELLO SELECT QUIT RESET MONITOR SYNC PSYNC MULTI EXEC DISCARD WATCH UNWATCH WAIT WAITAOF " +
    "SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE " +
    "BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP"
  ).split(" "),
);

function isRefused([name = "", ...rest]: Command): boolean {
  const word = String(name).toUpperCase();
  if (word === "CLIENT") return !/^(setinfo|setname|getname|id|info|list)$/i.test(String(rest[0]));
  if (word === "CONFIG") return !/^get$/i.test(String(rest[0]));
  if (word.startsWith("XREAD")) return rest.some((part) => /^block$/i.test(String(part)));
  return REFUSED.has(word) || STREAMS.has(word);
}

function notAvailable([name]: Command): Error {
  if (STREAMS.has(String(name).toUpperCase()))
    return new Error(`ERR tidegate dev does not stream '${name}', unlike Upstash. Poll, or use a client over TCP`);
  const details = "See https://upstash.com/docs/redis/overall/rediscompatibility for details";
  return new Error(`ERR Command is not available: '${name}'. ${details}`);
}

async function runTransaction(client: Redis, commands: readonly Command[], encoding: Encoding): Promise<Answer> {
  const refused = commands.find(isRefused);
  if (refused) return toAnswer(notAvailable(refused), encoding);
  // Sent in one turn, so that no command of another request can come between.
  const replies = await Promise.all([["MULTI"], ...commands, ["EXEC"]].map((each) => send(client, each, encoding)));
  const outcome = replies.at(-1) ?? null;
  return Array.isArray(outcome) ? toList(outcome, encoding) : toAnswer(outcome, encoding);
}

function toList(replies: readonly Reply[], encoding: Encoding): Answer {
  return { status: 200, json: `[${replies.map((reply) => toAnswer(reply, encoding).json).join(",")}]` };
}

function toAnswer(reply: Reply, encoding: Encoding): Answer {
  if (reply instanceof Error) return failure(400, reply.message);
  const result = encoding === "base64" && reply === OK_IN_BASE64 ? "OK" : reply;
  const json = JSON.stringify({ result });
  // Upstash applies its limit to replies too, after the command has run.
  const bytes = encoding === "base64" ? Math.floor(json.length * 0.75) : Buffer.byteLength(json);
  return bytes > MAX_BYTES ? failure(400, tooLarge(bytes)) : { status: 200, json };
}

function failure(status: number, error: string): Answer {
  return { status, json: JSON.stringify({ error }) };
}

function tooLarge(bytes: number): string {
  const details = "See https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded for details";
  return `ERR max request size exceeded. Limit: ${MAX_BYTES} bytes, Actual: ${bytes} bytes. ${details}`;
}

function addressOf(path = "/"): URL {
  return new URL(path, "http://localhost");
}

/** A command as a list in the body, or as a path: `/set/key/value?EX=10`, where a body is one more argument. */
function readCommand({ url }: IncomingMessage, body: Buffer): unknown {
  const { pathname, searchParams } = addressOf(url);
  if (pathname === "/") return jsonIn(body.toString());
  searchParams.delete("_token");
  const parts = orUndefined(() => pathname.slice(1).split("/").map(decodeURIComponent));
  const value = body.length > 0 ? [body] : [];
  return parts && [...parts, ...value, ...[...searchParams].flat().filter((part) => part !== "")];
}

function isCommand(value: unknown): value is Command {
  const isPart = (part: unknown) => Buffer.isBuffer(part) || (part !== null && typeof part !== "object");
  return Array.isArray(value) && value.length > 0 && value.every(isPart);
}
