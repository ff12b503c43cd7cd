import { isTidegateError, type PayloadIssue } from "../../core/shared/errors.ts";
import type { Problem } from "./requests.ts";

interface Kind {
  readonly status: number;
  readonly title: string;
  /** Appended to the error's message. */
  readonly hint?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** For every response with a body: do not cache it, and do not guess another content type. */
export const responseHeaders = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" } as const;

export const UNKNOWN_QUEUE = "This handler serves no queue of this name.";

export const problemKinds: Readonly<Record<Problem["code"], Kind>> = {
  invalid_request: { status: 400, title: "Invalid request" },
  unauthorized: {
    status: 401,
    title: "Unauthorized",
    headers: { "WWW-Authenticate": 'Bearer realm="tidegate"' },
  },
  forbidden: { status: 403, title: "Forbidden" },
  not_found: { status: 404, title: "Not found" },
  conflict: { status: 409, title: "Conflict with the current state" },
  payload_too_large: { status: 413, title: "Too large" },
  invalid_payload: { status: 422, title: "The payload does not match the schema" },
  store_unavailable: {
    status: 503,
    title: "The store is unavailable",
    hint: "The request may have taken effect. It is safe to repeat with the same id.",
    headers: { "Retry-After": "5" },
  },
  internal_error: { status: 500, title: "The handler failed" },
};

export function isFailure(error: unknown): boolean {
  return !isTidegateError(error) || problemKinds[error.code].status >= 500;
}

/** Only Tidegate's own errors show their message: others can hold anything. @param isRead whether nothing changes. */
export function problemOf(error: unknown, isRead = false): Response {
  const body = describeProblem(error, isRead);
  return problem(body, problemKinds[body.code].headers);
}

/** The same, for one of several jobs in a response. */
export function describeProblem(error: unknown, isRead = false): Problem {
  if (!isTidegateError(error)) {
    const { status, title } = problemKinds.internal_error;
    const detail = "The handler failed. Its onError received the error; by default, the log shows its name.";
    return { status, title, detail, code: "internal_error" };
  }
  // No token of the handler may use what is reserved for an interface.
  const code = "isReserved" in error ? "forbidden" : error.code;
  const { status, title, hint } = problemKinds[code];
  const detail = hint && !isRead ? `${error.message} ${hint}` : error.message;
  const issues = "issues" in error ? { issues: error.issues as readonly PayloadIssue[] } : {};
  return { status, title, detail, code, ...issues };
}

export function methodNotAllowed(allowed: readonly string[]): Response {
  const allow = allowed.join(", ");
  const detail = `This path supports ${allow}.`;
  return problem({ status: 405, title: "Method not allowed", detail, code: "invalid_request" }, { Allow: allow });
}

/** The response to a refused token: 401, or 429 after too many. */
export function unauthorized(detail: string, status: number): Response {
  const { title, headers } = problemKinds.unauthorized;
  return problem({ status, title, detail, code: "unauthorized" }, headers);
}

/** The response of a server that is up, and cannot serve this request now. */
export function unavailable(title: string, detail: string): Response {
  const { status, headers } = problemKinds.store_unavailable;
  return problem({ status, title, detail, code: "store_unavailable" }, headers);
}

/** The response of a "Worker" or "route" with invalid options. Logs the reason. */
export function misconfigured(what: string, error: unknown): Response {
  const detail = reasonOf(error);
  console.error(`tidegate: the ${what} is misconfigured. ${detail}`);
  return unavailable(`The ${what} is misconfigured`, detail);
}

/** The reason of a failure, for callers. Foreign errors can hold anything, so it has only their name. */
export function reasonOf(error: unknown): string {
  if (isTidegateError(error)) return error.message;
  const name = error instanceof Error ? error.name : "Something";
  return `${name} was thrown. Run the app locally to see more.`;
}

function problem(body: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status: body.status,
    headers: { "Content-Type": "application/problem+json", ...responseHeaders, ...headers },
  });
}
