import { Readable } from "node:stream";
import { problemOf } from "../http/contract/problems.ts";
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
  /** Adds a header to those that a middleware has set. */
  appendHeader(name: string, value: string): unknown;
  /** Sends the body. */
  end(body: Uint8Array): unknown;
}

/** Responds to requests of Node's `http` module. */
export type NodeListener = (request: NodeRequest, response: NodeResponse) => Promise<void>;

/** What frameworks leave on a request. */
interface Incoming extends NodeRequest {
  /** The URL before Express has removed the path of a mounted app. */
  readonly originalUrl?: unknown;
  /** What a body parser has made of the body. */
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
 * has left in `request.body`. If that is nothing, it refuses the request. The listener never rejects.
 */
export function nodeListener(handler: FetchHandler): NodeListener {
  return async (incoming, outgoing) => {
    let response: Response;
    try {
      response = await handler.fetch(await requestOf(incoming));
    } catch (error) {
      logFailure(error);
      response = problemOf(error);
    }
    await send(response, outgoing);
  };
}

async function requestOf(incoming: Incoming): Promise<Request> {
  const { method = "GET", headers, originalUrl, url = "/" } = incoming;
  const scheme = "encrypted" in incoming.socket ? "https" : "http";
  const path = typeof originalUrl === "string" ? originalUrl : url;
  const address = URL.canParse(`${scheme}://${headers.host}`) ? `${scheme}://${headers.host}` : `${scheme}://localhost`;
  const given = Object.entries(headers).filter(
    (entry): entry is [string, string] => /^[^:]/.test(entry[0]) && typeof entry[1] === "string",
  );
  const request = { method, headers: given };
  if (method === "GET" || method === "HEAD") return new Request(address + path, request);
  const body = bodyOf(incoming);
  if (body !== undefined) return new Request(address + path, { ...request, body, duplex: "half" } as RequestInit);
  // Tells the handler that the body has been read, as a Request does.
  const used = new Request(address + path, { ...request, body: "read" });
  await used.text();
  return used;
}

/** Undefined if somebody has read the body and not kept it. */
function bodyOf(incoming: Incoming): BodyInit | undefined {
  if (!incoming.readableDidRead)
    return Readable.toWeb(incoming as object as Readable) as ReadableStream<Uint8Array<ArrayBuffer>>;
  const body = incoming.rawBody ?? incoming.body;
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) return body as BodyInit | undefined;
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(String(incoming.headers["content-type"]));
  return isForm ? new URLSearchParams(body as Record<string, string>).toString() : JSON.stringify(body);
}

async function send(response: Response, outgoing: NodeResponse): Promise<void> {
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}
