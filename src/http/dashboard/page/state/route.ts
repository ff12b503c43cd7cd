import type { JobState } from "../../../../core/store/store.ts";

/** What is on screen. It stands in the URL behind the #, so that you can share it, and Back works. */
export interface Route {
  readonly view: "overview" | "queues" | "failures" | "jobs" | "messages" | "job" | "names" | "schedules" | "flow";
  /** Default: the first queue. */
  readonly queue?: string | undefined;
  readonly state?: JobState | undefined;
  readonly search?: string | undefined;
  /** What of a job is searched. Default: its id, or its whole name. */
  readonly by?: string | undefined;
  readonly id?: string | undefined;
  /** What of messages, if not the messages themselves. */
  readonly kind?: "events" | "groups" | undefined;
  /** The cursor of a page of events. */
  readonly after?: string | undefined;
  /** A group of failures. */
  readonly group?: string | undefined;
  /** How far back the charts go. Default: an hour. */
  readonly range?: "day" | "weeks" | undefined;
  readonly cursor?: string | undefined;
  /** By what the rows on screen are sorted, with a minus for the other direction. Only the page knows it. */
  readonly sort?: string | undefined;
  /** How many jobs the pages of a search before this one have searched. Only the page knows it. */
  readonly searched?: string | undefined;
}

const fields = [
  "view",
  "queue",
  "state",
  "search",
  "by",
  "id",
  "kind",
  "after",
  "group",
  "range",
  "cursor",
  "sort",
  "searched",
];

/** Reads a route from a URL. The handler refuses invalid ones. */
export function readRoute(hash: string): Route {
  const given = [...new URLSearchParams(hash.slice(1))].filter(([name]) => fields.includes(name));
  return { view: "overview", ...Object.fromEntries(given) };
}

/** The route as a URL has it. */
export function routeQuery(route: Route): string {
  return `${new URLSearchParams(Object.entries(route).filter(([, value]) => value))}`;
}

/** What the handler must know of a route. */
export function askedQuery({ sort, searched, ...route }: Route): string {
  return routeQuery(route);
}
