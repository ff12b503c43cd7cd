import { type ErrorCode, InvalidPayloadError, TidegateError } from "../core/shared/errors.ts";
import type { Problem } from "../http/contract/requests.ts";

/** The handler's URL and token. */
export interface QueueClientOptions {
  /** The handler's URL, such as "https://example.com/queue". */
  readonly url: string | URL;
  /** Sent as a bearer token. Only a handler with `auth: "none"` needs none. */
  readonly token?: string;
  /** Sends a request. Use it for timeouts and service bindings. Default: the platform's `fetch`. */
  readonly fetch?: (request: Request) => Response | Promise<Response>;
  /** The name of one of the handler's queues. Default: the first. */
  readonly queue?: string;
}

export type Body = Readonly<Record<string, unknown>> | readonly unknown[];

/** Sends each request to a handler once, and turns its problems into errors. */
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

  /** Gets something that may not exist. Null if it does not. */
  find<Answer>(path: string, field: string): Promise<Answer | null> {
    return this.call<Answer>("GET", path, field).catch((error: TidegateError) => {
      if (error.code === "not_found") return null;
      throw error;
    });
  }

  /**
   * Sends a request.
   *
   * @param field a field that the handler's answer always has, to recognise another service's answer. "" if the answer is
   *   empty.
   */
  async call<Answer>(method: string, path: string, field: string, body?: Body): Promise<Answer> {
    const json = body && asJson(() => body);
    let response: Response | undefined;
    try {
      const headers = {
        ...(json && { "Content-Type": "application/json" }),
        ...(this.#token && { Authorization: `Bearer ${this.#token}` }),
      };
      // A redirect would turn POST into GET and carry the token on. It counts as the answer of another service.
      const init = { method, headers, redirect: "manual", ...(json && { body: json }) } as const;
      response = await this.#fetch(new Request(this.#url + path, init));
      if (!field && response.status === 204) return undefined as Answer;
      const answer = await response.json();
      // With another service's answer, a job that was never stored would pass for stored.
      if (response.ok && answer[field] !== undefined) return dated(answer) as Answer;
      throw errorOf(response.status, answer);
    } catch (error) {
      // Other errors can contain the URL or the body.
      if (error instanceof TidegateError) throw error;
      throw unavailable(response?.status);
    }
  }
}

/** A segment of a path. URL parsers drop or refuse these texts, and the request would reach another path. */
export function part(text: string): string {
  if (/^\.{0,2}$/.test(text) || !text?.isWellFormed?.())
    throw refusal('An id, key or name must be well-formed and not "", "." or "..".');
  return `/${encodeURIComponent(text)}`;
}

export function query(values: object): string {
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

function errorOf(status: number, { code, detail, issues }: Problem): TidegateError {
  if (typeof code !== "string" || typeof detail !== "string") return unavailable(status);
  if (issues) return new InvalidPayloadError(detail, issues);
  return new TidegateError(status < 500 ? (code as ErrorCode) : "store_unavailable", detail);
}

function unavailable(status: number | undefined): TidegateError {
  const what = status ? `Another service answered: status ${status}` : "The handler could not be reached";
  return new TidegateError(
    "store_unavailable",
    `${what}. Check url and network. It may have worked: repeat an enqueue only with an id.`,
  );
}

/** Turns times into dates. It knows the fields by their names, and leaves a job's own data alone. */
function dated(value: unknown, name = ""): unknown {
  if (typeof value === "string") return /(^a|A)t$|^slots?$/.test(name) ? new Date(value) : value;
  if (typeof value !== "object" || /^(payload|result|progress)$/.test(name)) return value;
  const holder = value as Record<string, unknown>;
  for (const field in holder) holder[field] = dated(holder[field], Array.isArray(value) ? name : field);
  return value;
}
