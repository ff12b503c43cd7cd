import type { FailureGroup } from "../../../../core/manage/failures.ts";
import type { Placed } from "../../contents.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import type { ActionName } from "../state/state.ts";
import { pauseButton, since } from "./attention.ts";
import { spark } from "./charts.ts";
import { number, plural } from "./format.ts";
import { badge, button, empty, heading, inQueue, keyOf, link, opens, parentIn, queueTag, when } from "./parts.ts";
import { type Column, sortable, sortedBy } from "./sort.ts";

type Group = Json<FailureGroup & Placed>;

export function failures(snapshot: Json<Snapshot>): Html {
  const { failures: page, activity } = snapshot;
  const { deadLetterCount } = activity.stats;
  return html`${heading("Failures", deadLetterCount > 0 && link({ view: "jobs", state: "dead" }, `All ${plural(deadLetterCount, "dead job")}`))}
${page && deadLetterCount > 0 && groups(page.failures, snapshot)}
${page && deadLetterCount === 0 && empty("No dead jobs", "Jobs that use up their retries appear here, grouped by their error.")}
${!!page?.older && html`<p class="muted">These are the latest ${number(page.failures.length)} of ${page.cursor ? "the first " : ""}${number(page.failures.length + page.older)} groups of failures.</p>`}
${!!page?.ungrouped && html`<p class="muted">${plural(page.ungrouped, "dead job")} in no group: ${link({ view: "jobs", state: "dead" }, "see all dead jobs")}.</p>`}`;
}

const columns: readonly Column<Group>[] = [
  ["hour", "Still dead, last hour", ({ trend }) => trend.at(-1) ?? 0],
  ["last", "Last", ({ lastAt }) => lastAt],
  ["dead", "Dead", ({ count }) => count],
];

/** A table of groups, each with what can be done about it. */
export const groups = (all: readonly Group[], snapshot: Json<Snapshot>): Html =>
  html`${
    all[0] &&
    html`<div class="card table failures"><table><thead><tr><th>What failed</th><th class="figure wide">24 hours</th>${columns.map(
      ([name, text]) => sortable(name, text, name === "dead" ? "figure" : "figure wide", "-last"),
    )}</tr></thead>
<tbody>${sortedBy(all, columns).map((group) => line(group, all, snapshot))}</tbody></table></div>`
  }`;

function line(group: Group, all: readonly Group[], snapshot: Json<Snapshot>): Html {
  const { name, error, count, firstAt, lastAt, sampleId, trend, queue } = group;
  const parent = parentIn(sampleId);
  const to = { ...inQueue(queue), view: "jobs", state: "dead", group: group.group } as const;
  const what = `${error.name} of ${name}: ${error.message}`;
  const action = (text: string, act: ActionName, kind = "") =>
    button(`${text}...`, act, group.group, kind, `${text} ${what}`);
  const isOneOf = all.some((other) => other !== group && other.name === name && other.queue === queue);
  // The trends have one scale.
  const top = Math.max(...all.flatMap((each) => each.trend.map((dead) => dead ?? 0)));
  const [before, dead] = trend.slice(-2);
  // Of a large group, only the last jobs are counted.
  const hour = `${number(dead ?? 0)}${before === null ? "+" : ""}`;
  return html`<tr data-key="${keyOf(queue, group.group)}" data-queue="${queue}" data-click="${opens}"><td class="job">${queueTag(queue)}${link(to, name)} ${group.age && badge(group.age === "new" ? "dead" : "completed", group.age)} <span class="muted">${since(firstAt)}</span>
<div class="dead error message"><b>${error.name}</b> ${error.message}</div>
<div class="narrow muted">${hour} of the last hour still dead, the last ${when(lastAt)}</div>
<div class="row actions">${link(to, "Who is affected")}${parent && link({ ...inQueue(queue), view: "job", id: parent }, `Child of ${parent}`)}${snapshot.mayChange && html`${action("Retry", "retry-group")}${isOneOf && button(`Retry all ${name}...`, "retry-type", name)}${action("Remove", "remove-group", "dead")}${pauseButton(name, queue, snapshot, " type")}`}</div></td>
<td class="wide">${spark(trend, "dead", top)}</td><td class="figure wide ${!dead && "muted"}">${hour}</td><td class="figure muted wide">${when(lastAt)}</td>
<td class="figure total">${number(count)}</td></tr>`;
}
