import { isReservedName } from "../../../../core/job/reserved.ts";
import { plans } from "../../../../core/store/plans.ts";
import { jobStates } from "../../../../core/store/store.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { root } from "../state/requests.ts";
import { queueNow } from "../state/state.ts";
import { charts } from "./charts/charts.ts";
import { groups } from "./failures/failures.ts";
import { holding } from "./flow.ts";
import { moment, number, span } from "./format.ts";
import { badge, button, card, code, countOf, facts, heading, link, when } from "./parts.ts";

export function overview(snapshot: Json<Snapshot>): Html {
  const { activity, mayChange } = snapshot;
  const { stats } = activity;
  const states = jobStates.map((state) =>
    link(
      { view: "jobs", state },
      html`${badge(state)}<b class="${state === "dead" && stats.deadLetterCount > 0 && "dead error"}">${number(countOf(stats, state))}</b>`,
    ),
  );
  return html`${heading("Overview", mayChange && html`${!stats.paused && button("Pause queue", "post", "pause")}${button("Enqueue...", "enqueue", "", "primary")}`)}
<nav class="states" aria-label="Jobs by state">${states}</nav>
${stats.totalEnqueued === 0 && firstSteps(snapshot)}
${failing(snapshot)}${snapshot.keys?.[0] && holding(snapshot.keys)}${charts(snapshot)}
<div class="columns even">${card(
    "Pace",
    facts([
      ["Oldest ready job", stats.oldestReadyAgeMs === null ? "none" : span(stats.oldestReadyAgeMs)],
      [
        link({ view: "upcoming" }, "Next due"),
        stats.nextRunAt ? (Date.parse(stats.nextRunAt) <= queueNow() ? "now" : when(stats.nextRunAt)) : "nothing",
      ],
      ["Processed", number(stats.totalProcessed)],
      ["Retried", number(stats.totalRetried)],
      ["Dead", number(stats.totalFailed)],
      ["Expired", number(stats.totalExpired)],
    ]),
  )}${card("Cost", costs(snapshot))}</div>`;
}

const failing = ({ failures }: Json<Snapshot>): Html =>
  html`${failures?.failures[0] && html`<section data-key="failing"><div class="row"><h2>What broke</h2><span class="end">${link({ view: "failures" }, "All failures")}</span></div>${groups(failures.failures, false, true)}</section>`}`;

const DAY_HOURS = 24;
const DAYS_OF_MONTH = 30;

/** Redis counts the jobs of all instances; what one of them costs, the responding instance has measured. */
function costs({ spending, history }: Json<Snapshot>): Html {
  const { commands, lookCommands, commandsPerJob, since } = spending;
  if (commands === 0) return html`<p>No commands so far.</p>`;
  const figure = (value: string, what: string) => html`<p class="muted"><b>${value}</b>${what}</p>`;
  const day = history?.hours.slice(-DAY_HOURS).reduce((sum, { processed }) => sum + processed, 0) ?? 0;
  const month = commandsPerJob === null ? 0 : commandsPerJob * day * DAYS_OF_MONTH;
  return html`<div class="figures">${figure(number(day), "jobs in 24 hours")}${commandsPerJob !== null && figure(number(commandsPerJob), "commands per job")}
${month > 0 && html`${figure(number(Math.round(month)), "a month for work")}${figure(`$${((month / 100_000) * plans.payg.dollarsPer100k).toFixed(2)}`, "a month")}`}</div>
<p><small>Redis counts the completed jobs, of all instances. The responding one has measured since ${moment(since)} what a job costs it, with retries and dead jobs: ${number(commands - lookCommands)} commands for work, and ${number(lookCommands)} for reads. Upstash's price is $${plans.payg.dollarsPer100k} per 100,000 commands; ${number(plans.free.commands)} a month are free.</small></p>`;
}

function firstSteps({ names, csrf, queue }: Json<Snapshot>): Html {
  const name = names.find((each) => !isReservedName(each)) ?? "send_email";
  const body = JSON.stringify({ name, payload: {} });
  const token = csrf && '-H "Authorization: Bearer $TOKEN" ';
  const address = `${location.origin}${root}queues/${encodeURIComponent(queue)}/jobs`;
  return card(
    "No jobs yet",
    html`<p>Enqueue one in code, with the button above, or try:</p>${code(`curl ${address} ${token ?? ""}--json '${body}'`)}`,
  );
}
