import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { hasContents } from "../state/polling.ts";
import type { Route } from "../state/route.ts";
import { isSearch } from "../state/search.ts";
import { chosen, type Setting } from "../state/settings.ts";
import { type ActionName, state } from "../state/state.ts";
import { pausedText } from "./attention.ts";
import { helpDialog, places, questionDialog, signInDialog } from "./dialogs.ts";
import { failures } from "./failures.ts";
import { flow } from "./flow.ts";
import { clock, distance, number } from "./format.ts";
import { job } from "./job.ts";
import { jobs } from "./jobs.ts";
import { changes, overview } from "./overview.ts";
import { button, heading, hrefTo, link } from "./parts.ts";
import { queues } from "./queues.ts";
import { schedules, upcoming } from "./schedules.ts";
import { names, type } from "./types.ts";

const views = { overview, queues, failures, jobs, job, names, type, schedules, upcoming, flow, changes };

/** How long the outcome of an action stays, if it is good. */
const NOTICE_MS = 10_000;

export function frame(): Html {
  const { snapshot: last, failure, isSignedOut, question, route } = state;
  if (!last && isSignedOut) return signInDialog(false);
  // While another queue loads, the data of this one must not look like its data.
  const snapshot = last && last.queue === queueIn(last) ? last : undefined;
  const isOne = route.view !== "queues" && !route.scope;
  const { paused, pausedBy, pausedAt, pausedReason } = (isOne && snapshot?.activity.stats) || {};
  return html`<div class="shell">${side(last, snapshot)}<main>${isOne && last?.queues[1] && crumbs(last)}
<div role="status">${failure && !failure.nowhere && trouble()}</div>
${paused && html`<p class="row retried banner"><span>Paused${pausedText(pausedBy, pausedAt)}: ${pausedReason ?? "no job starts"}.</span> ${snapshot?.mayChange && button("Resume queue", "resume", snapshot.queue)}</p>`}
${isOne && snapshot?.pausedJobs.filter(({ name }) => isAbout(name, snapshot)).map(({ name, reason, by, since }) => html`<p class="row retried banner" data-key="${name}"><span>${link({ view: "type", id: name }, name)} was paused${pausedText(by, since, reason)}</span> ${snapshot.mayChange && button("Resume", "resumeJobs", name, "", `Resume ${name}`)}</p>`)}
<div class="${(failure ? !failure.nowhere : state.isLoading) && "stale"}" aria-busy="${state.isLoading && !failure?.nowhere && "true"}">${failure?.nowhere ? nowhere(failure.nowhere) : snapshot && Object.hasOwn(views, route.view) && views[route.view](snapshot)}</div>
${state.isLoading && !failure && !hasContents() && html`<p class="loading muted">Loading...</p>`}${last && foot()}</main></div>
${question && questionDialog(question)}${state.isHelp && helpDialog()}${isSignedOut && signInDialog(true)}`;
}

/** Whether the view concerns a job type: unless it shows a job, a failure or a type of another name. */
const isAbout = (name: string, { job, failure }: Json<Snapshot>): boolean =>
  name === (job?.name ?? failure?.name ?? state.route.id ?? name);

/** Leads to where the page starts: with several queues, to all of them. */
const nowhere = (what: string): Html => html`${heading(what)}<p><a href="#">See the overview</a></p>`;

const ofAllQueues: Route = { view: "queues", queue: undefined, scope: "all" };

/** Leads from one queue back to all of them. */
const crumbs = (last: Json<Snapshot>): Html =>
  html`<div><p class="muted"><a href="${hrefTo(ofAllQueues)}" data-letter="q">All queues</a> › ${queueIn(last)}</p></div>`;

function side(last: Json<Snapshot> | undefined, snapshot: Json<Snapshot> | undefined): Html {
  const { scope, ...route } = state.route;
  // A job belongs to the jobs of its state, however it was opened.
  const { view, state: kind } = route.view === "job" ? { view: "jobs", state: snapshot?.job?.state } : route;
  const stats = snapshot?.activity.stats;
  const isDead = view === "jobs" && kind === "dead";
  const here = isDead ? "failures" : view === "queues" ? "overview" : view === "type" ? "names" : view;
  const counts: { readonly [View in Route["view"]]?: readonly [number | undefined, string?] } = {
    failures: [stats?.deadLetterCount, "dead"],
    jobs: [stats && stats.pendingCount + stats.runningCount, "waiting or running"],
    names: [snapshot?.names.length],
  };
  const entry = ([letter, to, text]: (typeof places)[number]) => {
    const [count = 0, what] = counts[to] ?? [];
    return html`<a href="${hrefTo({ view: to === "overview" && scope ? "queues" : to })}" aria-current="${to === here && "page"}" data-letter="${letter}">${icon(to)}<span>${text}</span>${count > 0 && html`<span class="count ${to === "failures" && "dead"}" title="${what}">${number(count)}</span>`}</a>`;
  };
  return html`<header><a class="skip" href="#" data-click="${"skip" satisfies ActionName}">Skip to the content</a>
<a class="brand" href="${hrefTo(last?.queues[1] ? ofAllQueues : { view: "overview" })}">${icon("tide")}Tidegate</a>${last && switcher(last)}${last && find(route.view === "jobs" && !route.group)}
<nav aria-label="Views">${places.map(entry)}</nav>
<div class="settings">${setting("theme", "Theme")}${button("Keys: ?", "help", "", "link")}${last?.mayChange === false && html`<small>Read only</small>`}${last?.csrf && button("Sign out", "sign-out", "", "link")}</div></header>`;
}

