import { isTidegateError } from "../core/shared/errors.ts";
import { unavailable } from "../http/contract/problems.ts";

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
