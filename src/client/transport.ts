import { type ErrorCode, InvalidPayloadError, TidegateError } from "../core/errors.ts";
import type { Problem } from "../http/wire.ts";

/** Where the handler is, and how to get in. */
export interface QueueClientOptions {
  /** Where the handler is, such as "https://example.com/queue". */
  readonly url: string;
  /** Sent as a bearer token. Only a handler with `auth: "none"` needs none. */
  readonly token?: string;
  /** Sends a request; the place for timeouts and for service bindings. Default: the platform's `fetch`. */
  readonly fetch?: (request: Request) => Response | Promise<Response>;
  /** Which of the handler's queues. Default: the first. */
  readonly queue?: string;
}

export type Body = Readonly<Record<string, unknown>> | readonly unknown[];

/** Sends requests to a handler, each once, and makes errors of its problems. */
export class Transport {
  readonly #url: string;
  readonly #token: string | undefined;
  readonly #fetch: (request: Request) => Response | Promise<Response>;

  constructor({ url, token, fetch: send = (request) => fetch(request), queue }: QueueClientOptions) {
    if (!url) throw new TidegateError("invalid_request", "url is not set.");
    this.#url = url.replace(/\/+$/, "") + (queue === undefined ? "" : `/queues${part(queue)}`);
    this.#token = token;
    this.#fetch = send;
  }

  /** Gets what may not exist; then it is null. */
  find<Answer>(path: string): Promise<Answer | null> {
    return this.call<Answer>("GET", path).catch((error: TidegateError) => {
      if (error.code === "not_found") return null;
      throw error;
    });
  }

  async call<Answer>(method: string, path: string, body?: Body): Promise<Answer> {
    const json = body && JSON.stringify(body);
    let response: Response | undefined;
    try {
      const headers = {
        ...(json && { "Content-Type": "application/json" }),
        ...(this.#token && { Authorization: `Bearer ${this.#token}` }),
      };
      // A redirect would turn POST into GET, and carry the token on: it is an answer like any other that is not the handler's.
      const init = { method, headers, redirect: "manual", ...(json && { body: json }) } as const;
      response = await this.#fetch(new Request(this.#url + path, init));
      if (response.status === 204) return undefined as Answer;
      const answer: unknown = await response.json();
      if (response.ok) return dated(answer) as Answer;
      throw errorOf(response.status, answer as Problem);
    } catch (error) {
      // Other errors than the handler's may hold the address or the body.
      if (error instanceof TidegateError) throw error;
      throw unavailable(response?.status);
    }
  }
}

/** A part of a path. These would be dropped or refused by what parses the URL, and another address be meant. */
export function part(text: string): string {
  if (/^\.{0,2}$/.test(text) || !text.isWellFormed())
    throw new TidegateError("invalid_request", 'An id, key or name must be well-formed and not "", "." or "..".');
  return `/${encodeURIComponent(text)}`;
}

export function query(values: object): string {
  return `?${new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined))}`;
}

function errorOf(status: number, { code, detail, issues }: Problem): TidegateError {
  if (typeof code !== "string" || typeof detail !== "string") return unavailable(status);
  if (issues) return new InvalidPayloadError(detail, issues);
  return new TidegateError(status < 500 ? (code as ErrorCode) : "store_unavailable", detail);
}

function unavailable(status: number | undefined): TidegateError {
  const what = status ? `What answered is not the handler: status ${status}` : "The handler could not be reached";
  return new TidegateError(
    "store_unavailable",
    `${what}. Check url and network. It may have worked: repeat an enqueue only with an id.`,
  );
}

/** Makes dates of times: of the fields that hold one by their names, and never inside what is a job's own. */
function dated(value: unknown, name = ""): unknown {
  if (typeof value === "string") return /(^a|A)t$|^slots?$/.test(name) ? new Date(value) : value;
  if (typeof value !== "object" || /^(payload|result|progress)$/.test(name)) return value;
  const holder = value as Record<string, unknown>;
  for (const field in holder) holder[field] = dated(holder[field], Array.isArray(value) ? name : field);
  return value;
}
