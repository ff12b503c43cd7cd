import { isTidegateError } from "../core/shared/errors.ts";

/**
 * Answers a request of an app with invalid options, and logs the reason.
 *
 * @param what "Worker" or "route".
 */
export function misconfigured(what: string, error: unknown): Response {
  const detail = reasonOf(error);
  console.error(`tidegate: the ${what} is misconfigured. ${detail}`);
  const problem = { status: 503, title: `The ${what} is misconfigured`, detail, code: "store_unavailable" };
  const headers = { "Content-Type": "application/problem+json", "Cache-Control": "no-store" };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** The reason of a failure that callers may see. Foreign errors can hold anything, so only their name is shown. */
export function reasonOf(error: unknown): string {
  if (isTidegateError(error)) return error.message;
  const name = error instanceof Error ? error.name : "Something";
  return `${name} was thrown. Run the app locally to see more.`;
}
