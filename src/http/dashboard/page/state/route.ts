import type { JobState } from "../../../../core/store/store.ts";

/** What is looked at. It stands in the address behind the #, so that it can be shared, and Back leads to the one before. */
export interface Route {
  readonly view: "overview" | "jobs" | "job" | "schedules";
  /** Default: the first. */
  readonly queue?: string | undefined;
  readonly state?: JobState | undefined;
  readonly search?: string | undefined;
  readonly id?: string;
  readonly cursor?: string | undefined;
}

const fields = ["view", "queue", "state", "search", "id", "cursor"];

/** Reads a route from an address; the handler refuses one that makes no sense. */
export function readRoute(hash: string): Route {
  const given = [...new URLSearchParams(hash.slice(1))].filter(([name]) => fields.includes(name));
  return { view: "overview", ...Object.fromEntries(given) };
}

export function routeQuery(route: Route): string {
  return `${new URLSearchParams(Object.entries(route).filter(([, value]) => value))}`;
}
