import { isReservedName } from "../../../../core/job/reserved.ts";
import { isGrowing, paceText } from "../../../../core/manage/pace.ts";
import { changeText } from "../../../../core/observe/change-text.ts";
import { jobStates } from "../../../../core/store/store.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { root } from "../state/requests.ts";
import { countOf, queueNow, state } from "../state/state.ts";
import { attention, type Stats } from "./attention.ts";
import { charts } from "./charts.ts";
import { groups } from "./failures.ts";
import { capital, hour, number, span } from "./format.ts";
import { badge, button, card, code, empty, heading, inQueue, link, linkToRetried, queueTag, when } from "./parts.ts";

export function overview(snapshot: Json<Snapshot>): Html {
  const { stats } = snapshot.activity;
  const states = jobStates.map((each) =>
    link(
      { view: "jobs", state: each },
      html`${badge(each)}<b class="${each === "ready" && isGrowing(stats) && "retried error"}">${number(countOf(stats, each))}</b><small>${each === "ready" ? readyText(stats, !!snapshot.keys?.[0]) : each === "scheduled" && stats.runningCount === 0 && Date.parse(stats.nextRunAt ?? "") > queueNow() && html`next ${stats.scheduledCount > 0 && "job or "}schedule ${when(stats.nextRunAt ?? "")}`}</small>`,
    ),
  );
  return html`${heading("Overview", snapshot.mayChange && html`${!stats.paused && button("Pause queue...", "pause", snapshot.queue)}${button("Enqueue...", "enqueue", "", "primary")}`)}
<nav class="states" aria-label="Jobs by state">${states}</nav>
${stats.totalEnqueued === 0 && firstSteps(snapshot)}
${attention({ ...snapshot, pausedJobs: [] })}
${snapshot.failures?.failures[0] && html`<section data-key="failing"><div class="row"><h2>What broke</h2><span class="end">${link({ view: "failures" }, "All failures")}</span></div>${groups(snapshot.failures.failures, snapshot)}</section>`}${charts(snapshot)}`;
}

/** Whether the queue keeps up, and since when its oldest ready job could have started. */
export function readyText(stats: Stats, isHolding: boolean): string {
  const { oldestReadyAgeMs: age, readyCount } = stats;
  const held = readyCount > 0 && "held back";
  const oldest = age === null ? held : `oldest ${isHolding ? "not held back " : ""}${span(age)}`;
  return [paceText(stats, number, span), oldest].filter(Boolean).join("; ");
}

/** Who changed what, newest first. The search is for who. */
export function changes({ changes: all, queue, queues }: Json<Snapshot>): Html {
  const { search, scope } = state.route;
  const isPart = !!queues[1] && !scope;
  const shown = all?.filter(({ by }) => !search || (by ?? NOBODY) === search);
  const title = html`Changes${isPart && html` of ${queue} only`}${search && html` by ${search}`}`;
  return html`${heading(title, (isPart || !!search) && link({ view: "changes", queue: undefined, ...(queues[1] && { scope: "all" }) }, "All changes"))}${shown && (shown[0] ? changeTable(shown) : empty("No changes", "Give tokens names, and you see who changed what."))}`;
}

const NOBODY = "no name";

/** How long before its entry a retry may have begun. */
const RETRY_MS = 60_000;

const changeTable = (all: NonNullable<Json<Snapshot>["changes"]>): Html =>
  html`<div class="card table"><table><thead><tr><th>Change</th><th>By</th><th class="figure">Jobs</th><th class="figure">When</th></tr></thead>
<tbody>${all.map(
    ({ queue, at, by, operation, target, count, reason }, index) =>
      html`<tr data-key="${`${at} ${index}`}"><td class="job">${queueTag(queue)}${did(operation, target ?? "", queue, count === 1)}${reason && `: ${reason}`} ${operation === "retryDeadJobs" && linkToRetried(Date.parse(at) - RETRY_MS, at, inQueue(queue))}</td><td class="by">${link({ view: "changes", search: by ?? NOBODY }, by ?? NOBODY)}</td><td class="figure">${count !== null && number(count)}</td><td class="figure muted">${when(at)} <small>${hour(at)}</small></td></tr>`,
  )}</tbody></table></div>`;

/** "Paused jobs of send_email", "Cancelled job refund-8811", "Cleared pending jobs", "Paused the queue" */
function did(operation: string, target: string, queue: string | undefined, isOne: boolean): Html | string {
  const text = capital(changeText(operation));
  const isOfJobs = text.endsWith("jobs");
  if (isOfJobs && /^(pending|scheduled|ready)$/.test(target)) return text.replace("jobs", `${target} jobs`);
  const isGroup = text.endsWith("dead jobs") && /^[0-9a-f]{12}$/.test(target);
  const subject = isGroup
    ? link({ ...inQueue(queue), view: "jobs", state: "dead", group: target }, "one failure")
    : target
      ? html`<code>${target}</code>`
      : "the queue";
  if (isOfJobs && isOne && target && !isGroup) return html`${text.slice(0, -1)} ${subject}`;
  // Without a target, these were chosen one by one, or are all.
  return isOfJobs && !target ? text : html`${text} ${isOfJobs && "of "}${subject}`;
}

function firstSteps({ names, csrf, queue }: Json<Snapshot>): Html {
  const name = names.find((each) => !isReservedName(each)) ?? "send_email";
  const body = JSON.stringify({ name, payload: {} });
  const token = csrf && '-H "Authorization: Bearer $TOKEN" ';
  const address = `${location.origin}${root}queues/${encodeURIComponent(queue)}/jobs`;
  return card(
    "No jobs yet",
    html`<p>Enqueue one here, in code, or try:</p>${code(`curl ${address} ${token ?? ""}--json '${body}'`)}`,
  );
}
