import { jobStates } from "../../../../core/store/store.ts";
import type { Json, Refresh, Snapshot } from "../../snapshot.ts";
import { fetchSnapshot } from "./requests.ts";
import { routeQuery } from "./route.ts";
import { change, countOf, state } from "./state.ts";

type Jobs = NonNullable<Json<Refresh>["jobs"]>;

/** In how many jobs a search goes to its end by itself, and in how many where its commands cost nothing: some 3 s. */
const MOST_UNASKED = 10_000;
const MOST_FREE = 30_000;
/** How many matches it finds before the user asks for more: a list of so many is slow. */
const MOST_FOUND = 1_000;

/** How many jobs the tab has. */
export function listedCount(stats: Json<Snapshot>["activity"]["stats"]): number {
  const { state: kind } = state.route;
  return (kind ? [kind] : [...jobStates]).reduce((sum, each) => sum + countOf(stats, each), 0);
}

/** Whether a search has jobs left to examine, or a list has another page. */
export const isUnfinished = ({ cursor, rest }: Jobs): boolean => !!(cursor ?? rest?.[0]);

/** Whether the view is the result of a search. Only the user repeats it: it may cost more than anything else. */
export const isSearch = (): boolean => state.route.view === "jobs" && !!state.route.search;

/** Opens the job with this id. Else the search goes on, unless there are so many jobs that the user decides. */
export async function followSearch(): Promise<void> {
  const { snapshot, route } = state;
  if (!isSearch() || !snapshot) return;
  const [found, other] = snapshot.jobs?.rows ?? [];
  if (found && !other && snapshot.jobs?.examined === undefined)
    return location.replace(`#${routeQuery({ queue: found.queue, view: "job", id: found.id, search: route.search })}`);
  const most = snapshot.isFree ? MOST_FREE : MOST_UNASKED;
  if (listedCount(snapshot.activity.stats) <= most) await searchOn();
}

/** Goes on with the search on screen to its end, or until the user stops it or leaves. */
export async function searchOn(): Promise<void> {
  let found = state.snapshot?.jobs;
  const most = MOST_FOUND + (found?.rows.length ?? 0);
  while (found && isUnfinished(found) && found.rows.length < most) {
    const before: Jobs = found;
    change({ searching: before, stopped: undefined });
    found = await more(before).catch(({ message }: Error) => void change({ stopped: { at: before, message } }));
    const { snapshot, searching } = state;
    if (searching !== before || snapshot?.jobs !== before) return;
    change({ searching: undefined, ...(found && { snapshot: { ...snapshot, jobs: found } }) });
  }
}

/** Searches on: in all queues, the first that is not finished. */
async function more({ rows, cursor, rest, examined = 0 }: Jobs): Promise<Jobs> {
  const [first, ...others] = rest ?? [];
  const from = first ? { ...first, scope: undefined } : { cursor: cursor ?? undefined };
  const response = await fetchSnapshot({ ...state.route, ...from }, { only: "contents" });
  const next = "jobs" in response ? response.jobs : undefined;
  const end = next?.cursor ?? null;
  const found = next?.rows.map((row) => ({ ...row, ...(first && { queue: first.queue }) })) ?? [];
  return {
    // A job that has moved to another state meanwhile is found again.
    rows: [...rows.filter(({ id, queue }) => !found.some((row) => row.id === id && row.queue === queue)), ...found],
    examined: examined + (next?.examined ?? 0),
    ...(first ? { cursor: null, rest: [...(end ? [{ ...first, cursor: end }] : []), ...others] } : { cursor: end }),
  };
}
