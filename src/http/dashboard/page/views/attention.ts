import { heldBackTexts, holdReason } from "../../../../core/flow/flow-key.ts";
import { isGrowing, outlookText } from "../../../../core/manage/pace.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import type { Route } from "../state/route.ts";
import { type ActionName, queueNow } from "../state/state.ts";
import { clock, hour, number, plural, span } from "./format.ts";
import { button, inQueue, keyOf, link, when } from "./parts.ts";

export type Stats = Json<Snapshot>["activity"]["stats"];

/** " by on-call 9 min ago: CRM is down" */
export const pausedText = (by: string | null | undefined, since: string | undefined, reason?: string | null): Html =>
  html`${by && ` by ${by}`}${since && html` ${when(since)}`}${reason && `: ${reason}`}`;

/** "since 12:05, 26 min ago" */
export const since = (at: string): Html =>
  html`since ${queueNow() - Date.parse(at) < 86_400_000 ? clock(at) : hour(at)}, ${when(at)}`;

/** Who changed a key or a schedule last, and when, if it is among the latest changes. */
export function changedBy(what: RegExp, { key, queue }: { key: string; queue?: string }, { changes }: Json<Snapshot>) {
  const last = changes?.find((each) => what.test(each.operation) && each.target === key && each.queue === queue);
  if (!last) return false;
  return html`<div class="muted">${link({ ...inQueue(queue), view: "changes" }, "Changed")}${pausedText(last.by, last.at)}</div>`;
}

/** The pause of a job type, in the queue of a row or in the one on screen. */
export const pauseOf = (name: string, queue: string | undefined, { pausedJobs, queue: shown }: Json<Snapshot>) =>
  pausedJobs.find((each) => each.name === name && each.queue === (queue ?? shown));

/** The button that pauses a job type, or resumes it. @param what it pauses, where that is not plain */
export function pauseButton(name: string, queue: string | undefined, snapshot: Json<Snapshot>, what = ""): Html {
  const [text, dots, act] = pauseOf(name, queue, snapshot)
    ? (["Resume", "", "resumeJobs"] as const)
    : (["Pause", "...", "pause-type"] as const);
  return button(`${text}${what}${dots}`, act, name, "", `${text}${what} ${keyOf(queue, name)}`);
}

/** What needs somebody, in every queue: nothing while all is well. */
export function attention(snapshot: Json<Snapshot>): Html {
  const { briefs = [], dying = [], keys = [], schedules = [], stuck = [], pausedJobs, mayChange } = snapshot;
  const line =
    (kind: string, queue: string | undefined, to: Route) =>
    (what: string, text: Html | string = "", act?: Html, key = what) =>
      html`<li class="${kind}" data-key="${`${queue} ${to.view} ${key}`}" data-queue="${queue}">${queue && snapshot.briefs && html`<b>${queue}</b> `}${link(queue ? { ...to, queue } : to, what)} ${text} ${mayChange && act}</li>`;
  const resume = (action: ActionName, of: string) => button("Resume", action, of, "", `Resume ${of}`);
  const here = { queue: snapshot.queue, stats: snapshot.activity.stats };
  const lines = [
    dying.map(({ queue, jobs, types, main }) => {
      const to: Route = main ? { view: "jobs", state: "dead", group: main.group } : { view: "failures", sort: "-hour" };
      const dead = main && html` ${since(main.firstAt)}: ${number(main.count)} dead`;
      return line("dead", queue, to)(types, html`failing${dead ?? `: ${number(jobs)} died in the last ten minutes`}`);
    }),
    schedules.map(({ queue, key, runs }) => {
      const text = `${key}: ${runs.at(-1)?.error ?? ""}`;
      return line("dead", queue, { view: "schedules" })("schedule fails", text, undefined, key);
    }),
    stuck.map(({ queue, id, dead }) => {
      const retry = button("Retry them...", "retry-children", id, "", `Retry the children of ${id}`);
      const children = `${number(dead)} dead ${dead === 1 ? "child" : "children"}`;
      return line("dead", queue, { view: "job", id, children: "dead" })(id, `waits for its ${children}`, retry);
    }),
    (snapshot.briefs ?? [here]).map(({ queue, stats }) => {
      const grows = line("retried", queue, { view: "names" });
      return isGrowing(stats) ? grows(outlookText(stats, number, span), "", undefined, "grows") : [];
    }),
    briefs.map(({ queue, stats: { paused, pausedBy, pausedAt, pausedReason } }) => {
      const text = html`paused${pausedText(pausedBy, pausedAt, pausedReason)}`;
      return paused ? line("retried", queue, { view: "overview" })("all jobs", text, resume("resume", queue)) : [];
    }),
    pausedJobs.map(({ queue, name, by, since, reason }) => {
      const text = html`paused${pausedText(by, since, reason)}`;
      return line("retried", queue, { view: "type", id: name })(name, text, resume("resumeJobs", name));
    }),
    keys.map(({ queue, key, ...of }) => {
      const reason = holdReason({ key, ...of });
      const text = html`up to ${plural(of.waiting, "job")} by ${key}${reason && `: ${heldBackTexts[reason]}`}${pausedText(of.pausedBy, of.pausedAt, of.pausedReason)}`;
      const act = of.paused ? resume("resumeFlowControlKey", key) : undefined;
      return line("retried", queue, { view: "flow", search: key })("held back", text, act, key);
    }),
  ].flat(2);
  return html`${lines[0] && html`<section class="card" data-key="attention"><h2>Needs attention</h2><ul class="attention">${lines}</ul></section>`}`;
}
