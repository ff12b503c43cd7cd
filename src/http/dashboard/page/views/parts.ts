import type { JobInfo } from "../../../../core/manage/job-info.ts";
import type { JobState } from "../../../../core/store/store.ts";
import { MOST_SHOWN_CHARACTERS } from "../../shown-job.ts";
import type { Json } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { type Route, routeQuery } from "../state/route.ts";
import { type ActionName, queueNow, state } from "../state/state.ts";
import { distance, moment, number } from "./format.ts";

/** A time relative to now. Its title is the exact time. */
export const when = (at: string): Html =>
  html`<time datetime="${at}" title="${moment(at)}">${distance(Date.parse(at) - queueNow())}</time>`;

/** A time at the end of a row of a timeline. @param before what it is */
export const stamp = (at: string, before = ""): Html =>
  html`<small class="end">${before}${moment(at)}, ${when(at)}</small>`;

/** The URL of another route in the same queue, or in all of them. */
export const hrefTo = (route: Route): string => {
  const { queue, scope }: Partial<Route> = state.failure?.nowhere ? {} : state.route;
  return `#${routeQuery({ queue, scope: "queue" in route ? undefined : scope, ...route })}`;
};

/** Whether a row says in which queue it is: in a view of all queues, and if it was found in another one. */
const isPlaced = (queue: string | undefined): boolean =>
  !!state.route.scope || (queue !== undefined && queue !== state.snapshot?.queue);

/** The queue of a row, for a route: its links lead into that queue. */
export const inQueue = (queue: string | undefined): Pick<Route, "queue"> => (isPlaced(queue) ? { queue } : {});

/** The name of a row's queue, if it is not the one on screen. */
export const queueTag = (queue: string | undefined): Html | false =>
  isPlaced(queue) && html`<span class="count">${queue}</span> `;

/** What distinguishes a row, in a view of all queues too. */
export const keyOf = (queue: string | undefined, key: string): string => (isPlaced(queue) ? `${queue}/${key}` : key);

export const link = (route: Route, text: Html | string, isHere = false): Html =>
  html`<a href="${hrefTo(route)}" aria-current="${isHere && "page"}">${typeof text === "string" ? breakable(text) : text}</a>`;

/** Leads to what a queue has retried in a time. */
export function linkToRetried(from: number | string, until: number | string, of: Pick<Route, "queue">): Html {
  const search = [from, until].map((time) => new Date(time).toISOString()).join("/");
  return link({ ...of, view: "jobs", by: "retried", search }, "See what became of them");
}

/** A name that is broken after its parts, where it does not fit. */
const breakable = (text: string): Html => html`${text.split(/(?<=[_.:/-])/).map((part) => html`${part}<wbr/>`)}`;

/** The parent of a job whose id says that it is a child. */
export const parentIn = (id: string): string | undefined => /^(.+)\/\d{6}(-\w+)?$/.exec(id)?.[1];

/** Ranges of time: the text of each, and its value in the URL. */
type Ranges = readonly (readonly [string, Route["range"]?])[];

/** Links to a route with other ranges of time. @param field where the route has the range */
export const rangeLinks = (what: string, to: Route, of: Ranges, field: "range" | "latency" = "range"): Html =>
  html`<nav class="row ranges" aria-label="Range of the ${what}">${of.map(([text, range]) => link({ ...to, [field]: range }, text, range === state.route[field]))}</nav>`;

export const badge = (kind: string, text: Html | string = kind): Html =>
  html`<span class="badge ${kind}">${text}</span>`;

/** What the run time of a waiting job says: that of a ready one has passed, and of one whose type is paused it may. */
export function runText({ state: of, waitingFor, steps, attempts, errors, ...job }: Json<JobInfo>): string {
  if (of === "ready" || Date.parse(job.runAt ?? "") <= queueNow()) return "Due";
  if (waitingFor) return "Times out";
  if (steps?.some((step) => step.state === "sleeping")) return "Sleeps until";
  if (attempts > 0) return "Next attempt";
  // A snoozed attempt does not count, and leaves what it has reported. After a retry from the dead-letter queue, the
  // errors say that this is none.
  const hasBegun = job.progress !== undefined || job.logs[0];
  return hasBegun && !errors[0] ? "Snoozed by its handler until" : "Runs";
}

