import { waitAfterFailure, waitAfterRefresh } from "./poll-interval.ts";
import { fetchSnapshot, type Refusal } from "./requests.ts";
import { readRoute } from "./route.ts";
import { change, queueNow, state } from "./state.ts";

// Looks at the queue again and again, and no more often than there is something to see.

const TICK_MS = 1_000;

let timer: ReturnType<typeof setTimeout>;
let underWay: AbortController | undefined;
/** How many looks in a row have found all as it was, or have failed. */
let quiet = 0;
let failures = 0;
/** What the queue was like at the last refresh, without what changes by itself. */
let last = "";

/** Looks now. What is under way is given up. */
export async function refresh(): Promise<void> {
  clearTimeout(timer);
  underWay?.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  try {
    const snapshot = await fetchSnapshot(state.route, signal);
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
  // Asking again changes nothing where the request itself is refused.
  const isLasting = status >= 400 && status < 500;
  change({ failure: { message, isLasting, since: state.failure?.since ?? Date.now() } });
  if (!isLasting) refreshIn(waitAfterFailure(failures++));
}

function refreshIn(waitMs: number): void {
  change({ nextRefreshAt: Date.now() + waitMs });
  if (!document.hidden) timer = setTimeout(refresh, waitMs);
}

/** Looks at once and soon again, since something was done. */
export function refreshAfterAction(): Promise<void> {
  last = "";
  return refresh();
}

/** Goes where the address points. */
async function follow(): Promise<void> {
  const { route: before, snapshot } = state;
  const route = readRoute(location.hash);
  const { jobs, job, schedules, ...common } = snapshot ?? {};
  change({
    route,
    // What was seen of another view would be taken for this one.
    snapshot: route.queue === before.queue && snapshot ? (common as typeof snapshot) : undefined,
    selected: new Set(),
    isAllSelected: false,
    notice: undefined,
    question: undefined,
  });
  if (route.view !== before.view || route.id !== before.id) document.querySelector("h1")?.focus();
  await refresh();
}

/** Starts to refresh, and to follow the address. Nothing is asked for while nobody can see it. */
export function startPolling(): void {
  addEventListener("hashchange", follow);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && !state.failure?.isLasting) timer = setTimeout(refresh, state.nextRefreshAt - Date.now());
  });
  // What is told in relation to now ages by itself.
  setInterval(() => document.hidden || change({}), TICK_MS);
  change({});
  void refresh();
}
