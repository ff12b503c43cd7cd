import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { problemOf } from "../http/contract/problems.ts";
import { logFailure } from "../http/options.ts";

/** Whatever responds to requests as the platforms with `fetch` send them: a handler, a Worker or any Hono app. */
export interface FetchHandler {
  /** Responds to one request. */
  fetch(request: Request): Response | Promise<Response>;
}

/** Responds to requests of Node's `http` module. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** What frameworks leave on a request. */
interface Incoming extends IncomingMessage {
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
  if (!incoming.readableDidRead) return Readable.toWeb(incoming) as ReadableStream<Uint8Array<ArrayBuffer>>;
  const body = incoming.rawBody ?? incoming.body;
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) return body as BodyInit | undefined;
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(incoming.headers["content-type"] ?? "");
  return isForm ? new URLSearchParams(body as Record<string, string>).toString() : JSON.stringify(body);
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}
