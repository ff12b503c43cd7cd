import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { invalidRequest, isTidegateError } from "../core/shared/errors.ts";
import { alreadyRead, checkJson } from "../http/contract/body.ts";
import { methodNotAllowed, problemOf } from "../http/contract/problems.ts";
import { logFailure } from "../http/options.ts";

/** Whatever responds to requests as the platforms with `fetch` send them: a handler, a Worker or any Hono app. */
export interface FetchHandler {
  /** Responds to one request. */
  fetch(request: Request): Response | Promise<Response>;
}

// These two spell out what the listener uses, so that the package's types need no @types/node.

/** A request of Node's `http` module, with what frameworks add to it: an `IncomingMessage`. */
export interface NodeRequest {
  /** The method, such as "GET". */
  readonly method?: string | undefined;
  /** The path and the query. */
  readonly url?: string | undefined;
  /** The headers, their names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The connection. One over TLS has `encrypted`. */
  readonly socket: object;
  /** Whether somebody has read the body. */
  readonly readableDidRead: boolean;
}

/** A response of Node's `http` module: a `ServerResponse`. */
export interface NodeResponse {
  /** The status. */
  statusCode: number;
  /** Whether somebody has responded. */
  readonly headersSent: boolean;
  /** Adds a header to those that a middleware has set. */
  appendHeader(name: string, value: string): unknown;
  /** Sends the body, or ends it. */
  end(body?: Uint8Array): unknown;
}

/** Responds to requests of Node's `http` module. */
export type NodeListener = (request: NodeRequest, response: NodeResponse) => Promise<void>;

/** What frameworks leave on a request. */
interface Incoming extends NodeRequest {
  /** The URL before Express has removed the path of a mounted app. */
  readonly originalUrl?: unknown;
  /** What a body parser has made of the body. A platform's getter can throw. */
  readonly body?: unknown;
  /** The bytes, where the platform keeps them. */
  readonly rawBody?: unknown;
}

/**
 * Serves a handler with Node's `http` module, and so with everything built on it: Express, a middleware of Connect, an
 * API route of Next.js' pages, a function of Vercel with `request` and `response`.
 *
 * ```ts
 * const handler = createHandler({ queue, basePath: "/api/queue", auth: { admin: [token] } });
 * app.use("/api/queue", nodeListener(handler)); // in Express, before or after express.json()
 * createServer(nodeListener(handler)).listen(3000); // or alone
 * ```
 *
 * The handler gets the whole path, so set its `basePath`. If a body parser has read the body, it gets what the parser
 * has left in `request.body`: text, bytes, or what JSON can hold. If that is nothing or something else, it refuses the
 * request. If a middleware has responded before, it does nothing; if one does in between, as one for timeouts, it drops
 * its own response. The listener never rejects.
 */
export function nodeListener(handler: FetchHandler): NodeListener {
  return async (incoming, outgoing) => {
    if (outgoing.headersSent) return;
    try {
      // No Request can have the method TRACE.
      const isTrace = incoming.method === "TRACE";
      await send(isTrace ? methodNotAllowed(METHODS) : await handler.fetch(requestOf(incoming)), outgoing);
    } catch (error) {
      logFailure(error);
      await send(problemOf(error), outgoing);
    }
  };
}

/** Every method that a `Request` can have and a handler serves. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

function requestOf(incoming: Incoming): Request {
  const { method = "GET", headers, originalUrl, url = "/" } = incoming;
  const address = new URL("encrypted" in incoming.socket ? "https://localhost" : "http://localhost");
  // Takes the host and nothing else: as text, a Host with a slash would choose the path.
  address.host = String(headers.host ?? "");
  // Only proxies send a whole URL, and "*" is the target of OPTIONS for the server itself.
  const target = (typeof originalUrl === "string" ? originalUrl : url).replace(/^https?:\/\/[^/?#]*/i, "");
  const path = target.startsWith("/") ? target : `/${target}`;
  const given = Object.entries(headers).filter(
    (entry): entry is [string, string] => /^[^:]/.test(entry[0]) && typeof entry[1] === "string",
  );
  const body = method === "GET" || method === "HEAD" ? null : bodyOf(incoming);
  return new Request(address.origin + path, { method, headers: given, body, duplex: "half" } as RequestInit);
}

/** Reads nothing before the handler does, which may refuse the request first. */
function bodyOf(incoming: Incoming) {
  return Readable.toWeb(Readable.from(chunksOf(incoming)), { strategy: { highWaterMark: 0 } });
}

async function* chunksOf(incoming: Incoming): AsyncGenerator<Uint8Array, void, void> {
  if (incoming.readableDidRead) return yield parsedBody(incoming);
  const message = incoming as object as Readable;
  // Whoever stops reading keeps the connection, for the response.
  const chunks: AsyncIterable<string | Uint8Array> = message.iterator({ destroyOnReturn: false });
  try {
    // Chunks are text if a middleware has called `setEncoding`.
    for await (const chunk of chunks)
      yield typeof chunk === "string" ? Buffer.from(chunk, message.readableEncoding ?? undefined) : chunk;
  } finally {
    // Drops the rest, so that the connection can take another request.
    message.resume();
  }
}

/** What a body parser has left. @throws {TidegateError} `invalid_request` if that cannot be the body */
function parsedBody(incoming: Incoming): Uint8Array {
  try {
    return bytesOf(incoming);
  } catch (error) {
    throw isTidegateError(error) ? error : unusable();
  }
}

function bytesOf({ rawBody, body, headers }: Incoming): Uint8Array {
  const type = String(headers["content-type"]);
  if (ArrayBuffer.isView(rawBody)) return bytesIn(rawBody);
  if (typeof rawBody === "string") return Buffer.from(rawBody);
  if (ArrayBuffer.isView(body)) return bytesIn(body);
  if (body === undefined) throw alreadyRead();
  if (typeof body === "string") {
    const text = Buffer.from(body);
    // A string of JSON has lost its quotes. It could pass for an object.
    if (/json/i.test(type) && text.length !== Number(headers["content-length"])) throw unusable();
    return text;
  }
  const json = JSON.stringify(body, checkParsed);
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(type);
  return Buffer.from(isForm ? new URLSearchParams(JSON.parse(json)).toString() : json);
}

function bytesIn({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Refuses what JSON cannot hold: it would be lost, or become null. */
function checkParsed(_: string, value: unknown): unknown {
  const kind = Object.prototype.toString.call(value);
  if (!/^\[object (?:Object|Array|String|Number|Boolean|Null|Undefined)\]$/.test(kind)) throw unusable();
  return typeof value === "number" ? checkJson(value) : value;
}

function unusable(): Error {
  return invalidRequest(
    "The body parser has left something in request.body that is not JSON, text or bytes. Put the handler before it.",
  );
}

async function send(response: Response, outgoing: NodeResponse): Promise<void> {
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  const body = isStream ? undefined : Buffer.from(await response.arrayBuffer());
  if (outgoing.headersSent) return;
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  if (body || !response.body) outgoing.end(body);
  else await sendParts(response.body, outgoing as object as Writable);
}

/** Sends what comes when it comes, until it ends or the caller has gone. */
async function sendParts(body: ReadableStream<Uint8Array>, outgoing: Writable): Promise<void> {
  try {
    await pipeline(Readable.fromWeb(body as NodeReadableStream), outgoing);
  } catch (error) {
    const hasGone = String((error as NodeJS.ErrnoException).code).startsWith("ERR_STREAM_");
    if (!hasGone) throw error;
  }
}
