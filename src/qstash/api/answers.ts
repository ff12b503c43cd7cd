import { isTidegateError, notFound, TidegateError } from "../../core/shared/errors.ts";
import { problemKinds, responseHeaders } from "../../http/contract/problems.ts";

/** A JSON answer. */
export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", ...responseHeaders, ...headers },
  });
}

/** A step that its workflow got wrong. The SDK takes 412 for an error after which the run fails without a retry. */
export class StepRefusedError extends TidegateError {}

/** The answer to a request that failed, as QStash words it. Only Tidegate's own errors show their message. */
export function errorAnswer(error: unknown): Response {
  if (error instanceof StepRefusedError) return json({ error: error.message }, 412);
  if (!isTidegateError(error)) return json({ error: "The server failed." }, problemKinds.internal_error.status);
  const { status, hint, headers } = problemKinds[error.code];
  return json({ error: hint ? `${error.message} ${hint}` : error.message }, status, headers);
}

/** The error for a message that is not known, or has been delivered. */
export function unknownMessage(): TidegateError {
  return notFound("No message has this id. A message is known until it is delivered.");
}
