import type { JobState } from "../../../../core/store/store.ts";

/** What is on screen. The URL has it after the #, so that you can share it, and Back works. */
export interface Route {
  readonly view: "overview" | "queues" | "failures" | "jobs" | "messages" | "job" | "names" | "schedules" | "flow";
  /** Default: the first queue. */
  readonly queue?: string | undefined;
  readonly state?: JobState | undefined;
  readonly search?: string | undefined;
  /** Where a search looks. Default: ids, and parts of names. */
  readonly by?: string | undefined;
  readonly id?: string | undefined;
  /** What the view "messages" shows. Default: messages. */
  readonly kind?: "events" | "groups" | undefined;
  /** The cursor of a page of events. */
  readonly after?: string | undefined;
  readonly group?: string | undefined;
  /** How far back the charts go. Default: an hour. */
  readonly range?: "day" | "weeks" | undefined;
  readonly cursor?: string | undefined;
  /** The column that sorts the rows, with a minus for the other direction. The handler does not know it. */
  readonly sort?: string | undefined;
  /** How many jobs the earlier pages of a search have searched. The handler does not know it. */
  readonly searched?: string | undefined;
}

const fields = "view queue state search by id kind after group range cursor sort searched".split(" ");

/** Reads a route from a URL. The handler refuses invalid ones. */
export function readRoute(hash: string): Route {
  const given = [...new URLSearchParams(hash.slice(1))].filter(([name]) => fields.includes(name));
  return { view: "overview", ...Object.fromEntries(given) };
}

export function routeQuery(route: Route): string {
  return `${new URLSearchParams(Object.entries(route).filter(([, value]) => value))}`;
}

/** The query for the handler. */
export function askedQuery({ sort, searched, ...route }: Route): string {
  return routeQuery(route);
}
