import { heldBackTexts } from "../../../../core/flow/flow-key.ts";
import { isReservedName } from "../../../../core/job/reserved.ts";
import { shareOf, waitsFor } from "../../../../core/manage/job-text.ts";
import { paceText } from "../../../../core/manage/pace.ts";
import type { ShownJob } from "../../shown-job.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { queueNow, state } from "../state/state.ts";
import { timeline } from "./attempts.ts";
import { pausedText } from "./attention.ts";
import { capital, number, plural, span } from "./format.ts";
import { elsewhere, list } from "./jobs.ts";
import {
  attempts,
  badge,
  button,
  card,
  code,
  empty,
  facts,
  heading,
  isWaiting,
  link,
  parentIn,
  progressBar,
  runText,
  stamp,
  when,
} from "./parts.ts";

type Info = Json<ShownJob>;

export function job(snapshot: Json<Snapshot>): Html {
  const { job, jobs, mayChange } = snapshot;
  const { route, notice } = state;
  if (job === undefined) return heading("Job");
  if (job === null)
    return html`${heading(route.id ?? "")}${notice && !notice.isBad && !notice.leadsTo ? empty(notice.text, "No job has this id now.") : empty("No such job", "Completed jobs are kept for a limited time.")}`;
  const { children: shown = job.children?.dead ? "dead" : "all" } = route;
  return html`${elsewhere(snapshot)}${heading(html`${job.name} <code>${job.id}</code> ${badge(job.state)}`, mayChange && actions(job))}
${isWaiting(job) && html`<p class="scheduled banner" data-key="awaited">Waits for ${awaited(job, snapshot)}</p>`}
<div class="columns"><div>${steps(job)}${card("Timeline", timeline(job))}${value("Payload", job, "payload")}${value("Result", job, "result")}</div>
<div>${about(job)}${job.children && family(job, job.children, snapshot)}${progress(job)}</div></div>
${jobs && html`<section data-key="children"><div class="row"><h2>${shown === "all" ? "Children" : `${capital(childKind(shown))} children`}</h2>${shown !== "all" && link({ view: "job", id: job.id, children: "all" }, "All children")}</div>${list(jobs, { ...snapshot, mayChange: false })}</section>`}`;
}

function value(title: string, { beginnings, ...job }: Info, name: keyof NonNullable<Info["beginnings"]>): Html | false {
  const text = beginnings?.[name] ?? JSON.stringify(job[name], null, 2);
  if (text === undefined) return false;
  if (job.encrypted)
    return card(title, html`<p>🔒 Encrypted with the key ${job.encrypted}, which this queue lacks.</p>`);
  const copies =
    name === "payload" &&
    html`<p class="row">${copyButton("payload", "Copy the payload")}${!isReservedName(job.name) && copyButton("curl", "Copy as curl", "Copy as curl")}</p>`;
  return card(title, html`${code(text)}${copies}`);
}

/** A button that says for a moment that it has copied. */
const copyButton = (what: string, label: string, text = "Copy"): Html =>
  html`<span role="status">${state.copied === what ? button("Copied", "copy", what, "link") : button(text, "copy", what, "link", label)}</span>`;

function actions(job: Info): Html | false {
  const { state: kind, name } = job;
  // Nobody else enqueues a job of an interface.
  const isOwn = !isReservedName(name);
  switch (kind) {
    case "completed":
      return isOwn && button("Run again...", "again", "", "primary");
    case "dead":
      return html`${isOwn && button("Run again...", "again")}${button("Retry...", "retry", "", "primary")}${button("Retry with another payload...", "edit")}${button("Remove...", "remove", "", "dead")}`;
    case "running":
      return button("Stop...", "stop", "", "dead");
    case "scheduled":
    case "ready":
      return html`${job.waitingFor && button("Send signal...", "signal", "", "primary")}${kind === "scheduled" && job.runAt && button("Run now", "run")}${button("Reschedule...", "reschedule")}${button("Cancel...", "cancel", "", "dead")}`;
  }
}

