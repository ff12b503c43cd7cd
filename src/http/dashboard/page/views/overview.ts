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
import { number, plural, span } from "./format.ts";
import { badge, button, card, code, countOf, facts, heading, link, when } from "./parts.ts";
import { perMinute } from "./queues.ts";

export function overview(snapshot: Json<Snapshot>): Html {
  const { activity, mayChange } = snapshot;
  const { stats } = activity;
  const states = jobStates.map((state) =>
    link(
      { view: "jobs", state },
      html`${badge(state)}<b class="${state === "dead" && stats.deadLetterCount > 0 && "dead error"}">${number(countOf(stats, state))}</b>`,
    ),
  );
  return html`${heading("Overview", mayChange && html`${!stats.paused && button("Pause queue...", "pause", snapshot.queue)}${button("Enqueue...", "enqueue", "", "primary")}`)}
<nav class="states" aria-label="Jobs by state">${states}</nav>
${stats.totalEnqueued === 0 && firstSteps(snapshot)}
${failing(snapshot)}${snapshot.keys?.[0] && holding(snapshot.keys)}${charts(snapshot)}
<div class="columns even">${card("Pace", pace(snapshot))}${card("Cost", costs(snapshot))}</div>`;
}

const MINUTE_MS = 60_000;

function pace({ activity: { stats, minutes }, keys = [] }: Json<Snapshot>): Html {
  const { readyCount, oldestReadyAgeMs, nextRunAt, totalProcessed, totalFailed, totalExpired } = stats;
  const rate = perMinute(minutes.map(({ processed, retried, dead }) => processed + retried + dead));
  const held = keys.reduce((sum, { waiting }) => sum + waiting, 0);
  const waitMs = (Math.max(0, readyCount - held) / rate) * MINUTE_MS;
  return facts([
    ["Attempts a minute", number(rate)],
    ["Ready jobs take", rate > 0 && waitMs > 0 && `about ${span(waitMs)} at this pace`],
    [
      "Oldest ready job",
      oldestReadyAgeMs !== null
        ? span(oldestReadyAgeMs)
        : readyCount > 0
          ? link({ view: "flow" }, "held back by flow control")
          : "none",
    ],
    [
      link({ view: "upcoming" }, "Next due"),
      stats.paused ? "paused" : nextRunAt ? (Date.parse(nextRunAt) <= queueNow() ? "now" : when(nextRunAt)) : "nothing",
    ],
    [
      "Since the start",
      `${number(totalProcessed)} completed, ${number(totalFailed)} dead, ${number(totalExpired)} expired`,
    ],
  ]);
}

const failing = ({ failures }: Json<Snapshot>): Html =>
  html`${failures?.failures[0] && html`<section data-key="failing"><div class="row"><h2>What broke</h2><span class="end">${link({ view: "failures" }, "All failures")}</span></div>${groups(failures.failures, false, true)}</section>`}`;

const DAY_MS = 86_400_000;
const DAYS_OF_MONTH = 30;

/** Redis counts the jobs of all instances, and what those that run jobs spend. */
function costs({ activity, history }: Json<Snapshot>): Html {
  const { commandsToday } = activity.stats;
  if (commandsToday === 0) return html`<p>No commands today.</p>`;
  const figure = (value: string, what: string) => html`<p class="muted"><b>${value}</b>${what}</p>`;
  const now = queueNow();
  const processedSince = (from: number) =>
    history?.hours.reduce((sum, { at, processed }) => sum + (Date.parse(at) >= from ? processed : 0), 0) ?? 0;
  const day = processedSince(now - DAY_MS);
  const today = processedSince(now - (now % DAY_MS));
  const month = today === 0 ? 0 : (commandsToday / today) * day * DAYS_OF_MONTH;
  const { free, payg } = plans;
  const dollars = (of: number) => `$${((of / 100_000) * payg.dollarsPer100k).toFixed(2)}`;
  return html`<div class="figures">${figure(number(day), "jobs in 24 hours")}${today > 0 && figure(number(commandsToday / today), "commands per job")}
${month > 0 && html`${figure(number(Math.round(month)), "commands a month")}${month > free.commands ? figure(dollars(month), "a month") : figure("free", `up to ${number(free.commands)} a month`)}`}</div>
<p><small>Estimated from the jobs of 24 hours, and from ${plural(commandsToday, "command")} today (UTC). Not counted: reads, and instances that only enqueue. Upstash asks ${dollars(100_000)} per 100,000.</small></p>`;
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
