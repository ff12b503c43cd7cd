import { isReservedName } from "../../../../../core/job/reserved.ts";
import type { Json, ScheduleRow, Snapshot } from "../../../snapshot.ts";
import { type Html, html } from "../../dom/html.ts";
import { moment } from "../format.ts";
import { badge, button, empty, heading, link, when } from "../parts.ts";
import { describeCron } from "./describe-cron.ts";

export function schedules({ schedules, mayChange }: Json<Snapshot>): Html {
  return html`${heading("Schedules", mayChange && button("Create...", "schedule", "", "primary"))}
${schedules?.length === 0 && empty("No schedules", html`Create one here, or give a job one in code, as in <code>schedule: { cron: "0 9 * * *", timeZone: "Europe/Paris" }</code>.`)}
${schedules?.map((row) => schedule(row, mayChange))}`;
}

function schedule(row: Json<ScheduleRow>, mayChange: boolean): Html {
  const { key, name, cron, every, timeZone, paused, declared, nextRunAt, lastRunAt, lastJobId } = row;
  const action = (text: string) =>
    button(text, "post", `schedules/${encodeURIComponent(key)}/${text.toLowerCase()}`, "", `${text} ${key}`);
  return html`<section class="card" data-key="${key}"><div class="row"><h2>${key}</h2>${paused && badge("retried", "paused")}${declared && badge("scheduled", "in code")}
${
  mayChange &&
  html`<span class="row end">${action("Run")}${action(paused ? "Resume" : "Pause")}
${!declared && html`${!isReservedName(name) && button("Change...", "schedule", key, "", `Change ${key}`)}${button("Remove...", "unschedule", key, "dead", `Remove ${key}`)}`}</span>`
}</div>
<p>${cron ? describeCron(cron) : `Every ${every}`} <code class="cron">${cron}</code> <small>${timeZone}</small></p>
<p class="muted">Enqueues ${link({ view: "jobs", search: name, by: "name" }, name)}; next ${nextRunAt ? when(nextRunAt) : "never"}; last ${lastRunAt ? when(lastRunAt) : "never"} ${lastJobId && link({ view: "job", id: lastJobId }, "its job")}</p>
<details><summary>Next five occurrences</summary><ol>${row.occurrences.map((at) => html`<li>${moment(at, timeZone)} <small>${when(at)}</small></li>`)}</ol>
<small>Missed occurrences: ${row.missed}. Overlap: ${row.overlap}.</small></details></section>`;
}
