import type { RunStepView } from "../../../../qstash-port.ts";
import type { Placed } from "../../../contents.ts";
import type { RunRow } from "../../../read-runs.ts";
import type { Json, Snapshot } from "../../../snapshot.ts";
import type { Bar } from "../../../waterfall.ts";
import { type Html, html } from "../../dom/html.ts";
import { queueNow, state } from "../../state/state.ts";
import { plural, span } from "../format.ts";
import { badge, card, empty, facts, heading, inQueue, keyOf, link, queueTag, when } from "../parts.ts";
import { strip, strips, tookOf } from "./waterfall.ts";

type Row = Json<RunRow & Placed>;
type Workflows = NonNullable<Json<Snapshot>["workflows"]>;

/** Colours of the states of workflows and of their steps. */
const kinds: Readonly<Record<Workflows["runs"][number]["state"] | RunStepView["state"], Bar["kind"]>> = {
  ...{ started: "running", success: "completed", failed: "dead", canceled: "retried" },
  ...{ completed: "completed", retrying: "retried", waiting: "running" },
};

/** Jobs with steps, and runs of workflows where QStash's interface is served. */
export function runs({ runs: rows, workflows, isQStash }: Json<Snapshot>): Html {
  const { kind } = state.route;
  return html`${heading("Runs")}${isQStash && !state.route.scope && html`<nav class="row tabs" aria-label="Runs">${link({ view: "runs" }, "jobs with steps", !kind)}${link({ view: "runs", kind: "workflows" }, "workflows", kind === "workflows")}</nav>`}
${rows?.length === 0 && empty("No jobs with steps", html`They appear here once a job has called <code>job.step</code>. Among the latest 100 jobs of each state there are none.`)}
${rows?.[0] && html`<div class="card table"><table><thead><tr><th>Run</th><th class="wide">Steps by time</th><th class="figure">Duration</th></tr></thead><tbody>${rows.map(line)}</tbody></table></div><p class="muted">Among the latest 100 jobs of each state.</p>`}
${workflows && listed(workflows)}`;
}

function line({ id, name, state: kind, bars, queue }: Row): Html {
  const failed = bars.find((bar) => bar.kind === "dead" || bar.kind === "retried");
  const done = bars.filter((bar) => bar.kind === "completed").length;
  const from = bars[0]?.from ?? 0;
  const end = Math.max(...bars.map(({ to }) => to ?? queueNow()));
  return html`<tr data-key="${keyOf(queue, id)}" data-row="${true}" data-click="open"><td class="job">${queueTag(queue)}${link({ ...inQueue(queue), view: "job", id }, name)} <code class="muted">${id}</code>
<div>${badge(kind)}<span class="muted">${plural(done, "step")} completed</span></div>${failed && html`<div class="dead error"><b>${failed.name}</b> ${failed.error}</div>`}</td>
<td class="wide strip">${strip(bars)}</td><td class="figure muted">${span(end - from)}<div>began ${when(new Date(from).toISOString())}</div></td></tr>`;
}

function listed({ runs: all, cursor }: Workflows): Html {
  const { route } = state;
  if (!all[0])
    return empty("No runs of workflows", "Runs that the workflow SDK has triggered here appear, the newest first.");
  return html`<div class="card table"><table><thead><tr><th>Workflow</th><th class="figure">Triggered</th></tr></thead><tbody>${all.map(
    ({ id, url, state: of, createdAt }) =>
      html`<tr data-key="${id}" data-row="${true}" data-click="open"><td class="job">${link({ view: "run", id }, url)} <code class="muted">${id}</code><div>${badge(kinds[of], of)}</div></td><td class="figure muted">${when(new Date(createdAt).toISOString())}</td></tr>`,
  )}</tbody></table></div><nav class="row" aria-label="Pages">${route.after && link({ ...route, after: undefined }, "Newest runs")}${cursor && link({ ...route, after: cursor }, "Older runs")}</nav>`;
}

const barOf = ({ name, state: of, from, to, error }: Json<RunStepView>, endedAt: number | undefined): Bar => ({
  ...{ name, kind: kinds[of], from, error },
  to: to ?? endedAt ?? null,
});

const step = ({ name, kind, error, ...times }: Bar, strip?: Html): Html =>
  html`<li class="${kind}"><div class="row"><b>${name}</b><span class="muted end">${tookOf(times)}</span></div>${strip}${error && html`<p class="dead error message">${error}</p>`}</li>`;

/** One run of a workflow. */
export function run({ workflow }: Json<Snapshot>): Html {
  if (workflow === undefined) return heading("Run");
  if (workflow === null)
    return html`${heading("No such run")}${empty("Not found", `No run of a workflow has the id ${state.route.id}. Ended runs are kept for three days.`)}`;
  const { id, url, state: of, createdAt, endedAt, steps } = workflow;
  const bars = steps.map((step) => barOf(step, endedAt));
  const lines = strips(bars);
  const messages = steps.filter((step) => step.state !== "completed" && step.state !== "canceled");
  return html`${heading(html`${url} ${badge(kinds[of], of)}`)}<div class="columns"><div>${bars[0] && card("Steps", html`<ol class="timeline">${bars.map((bar, index) => step(bar, lines[index]))}</ol>`)}</div>
<div>${card(
    "About",
    facts([
      ["Id", html`<code>${id}</code>`],
      ["Triggered", when(new Date(createdAt).toISOString())],
      ["Ended after", endedAt !== undefined && span(endedAt - createdAt)],
      ...messages.map(
        ({ name, messageId }) => [`Message of ${name}`, link({ view: "job", id: messageId }, "see it")] as const,
      ),
    ]),
  )}</div></div>`;
}
