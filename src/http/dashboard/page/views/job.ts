import type { HeldBack } from "../../../../core/flow/held-back.ts";
import { heldBackTexts } from "../../../../core/flow/texts.ts";
import type { JobError, JobInfo } from "../../../../core/manage/job-info.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { state } from "../state/state.ts";
import { moment } from "./format.ts";
import { attempts, badge, button, card, code, empty, facts, heading, link, when } from "./parts.ts";

type Info = Json<JobInfo>;

export function job({ job, mayChange }: Json<Snapshot>): Html {
  if (job === undefined) return heading("Job");
  if (job === null)
    return html`${heading("No such job")}${empty("Not found", `No job has the id ${state.route.id}. Completed jobs are kept for a limited time.`)}`;
  const errors = [...job.errors].reverse();
  // Usually the job died of its last failed attempt, which is shown anyway.
  const isOther = errors[0]?.message !== job.error?.message;
  const value = (title: string, of: unknown) => of !== undefined && card(title, code(JSON.stringify(of, null, 2)));
  return html`${heading(html`${job.name} ${badge(job.state)}`, mayChange && actions(job.state))}
<div class="columns"><div>${isOther && job.error && failure("Last error", job.error)}${value("Payload", job.payload)}
${value("Result", job.result)}${value("Progress", job.progress)}${job.logs[0] && card("Log", log(job))}${errors.map((error) => failure(`Attempt ${error.attempt}`, error))}</div>
<div>${about(job)}${job.heldBack && held(job.heldBack)}${card("Timeline", timeline(job))}</div></div>`;
}

function actions(kind: Info["state"]): Html | false {
  if (kind === "completed") return button("Run again...", "again", "", "primary");
  if (kind === "dead")
    return html`${button("Run again...", "again")}${button("Retry...", "retry", "", "primary")}${button("Retry with another payload...", "edit")}${button("Remove...", "remove", "", "dead")}`;
  if (kind !== "scheduled" && kind !== "ready") return false;
  return html`${kind === "scheduled" && button("Run now", "run", "", "primary")}${button("Reschedule...", "reschedule")}${button("Cancel...", "cancel", "", "dead")}`;
}

const about = (job: Info): Html =>
  card(
    "About",
    facts([
      ["Id", html`<code>${job.id}</code>`],
      ["Attempts", attempts(job)],
      ["Runs", job.runAt && when(job.runAt)],
      ["Schedule", job.schedule && link({ view: "schedules" }, job.schedule.key)],
    ]),
  );

const held = ({ key, reason, since, until }: Json<HeldBack>): Html =>
  card(
    "Held back",
    html`<p>By the key ${link({ view: "flow", search: key }, key)}: ${heldBackTexts[reason]}.</p>
${facts([
  ["Since", when(since)],
  ["Until", until && when(until)],
])}`,
  );

function timeline(job: Info): Html {
  const events: readonly (readonly [string | null | undefined, string, string])[] = [
    [job.enqueuedAt, "Enqueued", "ready"],
    // Events of the same millisecond happened in this order.
    [job.startedAt, `Attempt ${job.attempts} started`, "running"],
    ...job.errors.map(({ failedAt, attempt }) => [failedAt, `Attempt ${attempt} failed`, "retried"] as const),
    [job.completedAt, "Completed", "completed"],
    [job.failedAt, "Died", "dead"],
    [job.runAt, "Runs", "scheduled"],
  ];
  const known = events.flatMap(([at, text, kind]) => (at ? [{ at, text, kind }] : []));
  known.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return html`<ol>${known.map(({ at, text, kind }) => html`<li class="${kind}">${text}<small>${moment(at)}, ${when(at)}</small></li>`)}</ol>`;
}

const log = ({ logs }: Info): Html =>
  html`<ol>${logs.map(({ at, attempt, message, data }) => html`<li>${message}${data !== undefined && html` <code>${JSON.stringify(data)}</code>`}<small>attempt ${attempt}, ${moment(at)}</small></li>`)}</ol>`;

const failure = (title: string, { name, message, stack }: JobError): Html =>
  card(
    `${title}: ${name}`,
    html`<p>${message}</p>${stack && html`<details><summary>Stack</summary>${code(stack)}</details>`}`,
    "dead failure",
  );
