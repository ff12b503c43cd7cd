import { waitAfterFailure, waitAfterRefresh } from "./poll-interval.ts";
import { fetchSnapshot, type Refusal } from "./requests.ts";
import { askedQuery, type Route, readRoute } from "./route.ts";
import { change, queueNow, state } from "./state.ts";

// Refreshes the page while somebody looks at it, less often when nothing changes.

const TICK_MS = 1_000;

let timer: ReturnType<typeof setTimeout>;
let underWay: AbortController | undefined;
/** How many refreshes in a row found no change, and how many failed. */
let quiet = 0;
let failures = 0;
/** The statistics of the last refresh, without the figure that changes by itself. */
let last = "";

/** Refreshes now, and cancels a refresh that is under way. */
export const refresh = (): Promise<void> => load(state.route);

/** Refreshes by itself. A search is repeated only by the user: it may cost more than anything else. */
const poll = (): Promise<void> =>
  load(state.route.search && state.snapshot?.jobs ? { ...state.route, view: "overview" } : state.route);

async function load(route: Route): Promise<void> {
  clearTimeout(timer);
  underWay?.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  try {
    const loaded = await fetchSnapshot(route, signal);
    const { jobs } = state.snapshot ?? {};
    const snapshot = route === state.route || !jobs ? loaded : { ...loaded, jobs };
    const { stats } = snapshot.activity;
    const now = JSON.stringify({ ...stats, oldestReadyAgeMs: 0 });
    quiet = now === last ? quiet + 1 : 0;
    last = now;
    failures = 0;
    const seenAt = Date.now();
    const aheadMs = Date.parse(snapshot.at) - seenAt;
    change({ snapshot, seenAt, aheadMs, failure: undefined, isSignedOut: false });
    refreshIn(waitAfterRefresh(quiet, stats.nextRunAt === null ? 0 : Date.parse(stats.nextRunAt) - queueNow()));
  } catch (error) {
    if (!signal.aborted) fail(error as Refusal);
  }
}

function fail({ message, status }: Refusal): void {
  // Retrying does not help if the request itself is refused.
  const isLasting = status >= 400 && status < 500;
  change({ failure: { message, isLasting, since: state.failure?.since ?? Date.now() } });
  if (!isLasting) refreshIn(waitAfterFailure(failures++));
}

function refreshIn(waitMs: number): void {
  change({ nextRefreshAt: Date.now() + waitMs });
  if (!document.hidden) timer = setTimeout(poll, waitMs);
}

/** Refreshes now, and again soon, because the user did something. */
export function refreshAfterAction(): Promise<void> {
  last = "";
  return refresh();
}

/** Shows the view that the URL names. */
async function follow(): Promise<void> {
  const { route: before, snapshot } = state;
  const route = readRoute(location.hash);
  if (askedQuery(route) === askedQuery(before)) return change({ route });
  const { jobs, job, schedules, keys, briefs, ...common } = snapshot ?? {};
  change({
    route,
    // Data of another view would be shown as this one's.
    snapshot: snapshot && (common as typeof snapshot),
    selected: new Set(),
    isAllSelected: false,
    notice: undefined,
    question: undefined,
    zoom: undefined,
    point: undefined,
  });
  if (route.view !== before.view || route.id !== before.id) document.querySelector("h1")?.focus();
  await refresh();
}

/** Starts refreshing and following the URL. A hidden page sends no requests. */
export function startPolling(): void {
  addEventListener("hashchange", follow);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && !state.failure?.isLasting) timer = setTimeout(poll, state.nextRefreshAt - Date.now());
  });
  // Relative times grow older by themselves.
  setInterval(() => document.hidden || change({}), TICK_MS);
  change({});
  void refresh();
}
