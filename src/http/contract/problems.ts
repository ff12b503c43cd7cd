import { isTidegateError, type PayloadIssue } from "../../core/shared/errors.ts";
import type { Problem } from "./requests.ts";

interface Kind {
  readonly status: number;
  readonly title: string;
  /** Follows on what the error says. */
  readonly hint?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Of every answer with a body: what it says holds now, and is nothing but what its type says. */
export const answerHeaders = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" } as const;

const RETRY_AFTER_SECONDS = 5;

/** Every error code and what it is in HTTP. */
export const problemKinds: Readonly<Record<Problem["code"], Kind>> = {
  invalid_request: { status: 400, title: "The request cannot be understood" },
  unauthorized: {
    status: 401,
    title: "A token is needed",
    headers: { "WWW-Authenticate": 'Bearer realm="tidegate"' },
  },
  forbidden: { status: 403, title: "This is not allowed" },
  not_found: { status: 404, title: "Not found" },
  conflict: { status: 409, title: "The state of things does not allow this" },
  payload_too_large: { status: 413, title: "Too large" },
  invalid_payload: { status: 422, title: "The payload does not fit" },
  store_unavailable: {
    status: 503,
    title: "The store does not answer",
    hint: "Whether the request took effect is not known: it is safe to repeat with the same id.",
    headers: { "Retry-After": String(RETRY_AFTER_SECONDS) },
  },
  internal_error: { status: 500, title: "The handler failed" },
};

/** Tells whether an error is the handler's own failure, or the store's, and none of the caller's. */
export function isFailure(error: unknown): boolean {
  return !isTidegateError(error) || problemKinds[error.code].status >= 500;
}

/** The answer to a request that failed. Errors that are not Tidegate's own say nothing of themselves: they may hold anything. */
export function problemOf(error: unknown): Response {
  if (!isTidegateError(error)) {
    const detail =
      "The handler failed. Its onError was given the reason; by default the log shows what kind of error it was.";
    return problem({ ...problemKinds.internal_error, detail, code: "internal_error" });
  }
  const { status, title, hint, headers } = problemKinds[error.code];
  const detail = hint ? `${error.message} ${hint}` : error.message;
  const issues = "issues" in error ? { issues: error.issues as readonly PayloadIssue[] } : {};
  return problem({ status, title, detail, code: error.code, ...issues }, headers);
}

/** The answer to a method that an address does not have. */
export function methodNotAllowed(allowed: readonly string[]): Response {
  const allow = allowed.join(", ");
  const detail = `This address takes ${allow}.`;
  return problem({ status: 405, title: "No such method here", detail, code: "invalid_request" }, { Allow: allow });
}

/** The answer to a token that was refused, with 429 where too many were. */
export function unauthorized(detail: string, status: number): Response {
  const { title, headers } = problemKinds.unauthorized;
  return problem({ status, title, detail, code: "unauthorized" }, headers);
}

function problem(body: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { "Content-Type": "application/problem+json", ...answerHeaders, ...headers },
  });
}
