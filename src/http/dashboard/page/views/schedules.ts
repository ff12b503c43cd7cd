import type { Json, ScheduleRow, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { describeCron } from "./describe-cron.ts";
import { moment } from "./format.ts";
import { badge, button, heading, link, when } from "./parts.ts";

export function schedules({ schedules, mayChange }: Json<Snapshot>): Html {
  return html`${heading("Schedules")}${schedules?.length === 0 && empty()}${schedules?.map((row) => schedule(row, mayChange))}`;
}

const empty = (): Html => html`<p class="card">No schedules. Give a job one in code, as in
 <code>schedule: { cron: "0 9 * * *", timeZone: "Europe/Paris" }</code>, or PUT one at /schedules/KEY.</p>`;

function schedule(row: Json<ScheduleRow>, mayChange: boolean): Html {
  const { key, name, cron, timeZone, paused, nextRunAt, lastRunAt, lastJobId } = row;
  const action = (text: string) =>
    button(text, "post", `schedules/${encodeURIComponent(key)}/${text.toLowerCase()}`, "", `${text} ${key}`);
  return html`<section class="card" data-key="${key}"><div class="row"><h2>${key}</h2>${paused && badge("retried", "paused")}
${mayChange && html`<span class="row end">${action("Run")}${action(paused ? "Resume" : "Pause")}</span>`}</div>
<p>${describeCron(cron)} <code>${cron}</code> <small>${timeZone}</small></p>
<p class="muted">Enqueues ${link({ view: "jobs", search: name }, name)}; next ${nextRunAt ? when(nextRunAt) : "never"}; last ${lastRunAt ? when(lastRunAt) : "never"} ${lastJobId && link({ view: "job", id: lastJobId }, "its job")}</p>
<details><summary>Next five runs</summary><ol>${row.occurrences.map((at) => html`<li>${moment(at, timeZone)} <small>${when(at)}</small></li>`)}</ol>
<small>Missed runs: ${row.missed}. Overlap: ${row.overlap}.</small></details></section>`;
}
