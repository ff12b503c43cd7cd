import { type ErrorCode, InvalidPayloadError, TidegateError } from "../core/shared/errors.ts";
import type { Problem } from "../http/contract/requests.ts";

/** Where the handler is, and how to get in. */
export interface QueueClientOptions {
  /** Where the handler is, such as "https://example.com/queue". */
  readonly url: string | URL;
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
    if (!url) throw refusal("url is not set.");
    this.#url = `${url}`.replace(/\/+$/, "") + (queue === undefined ? "" : `/queues${part(queue)}`);
    this.#token = token;
    this.#fetch = send;
  }

  /** Gets what may not exist; then it is null. */
  find<Answer>(path: string, field: string): Promise<Answer | null> {
    return this.call<Answer>("GET", path, field).catch((error: TidegateError) => {
      if (error.code === "not_found") return null;
      throw error;
    });
  }

  /**
   * Sends a request.
   *
   * @param field one that the handler's answer always has, by which it is known from what another service answers; "" where the
   *   answer is empty.
   */
  async call<Answer>(method: string, path: string, field: string, body?: Body): Promise<Answer> {
    const json = body && asJson(() => body);
    let response: Response | undefined;
    try {
      const headers = {
        ...(json && { "Content-Type": "application/json" }),
        ...(this.#token && { Authorization: `Bearer ${this.#token}` }),
      };
      // A redirect would turn POST into GET, and carry the token on: it is an answer like any other that is not the handler's.
      const init = { method, headers, redirect: "manual", ...(json && { body: json }) } as const;
      response = await this.#fetch(new Request(this.#url + path, init));
      if (!field && response.status === 204) return undefined as Answer;
      const answer = await response.json();
      // With another service's answer a job would pass for stored that never was.
      if (response.ok && answer[field] !== undefined) return dated(answer) as Answer;
      throw errorOf(response.status, answer);
    } catch (error) {
      // Other errors than the handler's may hold the address or the body.
      if (error instanceof TidegateError) throw error;
      throw unavailable(response?.status);
    }
  }
}

/** A part of a path. These would be dropped or refused by what parses the URL, and another address be meant. */
export function part(text: string): string {
  if (/^\.{0,2}$/.test(text) || !text?.isWellFormed?.())
    throw refusal('An id, key or name must be well-formed and not "", "." or "..".');
  return `/${encodeURIComponent(text)}`;
}

export function query(values: object): string {
  return `?${new URLSearchParams(Object.entries<string>({ ...values }).filter(([, value]) => value !== undefined))}`;
}

/** Writes what is sent. @throws {TidegateError} `invalid_request` */
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
