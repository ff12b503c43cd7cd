import type { Json, Refresh } from "../../snapshot.ts";
import { Allowance, isLasting, waitAfterFailure, waitAfterRefresh } from "./poll-interval.ts";
import { fetchSnapshot, type Refusal, type Thrift } from "./requests.ts";
import { askedQuery, type Route } from "./route.ts";
import { followSearch, isSearch } from "./search.ts";
import { chosen } from "./settings.ts";
import { change, queueNow, routeNow, type State, state } from "./state.ts";

// Refreshes the page while it is visible, less often when nothing changes, and within an allowance.

/** Asks for a first mark. */
const NEW = "new";

const allowance = new Allowance(Date.now());
let timer: ReturnType<typeof setTimeout>;
let underWay: AbortController | undefined;
/** How many refreshes in a row found no change, and how many failed. */
let quiet = 0;
let failures = 0;
/** The statistics of the last refresh. Empty after an action of the user. */
let last = "";
/** The mark of the last refresh. Undefined while things change: a mark would only add to the cost. */
let mark: string | undefined;
/** The cost of the last refresh that found a change. */
let cost = 0;
let polls = 0;
/** After how long without a response the page says so. */
const SLOW_MS = 3_000;
/** For how long after a move the pointer holds still what it is on. */
const POINTING_MS = 5_000;
let movedAt = 0;
/** What changes slowly in the list of all queues is read at each tenth poll. */
const SLOWLY = 10;

/** Refreshes now, and cancels a refresh that is under way. */
export const refresh = (): Promise<void> => load(state.route, last === "" ? { mark: NEW } : {}, true);

/** What the pointer is on, if that is something to click, which a refresh could move. */
export const pointedAt = (): Element | null =>
  document.querySelector("main :is(a, button, input, tr[data-click]):hover");

const isPointing = (): boolean => Date.now() - movedAt < POINTING_MS && pointedAt() !== null;

/** Refreshes by itself, as cheaply as the view allows. */
async function poll(): Promise<void> {
  const { route, snapshot } = state;
  if (isPointing()) return refreshIn(movedAt + POINTING_MS - Date.now());
  if (snapshot?.job?.state === "running") return load(route, { only: "contents" });
  const isQuick = route.view === "queues" && ++polls % SLOWLY > 0;
  const isFound = isSearch() && snapshot?.jobs;
  const isOfAll = isFound && route.scope;
  const only = (isQuick || isOfAll) && ({ only: "statistics" } as const);
  const thrift: Thrift = { mark: mark ?? (quiet > 0 ? NEW : undefined), ...only };
  return load(isFound ? { ...route, view: isOfAll ? "queues" : "overview" } : route, thrift);
}

async function load(route: Route, thrift: Thrift, isAsked = false): Promise<void> {
  clearTimeout(timer);
  underWay?.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  const slow = setTimeout(() => !signal.aborted && !route.search && fail(SLOW, true), SLOW_MS);
  const askedAt = Date.now();
  try {
    const response = await fetchSnapshot(route, thrift, signal);
    const seenAt = Date.now();
    allowance.spend(response.commands, seenAt, isAsked);
    failures = 0;
    const { snapshot: before } = state;
    if ("isUnchanged" in response) quiet++;
    else compare(response, before);
    if (response.isFree) quiet = 0;
    const snapshot = before && { ...before, ...response };
    const aheadMs = Date.parse(response.at) - seenAt;
    change({
      snapshot: snapshot ?? (response as typeof before),
      ...{ aheadMs, failure: undefined, isSignedOut: false, isLoading: false },
      // While statistics are refreshed, what a search has found stands still.
      ...(route.view === state.route.view && { seenAt }),
      ...(isAsked && { tookMs: seenAt - askedAt }),
    });
    const { nextRunAt = null } = state.snapshot?.activity.stats ?? {};
    const wait = waitAfterRefresh(quiet, nextRunAt === null ? 0 : Date.parse(nextRunAt) - queueNow());
    refreshIn(Math.max(wait, allowance.waitFor(cost, seenAt)));
    if (isAsked) void followSearch();
  } catch (error) {
    if (signal.aborted) return;
    fail(error as Refusal);
    // The page has its links and the way out around a view that does not exist.
    if (state.failure?.nowhere && !state.snapshot)
      void fetchSnapshot({ view: "overview" }, { only: "statistics" }, signal).then(
        (snapshot) => change({ snapshot: snapshot as State["snapshot"], seenAt: Date.now() }),
        () => {},
      );
  } finally {
    clearTimeout(slow);
  }
}