function about(job: Info): Html {
  const isRunning = job.state === "running";
  const parent = parentIn(job.id);
  return card(
    "About",
    facts([
      ["Id", html`<code>${job.id}</code> ${copyButton("id", "Copy the id")}`],
      ["Queue", job.queue],
      ["Job type", link({ view: "type", id: job.name }, job.name)],
      ["Failures like it", job.group && link({ view: "jobs", state: "dead", group: job.group }, "see them")],
      ["Child of", parent && link({ view: "job", id: parent }, parent)],
      ["Enqueued by", job.enqueuedBy],
      ["Attempt", attempts(job)],
      ["Retried", job.retriedAt && when(job.retriedAt)],
      ["Expires", job.expiresAt && when(job.expiresAt)],
      ["Timeout", isRunning && typeof job.timeout === "number" && span(job.timeout)],
      ["If its process dies", isRunning && job.leaseEndsAt && html`noticed ${when(job.leaseEndsAt)}`],
      ["Schedule", job.schedule && link({ view: "schedules" }, job.schedule.key)],
      ["Enqueue to end", ended(job)],
    ]),
  );
}

function ended({ enqueuedAt, completedAt, failedAt }: Info): string | undefined {
  const at = completedAt ?? failedAt;
  return at && span(Math.max(0, Date.parse(at) - Date.parse(enqueuedAt)));
}

const childKind = (kind: string): string => (kind === "pending" ? "waiting or running" : kind);

/** How the children of a job have ended, until it stopped waiting. Its links filter them; the dropped ones are gone. */
function family(job: Info, { total, ...counts }: NonNullable<Info["children"]>, snapshot: Json<Snapshot>): Html {
  const { jobs, mayChange } = snapshot;
  const { children: shown = counts.dead ? "dead" : "all" } = state.route;
  const isNow = isWaiting(job) && job.runAt === null;
  const [ended, { dead }] = [`${number(total - counts.pending)} of ${number(total)}`, counts];
  // After that, the row of a child says whether it is dead still.
  const isOver = shown === "dead" && !jobs?.rows[0];
  const deadStyle = isNow || jobs?.rows.some((child) => child.state === "dead") ? "dead" : "retried";
  let x = 0;
  const part = (kind: keyof typeof counts, style: string = kind) => {
    x += counts[kind];
    return html`<rect class="${style}" x="${x - counts[kind]}" y="0" width="${counts[kind]}" height="10"/>`;
  };
  const count = (kind: "pending" | "completed" | "dead", style: string = kind) =>
    link(
      { view: "job", id: job.id, children: kind },
      badge(style, `${number(counts[kind])} ${childKind(kind)}`),
      kind === shown,
    );
  return card(
    "Children by state",
    html`<p class="row"><svg class="bars" viewBox="0 0 ${total} 10" preserveAspectRatio="none" role="img" aria-label="${`${ended} have ended, ${number(dead)} of them dead`}">${part("completed")}${part("dropped", "retried")}${part("dead", deadStyle)}</svg>${ended}${!isNow && " when this job stopped waiting"}</p>
<p class="row">${count("pending", "ready")}${count("completed")}${count("dead", deadStyle)}${badge("retried", `${number(counts.dropped)} dropped`)}</p>
${dead > 0 && !isOver && mayChange && html`<p>${button(`Retry ${isNow ? number(dead) : "its"} dead ${isNow && dead === 1 ? "child" : "children"}...`, "retry-children", job.id)}</p>`}`,
  );
}

function progress(job: Info): Html | false {
  const share = shareOf(job.progress);
  if (share === undefined) return value("Progress", job, "progress");
  const isMore = typeof job.progress === "object" || share < 0 || share > 1;
  return card("Progress", html`${progressBar(share)}${isMore && code(JSON.stringify(job.progress, null, 2))}`);
}

