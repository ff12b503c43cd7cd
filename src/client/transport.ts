import { type ErrorCode, InvalidPayloadError, invalidRequest, TidegateError } from "../core/shared/errors.ts";
import type { Problem } from "../http/contract/requests.ts";

/** Where the handler is, and how to reach it. */
export interface QueueClientOptions {
  /** Where the handler is, such as "https://example.com/queue". */
  readonly url: string | URL;
  /** Sent as a bearer token. Without one, only a handler with `auth: "none"` accepts requests. */
  readonly token?: string | undefined;
  /** Sends a request. Use it to set timeouts, or to call a service binding. Default: the platform's `fetch`. */
  readonly fetch?: ((request: Request) => Response | Promise<Response>) | undefined;
  /** Which of the handler's queues. Default: the first. */
  readonly queue?: string | undefined;
}

/** The status of a response, 0 if there was none, its body if that is JSON, and whether the request changes nothing. */
export type Reply = readonly [status: number, body?: unknown, isRead?: boolean];

/** Sends a request to the handler, once. Never rejects. */
export type Send = (method: string, path: string, json?: string) => Promise<Reply>;

/** @throws {TidegateError} `invalid_request` if the url is missing. */
export function connect({ url, token, fetch: send = (request) => fetch(request), queue }: QueueClientOptions): Send {
  if (!url) throw invalidRequest("url is not set.");
  const base = `${url}`.replace(/\/+$/, "") + (queue === undefined ? "" : `/queues${part(queue)}`);
  return async (method, path, body) => {
    let status = 0;
    const isRead = method === "GET";
    try {
      const headers = {
        ...(body && { "Content-Type": "application/json" }),
        ...(token && { Authorization: `Bearer ${token}` }),
      };
      // A redirect would turn POST into GET and pass the token on. It counts as a response of another service.
      const response = await send(
        new Request(base + path, { method, headers, redirect: "manual", body: body ?? null }),
      );
      status = response.status;
      return [status, await response.json(), isRead];
    } catch (error) {
      // Other errors can contain the URL or the body.
      if (error instanceof TidegateError) throw error;
      return [status, undefined, isRead];
    }
  };
}

type Fields = Readonly<Record<string, unknown>> | null | undefined;

/**
 * @param field a field that the handler's response always has, to recognise a response of another service. "" if the
 *   response is empty.
 * @param orNull whether to return null for something that does not exist.
 */
export async function read<Body>(field: string, reply: Reply | Promise<Reply>, orNull?: boolean): Promise<Body> {
  const [status, body, isRead] = await reply;
  // A response of another service must not make a job look stored.
  if (field ? status < 300 && (body as Fields)?.[field] !== undefined : status === 204) return dated(body) as Body;
  const { code, detail, issues } = (body ?? {}) as Partial<Problem>;
  if (typeof code !== "string" || typeof detail !== "string") {
    const what = status ? `Another service responded: status ${status}` : "No response";
    const may = isRead ? "" : " It may have worked: repeat an enqueue only with an id.";
    throw new TidegateError("store_unavailable", `${what}. Check url and network.${may}`);
  }
  if (orNull && code === "not_found") return null as Body;
  throw issues
    ? new InvalidPayloadError(detail, issues)
    : new TidegateError(code === "internal_error" ? "store_unavailable" : (code as ErrorCode), detail);
}

/** A segment of a path. It refuses texts that URL parsers drop: the request would reach another path. */
export function part(text: string): string {
  if (/^\.{0,2}$/.test(text) || !text?.isWellFormed?.())
    throw invalidRequest("An id, key or name cannot be empty, dots or malformed.");
  return `/${encodeURIComponent(text)}`;
}

/** Refuses what a queue refuses as options. */
export function plain<Options extends object>(options: Options): Options {
  if (Object.prototype.toString.call(options) !== "[object Object]") throw invalidRequest("Options must be an object.");
  return options;
}

export function query(values: object = {}): string {
  const given = Object.entries({ ...plain(values) })
    .filter(([name, value]) => value !== undefined && (value !== null || name !== "cursor"))
    .map(([name, value]) => [name, `${value instanceof Date ? value.toJSON() : value}`]);
  return `?${new URLSearchParams(given)}`;
}

export function asJson(given: () => unknown): string {
  try {
    return JSON.stringify(given());
  } catch (error) {
    throw error instanceof TidegateError ? error : invalidRequest("This cannot be sent as JSON.");
  }
}

/** Turns times into dates. It finds them by their names, and leaves a job's own data alone. */
function dated(value: unknown, name = ""): unknown {
  if (typeof value === "string") return /(^a|A)t$|^(occurrences?|since|until)$/.test(name) ? new Date(value) : value;
  if (typeof value !== "object" || /^(payload|result|progress|data)$/.test(name)) return value;
  const holder = value as Record<string, unknown>;
  for (const field in holder) holder[field] = dated(holder[field], Array.isArray(value) ? name : field);
  return value;
}
