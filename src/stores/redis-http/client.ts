import { Redis } from "@upstash/redis/cloudflare";
import { invalidRequest } from "../../core/shared/errors.ts";
import type { Transport } from "../redis/connection.ts";
import { type ConnectionWords, messageOf } from "../redis/explain.ts";

/** What is used of a client of `@upstash/redis`: 1.35.2 or newer, from any of its entry points. */
export interface UpstashClient {
  /** Sends one command. */
  exec(command: [string, ...string[]]): Promise<unknown>;
  /** Sends several commands in one request. */
  pipeline(): UpstashPipeline;
  /** Puts a function around each request. */
  use(middleware: (request: UpstashRequest, next: UpstashSend) => Promise<UpstashResponse>): void;
}

/** What is used of a pipeline. */
export interface UpstashPipeline {
  /** Adds a command to the pipeline, and returns the pipeline. */
  echo(message: string): {
    /** Sends the pipeline. With `keepErrors`, an error takes the place of its command's reply. */
    exec(options: { keepErrors: true }): Promise<unknown>;
  };
}

/** A request as a middleware sees it: the body is what Upstash is sent. */
export interface UpstashRequest {
  /** One command, or the commands of a pipeline. */
  body?: unknown;
  /** Aborts the request. */
  signal?: AbortSignal;
}

/** A response as a middleware sees it. */
export interface UpstashResponse {
  /** The reply of Redis, unless it is an error. */
  result?: unknown;
  /** The error of Redis. */
  error?: string;
}

/** Sends a request on. */
export type UpstashSend = (request: UpstashRequest) => Promise<UpstashResponse>;

const words: ConnectionWords = {
  access: "Redis refused the token. Check UPSTASH_REDIS_REST_TOKEN: a read-only token cannot be used.",
  lost: "Redis did not reply as it should. Check UPSTASH_REDIS_REST_URL, and that the database is there.",
};

/** The way to a database by its address and token. The client sends once: a script must know of a resend. */
export function transportTo(url: string, token: string): Transport {
  const address = new URL(url).href.replace(/\/$/, "");
  const client = new Redis({
    url: address,
    token,
    retry: { retries: 0 },
    automaticDeserialization: false,
    responseEncoding: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
  });
  return transportOf(client, address);
}

/** A call on its way through the client. */
interface Call {
  readonly body: readonly unknown[];
  readonly signal: AbortSignal;
  response?: unknown;
}

/**
 * Sends commands by a client of `@upstash/redis`.
 *
 * The client gets a ticket in place of the arguments, and our middleware exchanges it for them. So a call has its own
 * deadline, and gets its reply as Redis sent it: a client that deserializes would turn the text `null` into nothing,
 * and an id such as `{}` into an object. If a client ignores middleware, Redis refuses the command with the ticket.
 *
 * @param lockingAddress the address of the database, if it is known.
 */
export function transportOf(client: UpstashClient, lockingAddress = ""): Transport {
  const calls = new Map<string, Call>();
  let tickets = 0;
  client.use(async (request, next) => {
    const call = calls.get(ticketIn(request.body));
    if (!call) return next(request);
    call.response = await next({ ...request, body: call.body, signal: call.signal });
    // What the client expects of a command, and of a pipeline with one.
    const taken = { result: "" };
    return Array.isArray(call.body[0]) ? ([taken] as UpstashResponse) : taken;
  });

  async function responseTo(call: Call, send: (ticket: string) => Promise<unknown>): Promise<unknown> {
    const { signal } = call;
    const ticket = `tidegate:${tickets++}`;
    calls.set(ticket, call);
    try {
      await unlessAborted(send(ticket), signal);
    } catch (error) {
      // What follows is the whole request, where a payload may look like another error.
      throw new Error(messageOf(error).split(", command was:")[0]);
    } finally {
      calls.delete(ticket);
    }
    // The client resolves an aborted call with the reason.
    signal.throwIfAborted();
    return call.response;
  }

  return {
    words,
    lockingAddress,
    async send(command, signal) {
      const [name = ""] = command;
      const reply = replyOf(await responseTo({ body: command, signal }, (ticket) => client.exec([name, ticket])));
      if (reply instanceof Error) throw reply;
      return reply;
    },
    async sendMany(commands, signal) {
      const replies = await responseTo({ body: commands, signal }, (ticket) =>
        client.pipeline().echo(ticket).exec({ keepErrors: true }),
      );
      return commands.map((_, index) => replyOf(Object(replies)[index] ?? replies));
    },
  };
}

/** `["EVALSHA", ticket]` of a command, `[["echo", ticket]]` of a pipeline. */
function ticketIn(body: unknown): string {
  const command: unknown = Array.isArray(body) && body.length === 1 ? body[0] : body;
  return Array.isArray(command) && command.length === 2 ? String(command[1]) : "";
}

/** A client may wait longer, to send again. */
async function unlessAborted(sent: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
  });
  signal.addEventListener("abort", abort);
  try {
    await Promise.race([sent, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** The reply in a response. @throws if Redis sent none: a proxy answers in its own way. */
function replyOf(response: unknown): unknown {
  const { result, error } = Object(response) as UpstashResponse;
  if (error) return new Error(error);
  if (result === undefined) throw new Error("no reply");
  return result;
}

/** @throws {TidegateError} `invalid_request` unless it is a client that a store can use. It says which store can. */
export function checkClient(client: unknown, taker: string): asserts client is UpstashClient {
  const has = (...names: readonly string[]) => names.every((name) => typeof Object(client)[name] === "function");
  const isUpstash = has("evalsha", "pipeline") && !has("sendCommand") && !has("call");
  // Clients up to 1.35.1 that pipeline automatically make a new function each time, which sends something else.
  const [exec, again] = [Object(client).exec, Object(client).exec];
  if (isUpstash && has("exec", "use") && exec === again && !has("hscanIterator")) return;
  const [got, hint] = isUpstash
    ? has("hscanIterator")
      ? ["a client of @vercel/kv", `Use ${taker}({ url, token }) with KV_REST_API_URL and KV_REST_API_TOKEN.`]
      : ["an older client of @upstash/redis", `Update that package, or use ${taker}({ url, token }).`]
    : has("call", "sendCommand")
      ? ["a client of ioredis", TCP]
      : has("sendCommand") || has("send_command")
        ? ["a client of redis", TCP]
        : [client === null ? "null" : `a value of type ${typeof client}`, `Or use ${taker}({ url, token }).`];
  throw invalidRequest(`redis must be a client of @upstash/redis 1.35.2 or newer, and is ${got}. ${hint}`);
}

const TCP = "For that there is redisStore of tidegate/redis.";
