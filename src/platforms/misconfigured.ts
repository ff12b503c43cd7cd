import { isTidegateError } from "../core/shared/errors.ts";

/**
 * Answers a request of an app whose options make no sense, and logs why.
 *
 * @param what is not set up: "Worker" or "route".
 */
export function misconfigured(what: string, error: unknown): Response {
  const detail = reasonOf(error);
  console.error(`tidegate: the ${what} is not set up. ${detail}`);
  const problem = { status: 503, title: `The ${what} is not set up`, detail, code: "store_unavailable" };
  const headers = { "Content-Type": "application/problem+json", "Cache-Control": "no-store" };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** Why something failed, as it may be shown. Other errors than Tidegate's may hold anything. */
export function reasonOf(error: unknown): string {
  if (isTidegateError(error)) return error.message;
  const name = error instanceof Error ? error.name : "Something";
  return `${name} was thrown. Try the same app locally to see more.`;
}