/** What a job waits for that has not begun, or does not run now. */
function awaited(job: Info, { activity, queue, pausedJobs, mayChange, keys: [key] = [] }: Json<Snapshot>) {
  const { heldBack, runAt, state: of } = job;
  const { paused, readyCount } = activity.stats;
  const held =
    heldBack &&
    html`the key ${link({ view: "flow", search: heldBack.key }, heldBack.key)}: ${heldBackTexts[heldBack.reason]}${pausedText(key?.pausedBy, key?.pausedAt, key?.pausedReason)}${heldBack.until && html`, for ${span(Date.parse(heldBack.until) - queueNow())}`}`;
  const text = waitsFor(job, { paused, pausedJobs: pausedJobs.filter((each) => each.queue === queue) }, held);
  const resume =
    mayChange &&
    text === held &&
    key &&
    button(`Resume the key (${number(key.waiting)} waiting)`, "resumeFlowControlKey", key.key);
  if (text) return html`${text}. ${resume}`;
  if (of === "scheduled")
    return html`its ${runText(job) === "Next attempt" ? "next attempt" : "time"}, ${runAt && when(runAt)}.`;
  return `its turn among ${plural(readyCount, "ready job")}: ${paceText(activity.stats, number, span)}.`;
}

type Step = NonNullable<Info["steps"]>[number];

const kinds: Readonly<Record<Step["state"], string>> = {
  completed: "completed",
  failed: "dead",
  retrying: "retried",
  timedOut: "retried",
  sleeping: "scheduled",
  waiting: "scheduled",
  signalled: "ready",
};

const texts = {
  retrying: "failed, and will be retried",
  timedOut: "timed out",
  sleeping: "sleeps",
  waiting: "waits",
  signalled: "has its signal, and continues with the next attempt",
};
const endings = { step: "completed", sleep: "ended", wait: "received" };

const WIDTH = 1_000;
/** What is too short for the scale stays visible. */
const LEAST = 6;

/** A bar for each step, all on one scale of time. */
function barsOf(steps: readonly Step[]): readonly Html[] {
  const startOf = ({ startedAt }: Step) => Date.parse(startedAt);
  const endOf = ({ endedAt }: Step) => (endedAt === null ? queueNow() : Date.parse(endedAt));
  const from = Math.min(...steps.map(startOf));
  const length = Math.max(1, ...steps.map((step) => endOf(step) - from));
  const place = (at: number) => ((at - from) / length) * (WIDTH - LEAST);
  return steps.map((step) => {
    const [x, end] = [place(startOf(step)), place(endOf(step))];
    return html`<svg class="bars" viewBox="0 0 ${WIDTH} 10" preserveAspectRatio="none" aria-hidden="true"><rect class="${kinds[step.state]}" x="${x.toFixed(1)}" y="0" width="${(end - x + LEAST).toFixed(1)}" height="10"/></svg>`;
  });
}

/** The steps, sleeps and waits of a job, the newest first, each with a bar by time. */
export function steps({ steps, earlierSteps }: Info): Html | undefined {
  if (!steps) return undefined;
  const bars = barsOf(steps);
  return card(
    "Steps",
    html`<ol class="timeline">${steps.map((step, index) => entry(step, bars[index])).reverse()}${!!earlierSteps && html`<li class="muted">${plural(earlierSteps, "earlier step")} completed</li>`}</ol>`,
  );
}

function entry({ name, kind, state, startedAt, endedAt, attempt, result, error, until }: Step, bar?: Html): Html {
  const text = state === "completed" ? endings[kind] : state === "failed" ? state : texts[state];
  const ends = state === "signalled" ? undefined : until;
  const took = endedAt && ` after ${span(Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)))}`;
  return html`<li class="${kinds[state]}" data-key="${`${kind} ${name}`}"><div class="row"><b>${name}</b><span class="muted">${text}${attempt > 1 && ` on attempt ${attempt}`}${took}</span>${stamp(endedAt ?? ends ?? startedAt, !endedAt && ends ? "until " : "")}</div>
${bar}${error && html`<p class="dead error message">${error.name}: ${error.message}</p>`}
${result !== undefined && html`<details><summary>Result</summary>${code(result)}</details>`}</li>`;
}