/** Searches the jobs of all queues. Where jobs have a search of their own, its place stays empty. */
const find = (isElsewhere: boolean): Html =>
  isElsewhere
    ? html`<div class="gap"><input/></div>`
    : html`<form role="search" aria-label="Find a job" data-submit="${"find" satisfies ActionName}"><input type="search" name="search" maxlength="256" aria-label="Search jobs" placeholder="Search customer=5" required="${true}"/></form>`;

const setting = (name: Setting, title: string): Html => button(`${title}: ${chosen(name)}`, "setting", name, "link");

const queueIn = ({ queues }: Json<Snapshot>): string | undefined => state.route.queue ?? queues[0];

/** Shows another queue in the same view. */
const switcher = (last: Json<Snapshot>): Html =>
  last.queues[1]
    ? html`<label class="switcher"><span class="muted">Queue</span><select data-change="${"switch" satisfies ActionName}" aria-label="Queue"><option value="/" selected="${state.route.scope === "all"}">All queues</option>${last.queues.map((each) => html`<option value="${each}" selected="${!state.route.scope && each === queueIn(last)}">${each}</option>`)}</select></label>`
    : html`<p class="switcher"><span class="muted">Queue</span> ${queueIn(last)}</p>`;

function trouble(): Html {
  const { failure, snapshot, seenAt, nextRefreshAt } = state;
  if (!failure) return html``;
  const next = failure.isLasting || failure.isSlow ? "" : `Retrying ${distance(nextRefreshAt - Date.now())}.`;
  return html`<p class="row dead banner">Reads fail: ${failure.message} ${snapshot && `This data is from ${clock(seenAt)}. `}<span aria-hidden="true">${next}</span>${button("Retry now", "refresh")}</p>`;
}

/** A bar that is always there, so that a notice in it covers nothing and moves nothing. */
function foot(): Html {
  const { seenAt, nextRefreshAt, failure, notice } = state;
  const isLive = chosen("live") === "on";
  const isShown = notice && (notice.isBad || notice.leadsTo || Date.now() - notice.at < NOTICE_MS);
  const next = !failure && isLive && `Next refresh ${distance(nextRefreshAt - Date.now())}.`;
  return html`<footer class="row" data-next="${Math.ceil(nextRefreshAt)}">${!isShown && html`<small>${isSearch() ? `Searched at ${clock(seenAt, "medium")}.` : html`Refreshed ${distance(seenAt - Date.now()).replace("now", "just now")}. ${next}`}</small>`}<span role="status">${isShown && html`<span class="banner ${notice.isBad ? "dead" : "completed"}">${notice.text} <small>${clock(notice.at, "medium")}</small> ${notice.leadsTo} ${button("Close", "leave", "", "link")}</span>`}</span> ${button("Refresh now", "refresh", "", "link")} <small class="end">${setting("live", "Live")}</small></footer>`;
}

// Drawn on a grid of 16 by 16.
const paths = {
  tide: "M2 2v12M14 2v12M2 6q3-2.5 6 0t6 0M2 10.5q3-2.5 6 0t6 0",
  overview: "M2 14V9M6 14V5M10 14V7M14 14V2",
  failures: "M8 2 15 14H1zM8 6.5v3.5M8 12v.5",
  jobs: "M5 4h9M5 8h9M5 12h9M2 4h.5M2 8h.5M2 12h.5",
  names: "M2 8V2h6l6 6-6 6zM5 5h.5",
  schedules: "M8 1.5a6.5 6.5 0 1 0 .01 0M8 4.5V8l2.5 1.5",
  upcoming: "M2 3.5h12v10H2zM2 6.5h12M5 1.5v3M11 1.5v3",
  changes: "M8 1.5a3 3 0 1 0 .01 0M2.5 14.5q0-5 5.5-5t5.5 5",
  flow: "M2 3h12l-4.5 5v5l-3-1.5V8z",
} as const;

export type Icon = keyof typeof paths;

export const icon = (name: Icon): Html =>
  html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="${paths[name]}"/></svg>`;
