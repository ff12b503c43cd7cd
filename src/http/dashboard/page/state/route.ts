import type { JobState } from "../../../../core/store/store.ts";

/** What is on screen. It stands in the URL behind the #, so that you can share it, and Back works. */
export interface Route {
  readonly view: "overview" | "jobs" | "job" | "schedules" | "flow";
  /** Default: the first queue. */
  readonly queue?: string | undefined;
  readonly state?: JobState | undefined;
  readonly search?: string | undefined;
  readonly id?: string;
  readonly cursor?: string | undefined;
}

const fields = ["view", "queue", "state", "search", "id", "cursor"];

/** Reads a route from a URL. The handler refuses invalid ones. */
export function readRoute(hash: string): Route {
  const given = [...new URLSearchParams(hash.slice(1))].filter(([name]) => fields.includes(name));
  return { view: "overview", ...Object.fromEntries(given) };
}

export function routeQuery(route: Route): string {
  return `${new URLSearchParams(Object.entries(route).filter(([, value]) => value))}`;
}
