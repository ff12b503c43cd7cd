import { isTidegateError, notFound, TidegateError } from "../../core/shared/errors.ts";
import { problemKinds, responseHeaders } from "../../http/contract/problems.ts";

export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", ...responseHeaders, ...headers },
  });
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

export function unknownMessage(): TidegateError {
  return notFound("No message has this id. A message is known until it is delivered.");
}
