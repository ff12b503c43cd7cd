import type { QStashCall } from "../api/call.ts";

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

/** Defines a route. @param address its method and its path. */
export function route(
  address: `${string} ${string}`,
  respond: Route["respond"],
  more: Pick<Route, "isOpen" | "isBulk"> = {},
): Route {
  const [method = "", path = ""] = address.split(" ");
  return { method, path, respond, ...more };
}
