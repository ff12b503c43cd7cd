import { invalidRequest, isTidegateError, TidegateError } from "../../core/shared/errors.ts";
import { checkObject } from "../../core/shared/validate.ts";
import { parseJson, readBytes } from "../../http/contract/body.ts";
import { problemKinds, responseHeaders } from "../../http/contract/problems.ts";
import type { QStashHost } from "../../http/qstash-port.ts";
import type { KeyRing } from "../security/signing-keys.ts";
import type { Targets } from "../security/targets.ts";
import type { Documents } from "../shared/documents.ts";
import type { RunStore } from "../workflow/run-documents.ts";

export interface Settings {
  readonly targets: Targets;
  readonly keys: KeyRing;
  /** How long the states of messages are kept. Default: they are not kept. */
  readonly eventsKeptMs: number | undefined;
  /** How long a delivery may take if its message does not say. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
  /** The users of the tokens. The SDK puts them into the URLs of webhooks. */
  readonly users: ReadonlySet<string>;
  /** Names of queues that have a document. */
  readonly knownQueues: Set<string>;
}

/** A request, authenticated unless its route is open. */
export interface QStashCall extends QStashHost, Omit<RunStore, "enqueue"> {
  readonly request: Request;
  readonly query: URLSearchParams;
  /** The id, name or key in the path; "" if it has none. */
  readonly target: string;
  /** Every part of the path that stands for a `:name`, and the rest that stands for "*". */
  readonly parts: readonly string[];
  readonly rest: string;
  readonly documents: Documents;
  readonly settings: Settings;
}

export interface Route {
  /** "*" matches every method. */
  readonly method: string;
  /** Below `/v2/`. `:name` matches one part, and a final "*" the rest of the path. */
  readonly path: string;
  /** Returns a response, or what a response with status 200 holds. Default: an empty object. */
  readonly respond: (call: QStashCall) => Promise<unknown>;
  /** Whether it needs no token. Default false. */
  readonly isOpen?: boolean;
  /** Whether the body may contain ids and filters, like the query. Default false. */
  readonly isBulk?: boolean;
}

export function route(
  address: `${string} ${string}`,
  respond: Route["respond"],
  more: Pick<Route, "isOpen" | "isBulk"> = {},
): Route {
  const [method = "", path = ""] = address.split(" ");
  return { method, path, respond, ...more };
}

export const LARGEST_BODY = 3_500_000;

export function readBody(request: Request): Promise<Uint8Array> {
  return readBytes(request, LARGEST_BODY);
}

export async function readJsonBody(
  request: Request,
  most: number,
  refusal?: Parameters<typeof readBytes>[2],
): Promise<unknown> {
  return parseJson(await readBytes(request, most, refusal));
}

const LARGEST_SELECTION = 256 * 1024;

/**
 * Adds the ids and filters in the body to the query: earlier versions of the SDKs send them there. Without them, a
 * request to cancel one message would cancel all.
 */
export async function withSelection(call: QStashCall): Promise<QStashCall> {
  const bytes = await readBytes(call.request, LARGEST_SELECTION);
  if (bytes.length === 0) return call;
  const query = new URLSearchParams(call.query);
  const selection = parseJson(bytes);
  checkObject(selection, WRONG_SELECTION);
  for (const [name, value] of Object.entries(selection)) {
    const values = [value].flat();
    // A list of no ids would select everything.
    if (values.length === 0) throw invalidRequest(`${name} must not be empty.`);
    for (const each of values) {
      if (!["string", "number", "boolean"].includes(typeof each)) throw invalidRequest(WRONG_SELECTION);
      query.append(name, String(each));
    }
  }
  return { ...call, query };
}

const WRONG_SELECTION =
  "The body must be an object of ids or filters. Send the query alone, without a body, to select by it.";

export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalidRequest("The path has a % that does not start a UTF-8 escape.");
  }
}

/** @param text default: false */
export function readFlag(text: string | null, name: string): boolean {
  if (text !== null && text !== "true" && text !== "false") throw invalidRequest(`${name} must be true or false.`);
  return text === "true";
}

export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(body, { status, headers: { ...responseHeaders, ...headers } });
}

/** The workflow sent an invalid step. After a 412 the SDK fails the run without a retry. */
export class StepRefusedError extends TidegateError {}

/** The response to a failed request, in QStash's format. Only Tidegate's own errors show their message. */
export function errorResponse(error: unknown): Response {
  if (error instanceof StepRefusedError) return json({ error: error.message }, 412);
  if (!isTidegateError(error)) return json({ error: "The server failed." }, problemKinds.internal_error.status);
  const { status, hint, headers } = problemKinds[error.code];
  return json({ error: hint ? `${error.message} ${hint}` : error.message }, status, headers);
}
