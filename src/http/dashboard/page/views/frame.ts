import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { state } from "../state/state.ts";
import { questionDialog, signInDialog } from "./dialogs.ts";
import { flow } from "./flow.ts";
import { clock, distance, moment, number, plural } from "./format.ts";
import { job } from "./job.ts";
import { jobs } from "./jobs.ts";
import { overview } from "./overview.ts";
import { button, link } from "./parts.ts";
import { schedules } from "./schedules.ts";

const views = { overview, jobs, job, schedules, flow };

/** The whole page. */
export function frame(): Html {
  const { snapshot, failure, isSignedOut, question, route, notice } = state;
  if (!snapshot && isSignedOut) return signInDialog(false);
  const paused = snapshot?.activity.stats.paused;
  return html`${top(snapshot)}<main>
<div role="status">${notice && html`<p class="banner ${notice.isBad ? "dead" : "completed"}">${notice.text} <small>${moment(notice.at)}</small></p>`}${failure && trouble()}</div>
${paused && html`<p class="row retried banner">Paused: no job starts. ${snapshot?.mayChange && button("Resume queue", "post", "resume")}</p>`}
<div class="${failure && "stale"}">${snapshot && Object.hasOwn(views, route.view) && views[route.view](snapshot)}</div></main>
${snapshot && foot(snapshot)}${question && questionDialog(question)}${isSignedOut && signInDialog(true)}`;
}

function top(snapshot: Json<Snapshot> | undefined): Html {
  const { view, state: kind } = state.route;
  const dead = snapshot?.activity.stats.deadLetterCount;
  const isDead = view === "jobs" && kind === "dead";
  return html`<header class="row"><a class="skip" href="#" data-click="skip">Skip to the content</a>
<span class="row brand"><svg viewBox="0 0 20 20" aria-hidden="true"><path d="M3 2v16M17 2v16M3 7q3.5-3 7 0t7 0M3 13q3.5-3 7 0t7 0"/></svg>Tidegate</span>
${snapshot?.queues[1] && queues(snapshot)}<nav class="row end tabs" aria-label="Views">${link({ view: "overview" }, "Overview", view === "overview")}
${link({ view: "jobs" }, "Jobs", view === "job" || (view === "jobs" && !isDead))}
${link({ view: "jobs", state: "dead" }, html`Dead letter ${dead ? html`<span class="dead count">${number(dead)}</span>` : ""}`, isDead)}
${link({ view: "schedules" }, "Schedules", view === "schedules")}
${link({ view: "flow" }, "Flow control", view === "flow")}</nav>${snapshot?.csrf && button("Sign out", "sign-out", "", "link")}</header>`;
}

const queues = ({ queue, queues }: Json<Snapshot>): Html =>
  html`<nav class="row tabs" aria-label="Queues">${queues.map((each) => link({ view: "overview", queue: each }, each, each === queue))}</nav>`;

function trouble(): Html {
  const { failure, snapshot, seenAt, nextRefreshAt } = state;
  if (!failure) return html``;
  const next = failure.isLasting
    ? ""
    : `Failing since ${clock(failure.since)}; retrying ${distance(nextRefreshAt - Date.now())}.`;
  return html`<p class="row dead banner">${failure.message} ${snapshot && `These figures are from ${clock(seenAt)}.`}
 <span aria-hidden="true">${next}</span>${button("Retry now", "refresh")}</p>`;
}

function foot({ commands }: Json<Snapshot>): Html {
  const { seenAt, nextRefreshAt, failure } = state;
  return html`<footer><small>Updated ${distance(seenAt - Date.now())} for ${plural(commands, "command")}.
 ${!failure && `Next update ${distance(nextRefreshAt - Date.now())}.`}</small> ${button("Update now", "refresh", "", "link")}</footer>`;
}
