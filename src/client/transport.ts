import { type ErrorCode, InvalidPayloadError, TidegateError } from "../core/shared/errors.ts";
import type { Problem } from "../http/contract/requests.ts";

/** Where the handler is, and how to get in. */
export interface QueueClientOptions {
  /** Where the handler is, such as "https://example.com/queue". */
  readonly url: string | URL;
  /** Sent as a bearer token. Without one, only a handler with `auth: "none"` answers. */
  readonly token?: string | undefined;
  /** Sends a request. Use it to set timeouts, or to call a service binding. Default: the platform's `fetch`. */
  readonly fetch?: ((request: Request) => Response | Promise<Response>) | undefined;
  /** Which of the handler's queues. Default: the first. */
  readonly queue?: string | undefined;
}

/** What came back for a request: the status, 0 without an answer, and the answer as far as it is JSON. */
export type Reply = readonly [status: number, answer?: unknown];

/** Sends a request to the handler, once. Never rejects. */
export type Send = (method: string, path: string, json?: string) => Promise<Reply>;

/** @throws {TidegateError} `invalid_request` if the url is missing. */
export function connect({ url, token, fetch: send = (request) => fetch(request), queue }: QueueClientOptions): Send {
  if (!url) throw refusal("url is not set.");
  const base = `${url}`.replace(/\/+$/, "") + (queue === undefined ? "" : `/queues${part(queue)}`);
  return async (method, path, body) => {
    let status = 0;
    try {
      const headers = {
        ...(body && { "Content-Type": "application/json" }),
        ...(token && { Authorization: `Bearer ${token}` }),
      };
      // A redirect would turn POST into GET and carry the token on. It counts as the answer of another service.
      const response = await send(
        new Request(base + path, { method, headers, redirect: "manual", body: body ?? null }),
      );
      status = response.status;
      return [status, await response.json()];
    } catch (error) {
      // Other errors can contain the URL or the body.
      if (error instanceof TidegateError) throw error;
      return [status];
    }
  };
}

type Fields = Readonly<Record<string, unknown>> | null | undefined;

/**
 * Reads what came back for a request.
 *
 * @param field a field that the handler's answer always has, to recognise another service's answer. "" if the answer is
 *   empty.
 * @param orNull whether the answer is null for something that does not exist.
 */
export async function read<Answer>(field: string, reply: Reply | Promise<Reply>, orNull?: boolean): Promise<Answer> {
  const [status, answer] = await reply;
  // With another service's answer, a job that was never stored would pass for stored.
  if (field ? status < 300 && (answer as Fields)?.[field] !== undefined : status === 204)
    return dated(answer) as Answer;
  const { code, detail, issues } = (answer ?? {}) as Partial<Problem>;
  if (typeof code !== "string" || typeof detail !== "string") {
    const what = status ? `Another service answered: status ${status}` : "No answer";
    throw new TidegateError(
      "store_unavailable",
      `${what}. Check url and network. It may have worked: repeat an enqueue only with an id.`,
    );
  }
  if (orNull && code === "not_found") return null as Answer;
  throw issues
    ? new InvalidPayloadError(detail, issues)
    : new TidegateError(code === "internal_error" ? "store_unavailable" : (code as ErrorCode), detail);
}

/** A segment of a path. URL parsers drop or refuse these texts, and the request would reach another path. */
export function part(text: string): string {
  if (/^\.{0,2}$/.test(text) || !text?.isWellFormed?.())
    throw refusal("An id, key or name cannot be empty, dots or malformed.");
  return `/${encodeURIComponent(text)}`;
}

export function query(values?: object): string {
  return `?${new URLSearchParams(Object.entries<string>({ ...values }).filter(([, value]) => value !== undefined))}`;
}

/** Writes JSON to send. @throws {TidegateError} `invalid_request` */
export function asJson(given: () => unknown): string {
  try {
    return JSON.stringify(given());
  } catch (error) {
    throw error instanceof TidegateError ? error : refusal("This cannot be sent as JSON.");
  }
}

export function refusal(message: string): TidegateError {
  return new TidegateError("invalid_request", message);
}

/** Turns times into dates. It knows the fields by their names, and leaves a job's own data alone. */
function dated(value: unknown, name = ""): unknown {
  if (typeof value === "string") return /(^a|A)t$|^(slots?|since|until)$/.test(name) ? new Date(value) : value;
  if (typeof value !== "object" || /^(payload|result|progress|data)$/.test(name)) return value;
  const holder = value as Record<string, unknown>;
  for (const field in holder) holder[field] = dated(holder[field], Array.isArray(value) ? name : field);
  return value;
}