/** Whether a job is not at work, and has not ended. */
export const isWaiting = ({ state: of }: { readonly state: JobState }): boolean => of === "scheduled" || of === "ready";

/** A button for an action. If several show the same text, `label` distinguishes them. */
export const button = (text: string, action: ActionName, argument = "", kind = "", label = text): Html =>
  html`<button type="button" class="${kind}" data-click="${action}" data-with="${argument}" aria-label="${label}">${text}</button>`;

/** The action of a row: it opens where nothing else is clicked. */
export const opens: ActionName = "open";

/** A job of a list. */
type Listed = Pick<Json<JobInfo>, "id" | "state" | "queue">;

/** Whether there is something to do with a job of a list, together with those that are selected. */
export const maySelect = (job: Listed): boolean =>
  (isWaiting(job) || job.state === "dead") && (!state.selected.size || job.queue === state.selectedIn);

export const isSelected = ({ id, queue }: Listed): boolean =>
  state.isAllSelected || (queue === state.selectedIn && state.selected.has(id));

/** "2 of 4", or "2" if the queue does not know the limit. */
export const attempts = (job: Pick<JobInfo, "attempts" | "maxRetries">): string =>
  job.maxRetries === undefined ? `${job.attempts}` : `${job.attempts} of ${job.maxRetries + 1}`;

export const code = (text: string): Html =>
  html`<pre tabindex="0">${text.slice(0, MOST_SHOWN_CHARACTERS)}${text[MOST_SHOWN_CHARACTERS] && "..."}</pre>`;

/** A cell with a count. @param kind its colour, unless it is 0 @param before that of yesterday @param to its list */
export const figure = (count: number, kind = "", style = "", before?: number, to?: Route): Html =>
  html`<td class="figure ${style} ${count > 0 ? kind && `${kind} error` : "muted"}">${to && count > 0 ? html`<a class="${kind}" href="${hrefTo(to)}">${number(count)}</a>` : number(count)}${before !== undefined && count + before > 0 && html`<div class="muted">yesterday ${number(before)}</div>`}</td>`;

/** A job may report more than the whole: the bar ends there. @param share how much is done */
export function progressBar(share: number): Html {
  const done = Math.max(0, Math.min(1, share));
  return html`<div class="row"><progress value="${done}" max="1" aria-label="Progress"></progress>${Math.round(done * 100)}%</div>`;
}

/** Its title identifies it within a view. */
export const card = (title: string, content: Html): Html =>
  html`<section class="card" data-key="${title}"><h2>${title}</h2>${content}</section>`;

/** Says that a view has nothing to show, and what to do. */
export const empty = (title: string, text: Html | string): Html =>
  html`<section class="card empty"><h2>${title}</h2><p>${text}</p></section>`;

/** A search within a view. @param more a choice */
export function searchForm(what: string, more?: Html): Html {
  const { search } = state.route;
  return html`<form class="row" role="search" data-submit="${"search" satisfies ActionName}" data-key="search">
<input type="search" name="search" maxlength="256" value="${search}" aria-label="${what}" placeholder="${`${what}  ( / )`}"/>${more}
<button>Search</button></form>`;
}

/** A list of facts, without those that have no value. */
export const facts = (of: readonly (readonly [Html | string, Html | string | false | null | undefined])[]): Html =>
  html`<dl>${of.map(([name, value]) => value && html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

/** The heading of a view. It gets the focus when the user comes from another view. */
export const heading = (text: Html | string, actions?: Html | false): Html =>
  html`<div class="row head"><h1 tabindex="-1">${text}</h1><div class="row end">${actions}</div></div>`;
