import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { readBody, sendJson, serveHttp } from "./http-server.ts";
import { type Reply, RespClient, RespError } from "./resp.ts";

const MAX_BYTES = 10 * 1024 * 1024;
/** The bearer token that requests must carry. */
const TOKEN = "test-token";
const LOCKING_LINE = "#!lua flags=allow-key-locking\n";
const OK_IN_BASE64 = Buffer.from("OK").toString("base64");
const UNAUTHORIZED =
  "WRONGPASS invalid or missing auth token. See https://upstash.com/docs/redis/troubleshooting/http_unauthorized for details.";

export interface RestShim {
  readonly url: string;
  readonly token: string;
  /** The number of HTTP requests so far, including refused ones. */
  readonly requests: number;
  stop(): Promise<void>;
}

export interface RestShimOptions {
  readonly redisPort: number;
  /**
   * Whether scripts may begin with the line that makes Upstash lock only their keys. Default: as redis-server has it,
   * which refuses the line.
   */
  readonly takesLockingLine?: boolean;
}

/**
 * Starts an HTTP server that answers as Upstash's REST API does, with a Redis on this machine behind it.
 *
 * While that Redis is unreachable, requests are answered with 503. A command in flight may or may not have run.
 */
export async function startRestShim({ redisPort, takesLockingLine = false }: RestShimOptions): Promise<RestShim> {
  const redis = new RedisLink(redisPort);
  const translate = takesLockingLine ? withoutLockingLine() : (command: Command) => command;
  let requests = 0;
  const server = await serveHttp(async (request, response) => {
    requests += 1;
    const body = await readBody(request);
    const { status, json } =
      refusal(request.headers, body) ?? (await run(request.url, request.headers, body, redis, translate));
    sendJson(response, status, json);
  });
  return {
    url: server.url,
    token: TOKEN,
    get requests() {
      return requests;
    },
    async stop() {
      await server.stop();
      await redis.close();
    },
  };
}

interface Answer {
  readonly status: number;
  readonly json: string;
}

type Encoding = "utf8" | "base64";
type Command = readonly (string | number | boolean)[];

function refusal(headers: IncomingHttpHeaders, body: Buffer): Answer | undefined {
  if (headers.authorization !== `Bearer ${TOKEN}`) return failure(401, UNAUTHORIZED);
  return body.length > MAX_BYTES ? failure(400, tooLarge(body.length)) : undefined;
}

/** Makes what sends scripts to redis-server without Upstash's line, under the hashes that it knows them by. */
function withoutLockingLine(): (command: Command) => Command {
  const hashes = new Map<unknown, string>();
  return ([name = "", script = "", ...rest]) => {
    const word = String(name).toUpperCase();
    if (word === "EVALSHA") return [name, hashes.get(script) ?? script, ...rest];
    if (word !== "EVAL" || !String(script).startsWith(LOCKING_LINE)) return [name, script, ...rest];
    const source = String(script).slice(LOCKING_LINE.length);
    hashes.set(hashOf(String(script)), hashOf(source));
    return [name, source, ...rest];
  };
}

function hashOf(script: string): string {
  return createHash("sha1").update(script).digest("hex");
}

async function run(
  path = "/",
  headers: IncomingHttpHeaders,
  body: Buffer,
  redis: RedisLink,
  translate: (command: Command) => Command,
): Promise<Answer> {
  const encoding = headers["upstash-encoding"] === "base64" ? "base64" : "utf8";
  const input = parseJson(body);
  try {
    if (path === "/" && isCommand(input)) return await runOne(await redis.client(), translate(input), encoding);
    if (path === "/pipeline" && isCommandList(input)) return await runPipeline(await redis.client(), input, encoding);
    if (path === "/multi-exec" && isCommandList(input))
      return await runTransaction(await redis.client(), input, encoding);
  } catch {
    return failure(503, "ERR the database is not available");
  }
  return failure(400, "ERR failed to parse the request");
}

async function runOne(redis: RespClient, command: Command, encoding: Encoding): Promise<Answer> {
  return toAnswer(await redis.send(command, encoding), encoding);
}

async function runPipeline(redis: RespClient, commands: readonly Command[], encoding: Encoding): Promise<Answer> {
  return toList(await Promise.all(commands.map((command) => redis.send(command, encoding))), encoding);
}

async function runTransaction(redis: RespClient, commands: readonly Command[], encoding: Encoding): Promise<Answer> {
  // Sent in one write, so that no command of another request can come between.
  const replies = await Promise.all([["MULTI"], ...commands, ["EXEC"]].map((command) => redis.send(command, encoding)));
  const outcome = replies.at(-1) ?? null;
  return Array.isArray(outcome) ? toList(outcome, encoding) : toAnswer(outcome, encoding);
}

function toList(replies: readonly Reply[], encoding: Encoding): Answer {
  return { status: 200, json: `[${replies.map((reply) => toAnswer(reply, encoding).json).join(",")}]` };
}

function toAnswer(reply: Reply, encoding: Encoding): Answer {
  if (reply instanceof RespError) return failure(400, reply.message);
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

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function isCommand(value: unknown): value is Command {
  return Array.isArray(value) && value.length > 0 && value.every((part) => part !== null && typeof part !== "object");
}

function isCommandList(value: unknown): value is readonly Command[] {
  return Array.isArray(value) && value.every(isCommand);
}

/** The one connection that all requests share, so that they pipeline. It is reopened after it is lost. */
class RedisLink {
  readonly #port: number;
  #connection: Promise<RespClient> | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  client(): Promise<RespClient> {
    this.#connection ??= this.#connect();
    return this.#connection;
  }

  async close(): Promise<void> {
    const client = await this.#connection?.catch(() => undefined);
    client?.close();
    await client?.closed;
  }

  #connect(): Promise<RespClient> {
    const connection = RespClient.connect(this.#port);
    const forget = () => {
      this.#connection = undefined;
    };
    connection.then((client) => client.closed).then(forget, forget);
    return connection;
  }
}
