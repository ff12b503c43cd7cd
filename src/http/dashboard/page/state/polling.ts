import type { Answer, Json } from "../../snapshot.ts";
import { Allowance, isLasting, waitAfterFailure, waitAfterRefresh } from "./poll-interval.ts";
import { fetchSnapshot, type Refusal, type Thrift } from "./requests.ts";
import { askedQuery, type Route, readRoute } from "./route.ts";
import { change, queueNow, state } from "./state.ts";

// Refreshes the page while somebody looks at it, less often when nothing changes, and within an allowance.

const TICK_MS = 1_000;
/** Asks for a mark without having one. */
const NEW = "new";

const allowance = new Allowance(Date.now());
let timer: ReturnType<typeof setTimeout>;
let underWay: AbortController | undefined;
/** How many refreshes in a row found no change, and how many failed. */
let quiet = 0;
let failures = 0;
/** The statistics of the last refresh, without the figure that changes by itself. */
let last = "";
/** Stands for what had happened until the last refresh. Unknown while things change: it would be in vain. */
let mark: string | undefined;
/** What the last refresh that was not in vain cost. */
let cost = 0;

/** Refreshes now, and cancels a refresh that is under way. */
export const refresh = (): Promise<void> => load(state.route, last === "" ? { mark: NEW } : {}, true);

/** Refreshes by itself, as cheaply as the view allows. */
function poll(): Promise<void> {
  const { route, snapshot } = state;
  if (snapshot?.job?.state === "running") return load(route, { only: "contents" });
  // A search is repeated only by the user: it may cost more than anything else.
  const isSearch = route.search && snapshot?.jobs;
  return load(isSearch ? { ...route, view: "overview" } : route, { mark: mark ?? (quiet > 0 ? NEW : undefined) });
}

async function load(route: Route, thrift: Thrift, isAsked = false): Promise<void> {
  clearTimeout(timer);
  underWay?.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  try {
    const answer = await fetchSnapshot(route, thrift, signal);
    const seenAt = Date.now();
    allowance.spend(answer.commands, seenAt, isAsked);
    failures = 0;
    const { snapshot: before } = state;
    if ("isUnchanged" in answer) quiet++;
    else takeIn(answer);
    const snapshot = before && { ...before, ...answer };
    const aheadMs = Date.parse(answer.at) - seenAt;
    change({
      snapshot: snapshot ?? (answer as typeof before),
      ...{ seenAt, aheadMs, failure: undefined, isSignedOut: false },
    });
    const { nextRunAt = null } = state.snapshot?.activity.stats ?? {};
    const wait = waitAfterRefresh(quiet, nextRunAt === null ? 0 : Date.parse(nextRunAt) - queueNow());
    refreshIn(Math.max(wait, allowance.waitFor(cost, seenAt)));
  } catch (error) {
    if (!signal.aborted) fail(error as Refusal);
  }
}

/** Finds out whether an answer shows a change, and how to ask next. */
function takeIn({ activity, mark: given, commands }: Json<Answer>): void {
  cost = commands;
  // The job on screen is running: that is change enough.
  if (!activity) {
    quiet = 0;
    return;
  }
  const now = JSON.stringify({ ...activity.stats, oldestReadyAgeMs: 0 });
  const isSame = now === last;
  quiet = isSame ? quiet + 1 : 0;
  mark = isSame || last === "" ? given : undefined;
  last = now;
}

function fail({ message, status, retryAfter }: Refusal): void {
  const lasts = isLasting(status);
  change({ failure: { message, isLasting: lasts, since: state.failure?.since ?? Date.now() } });
  if (!lasts) refreshIn(waitAfterFailure(failures++, retryAfter, Date.now()));
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
  const {
    jobs,
    job,
    events,
    groups,
    schedules,
    keys,
    briefs,
    failures: _,
    figures,
    history,
    ...common
  } = snapshot ?? {};
  change({
    route,
    // Data of another view would be shown as this one's.
    snapshot: snapshot && (common as typeof snapshot),
    selected: new Set(),
    isAllSelected: false,
    notice: undefined,
    question: undefined,
    charts: {},
  });
  if (route.view !== before.view || route.id !== before.id) document.querySelector("h1")?.focus();
  last = "";
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