/** Compares a response with the one before. */
function compare({ activity, job, mark: given, commands }: Json<Refresh>, before: State["snapshot"]): void {
  cost = commands;
  if (!activity) {
    quiet = JSON.stringify(job) === JSON.stringify(before?.job) ? quiet + 1 : 0;
    return;
  }
  // The age changes by itself.
  const now = JSON.stringify({ ...activity.stats, oldestReadyAgeMs: 0 });
  const isSame = now === last;
  quiet = isSame ? quiet + 1 : 0;
  mark = isSame || last === "" ? given : undefined;
  last = now;
}

const SLOW = { message: "no response within 3 seconds.", status: 0, retryAfter: null };

function fail({ message, status, retryAfter }: Omit<Refusal, "name">, isSlow = false): void {
  const lasts = isLasting(status);
  const { by, queue } = state.route;
  // A typed time can be corrected where it was typed.
  const noView = by === "retried" ? undefined : "This view does not exist";
  const nowhere = { 400: noView, 404: `There is no queue ${queue}` }[status];
  change({ failure: { message, isLasting: lasts, nowhere, isSlow } });
  if (!lasts && !isSlow) refreshIn(waitAfterFailure(failures++, retryAfter, Date.now()));
}

const mayPoll = (): boolean => !document.hidden && (chosen("live") === "on" || state.failure !== undefined);

function refreshIn(waitMs: number): void {
  change({ nextRefreshAt: Date.now() + waitMs });
  if (mayPoll()) timer = setTimeout(poll, waitMs);
}

/** Refreshes now, and soon again. */
export function refreshAfterAction(): Promise<void> {
  last = "";
  return refresh();
}

/** Refreshes with the next poll, for what is on screen already. */
export function refreshSoon(): void {
  clearTimeout(timer);
  last = "";
  refreshIn(waitAfterRefresh(0, 0));
}

const contents =
  "jobs job upcoming changes figures schedules keys stuck briefs total dying failures failure history".split(" ");

/** What views showed when the user left them: it stays on screen, greyed out, until the response is there. */
const visited = new Map<string, object>();
const MOST_VISITED = 10;

function remember(query: string, shown: object): void {
  visited.delete(query);
  visited.set(query, shown);
  for (const oldest of [...visited.keys()].slice(0, -MOST_VISITED)) visited.delete(oldest);
}

/** Whether something of this view is on screen. */
export const hasContents = (): boolean => contents.some((name) => Object.hasOwn(state.snapshot ?? {}, name));

async function follow(): Promise<void> {
  const { route: before, snapshot } = state;
  const route = routeNow();
  if (askedQuery(route) === askedQuery(before)) return change({ route });
  const part = (isContents: boolean) =>
    Object.fromEntries(Object.entries(snapshot ?? {}).filter(([name]) => contents.includes(name) === isContents));
  remember(askedQuery(before), part(true));
  change({
    route,
    // This view must not show the contents of another one.
    snapshot: snapshot && ({ ...part(false), ...visited.get(askedQuery(route)) } as typeof snapshot),
    selected: new Set(),
    isAllSelected: false,
    notice: state.notice?.leadsTo && route.by !== "retried" ? state.notice : undefined,
    question: undefined,
    charts: {},
    isLoading: true,
  });
  if (route.view !== before.view || route.id !== before.id) document.querySelector("h1")?.focus();
  last = "";
  await refresh();
}

/** Polls from now on, or no longer: after the page was shown or hidden, or the user has switched it. */
export function followLive(): void {
  clearTimeout(timer);
  if (mayPoll() && !state.failure?.isLasting) timer = setTimeout(poll, state.nextRefreshAt - Date.now());
}

/** Starts to refresh and to follow the URL. A hidden page sends no requests. */
export function startPolling(): void {
  addEventListener("hashchange", follow);
  addEventListener("pointermove", ({ pointerType }) => {
    // A finger leaves what it has tapped under ":hover".
    if (pointerType === "mouse") movedAt = Date.now();
  });
  document.addEventListener("visibilitychange", followLive);
  // Relative times grow older by themselves.
  setInterval(() => document.hidden || change({}), 1_000);
  change({});
  void refresh();
}
