import { isTidegateError } from "../core/shared/errors.ts";

/** The response of a "Worker" or "route" with invalid options. Logs the reason. */
export function misconfigured(what: string, error: unknown): Response {
  const detail = reasonOf(error);
  console.error(`tidegate: the ${what} is misconfigured. ${detail}`);
  const problem = { status: 503, title: `The ${what} is misconfigured`, detail, code: "store_unavailable" };
  const headers = { "Content-Type": "application/problem+json", "Cache-Control": "no-store" };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** The reason of a failure, for callers. Foreign errors can hold anything, so it has only their name. */
export function reasonOf(error: unknown): string {
  if (isTidegateError(error)) return error.message;
  const name = error instanceof Error ? error.name : "Something";
  return `${name} was thrown. Run the app locally to see more.`;
}
