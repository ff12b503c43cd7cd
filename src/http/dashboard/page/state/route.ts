import type { ValueOf } from "../../../../core/shared/schema.ts";
import type { snapshotQuery } from "../../snapshot.ts";

type Query = ValueOf<typeof snapshotQuery>;

/** What is on screen. The URL has it after the #, so that you can share it, and Back works. */
export type Route = Pick<Query, "view"> & {
  readonly [Name in Exclude<keyof Query, "view" | "by" | "mark" | "only">]?: Query[Name] | undefined;
} & {
  readonly by?: string | undefined;
  /** The column that sorts the rows, with a minus for the other direction. The handler does not know it. */
  readonly sort?: string | undefined;
};

const fields = "view queue scope state search by id children group range latency cursor sort".split(" ");

/** Reads a route from a URL. The handler refuses invalid ones. @param startsWithAll queues, if the URL names no view */
export function readRoute(hash: string, startsWithAll = false): Route {
  const given = [...new URLSearchParams(hash.slice(1))].filter(([name]) => fields.includes(name));
  return startsWithAll && given.length === 0
    ? { view: "queues", scope: "all" }
    : { view: "overview", ...Object.fromEntries(given) };
}

export function routeQuery(route: Route): string {
  return `${new URLSearchParams(Object.entries(route).filter(([, value]) => value) as [string, string][])}`;
}

export function askedQuery({ sort, ...route }: Route): string {
  return routeQuery(route);
}
