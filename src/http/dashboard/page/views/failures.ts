import type { FailureGroup } from "../../../../core/manage/failures.ts";
import type { Placed } from "../../contents.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import type { ActionName } from "../state/action-name.ts";
import { spark } from "./charts.ts";
import { number, plural } from "./format.ts";
import {
  badge,
  button,
  type Column,
  empty,
  heading,
  inQueue,
  keyOf,
  link,
  opens,
  queueTag,
  sortable,
  sortedBy,
  when,
} from "./parts.ts";

type Group = Json<FailureGroup & Placed>;

export function failures({ failures: page, activity, mayChange }: Json<Snapshot>): Html {
  const { deadLetterCount } = activity.stats;
  return html`${heading("Failures", deadLetterCount > 0 && link({ view: "jobs", state: "dead" }, `All ${plural(deadLetterCount, "dead job")}`))}
${page && deadLetterCount > 0 && groups(page.failures, mayChange)}
${page?.failures[0] && html`<p class="muted">New: began in the last 24 hours. Over: no new dead job for 12 hours.</p>`}
${page && deadLetterCount === 0 && empty("No dead jobs", "Jobs that use up their retries appear here, grouped by their error.")}
${!!page?.older && html`<p class="muted">These are the latest ${number(page.failures.length)} of ${page.cursor ? "the first " : ""}${number(page.failures.length + page.older)} groups of failures.</p>`}
${!!page?.ungrouped && html`<p class="muted">${plural(page.ungrouped, "dead job")} in no group: ${link({ view: "jobs", state: "dead" }, "see all dead jobs")}.</p>`}`;
}

const toJobs = ({ group, queue }: Group, text: Html | string): Html =>
  link({ ...inQueue(queue), view: "jobs", state: "dead", group }, text);

const columns: readonly Column<Group>[] = [
  ["first", "First", ({ firstAt }) => firstAt],
  ["last", "Last", ({ lastAt }) => lastAt],
  ["dead", "Dead", ({ count }) => count],
];
const styleOf = (column: string): string => (column === "dead" ? "figure" : "figure wide");

/** A table of groups. @param isShort leaves out the actions. */
export const groups = (all: readonly Group[], mayChange: boolean, isShort = false): Html =>
  html`${
    all[0] &&
    html`<div class="card table failures"><table><thead><tr><th>What failed</th><th class="figure wide">24 hours</th>${columns.map(
      ([name, text]) =>
        isShort ? html`<th class="${styleOf(name)}">${text}</th>` : sortable(name, text, styleOf(name), "-last"),
    )}</tr></thead>
<tbody>${sortedBy(all, isShort ? [] : columns).map((group) => line(group, mayChange, isShort, topOf(all)))}</tbody></table></div>`
  }`;

/** The most that died of one group in an hour: the trends have one scale. */
const topOf = (all: readonly Group[]): number =>
  Math.max(1, ...all.flatMap(({ trend }) => trend.map((dead) => dead ?? 0)));

function ageOf({ age }: Group): Html | null {
  return age && badge(age === "new" ? "dead" : "completed", age);
}

function line(group: Group, mayChange: boolean, isShort: boolean, top: number): Html {
  const { name, error, count, firstAt, lastAt, sampleId, trend, queue } = group;
  const what = `${error.name} of ${name}: ${error.message}`;
  const action = (text: string, act: ActionName, kind = "") =>
    button(`${text}...`, act, group.group, kind, `${text} ${what}`);
  return html`<tr data-key="${keyOf(queue, group.group)}" data-click="${opens}"><td class="job">${queueTag(queue)}${toJobs(group, name)} ${ageOf(group)}
<div class="dead error message"><b>${error.name}</b> ${error.message}</div>
<div class="narrow muted">Last ${when(lastAt)}, first ${when(firstAt)}</div>
${!isShort && html`<div class="row actions">${link({ ...inQueue(queue), view: "job", id: sampleId }, "Newest job")}${mayChange && html`${action("Retry", "retry-group")}${action("Edit newest", "edit-newest")}${action("Remove", "remove-group", "dead")}`}</div>`}</td>
<td class="wide">${spark(trend, "dead", top)}</td><td class="figure muted wide">${when(firstAt)}</td><td class="figure muted wide">${when(lastAt)}</td>
<td class="figure total">${number(count)}</td></tr>`;
}
