import { heldBackTexts, holdReason } from "../../../../core/flow/flow-key.ts";
import { isGrowing, paceText } from "../../../../core/manage/pace.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import type { Route } from "../state/route.ts";
import { number, plural, span } from "./format.ts";
import { link, when } from "./parts.ts";

type Stats = Json<Snapshot>["activity"]["stats"];

/** " by on-call 9 min ago: CRM is down" */
export const pausedText = (by: string | null | undefined, since: string | undefined, reason?: string | null): Html =>
  html`${by && ` by ${by}`}${since && html` ${when(since)}`}${reason && `: ${reason}`}`;

/** What needs somebody, in every queue: nothing while all is well. */
export function attention({ briefs = [], dying = [], keys = [], schedules = [], pausedJobs }: Json<Snapshot>): Html {
  const line = (kind: string, queue: string | undefined, to: Route, what: string, text: Html | string, key = "") =>
    html`<li class="${kind}" data-key="${`${queue} ${what} ${key}`}"><b>${queue}</b> ${link({ ...to, queue }, what)} ${text}</li>`;
  const ofStats = (each: (queue: string, stats: Stats) => Html) => briefs.map(({ queue, stats }) => each(queue, stats));
  const lines = [
    dying.map(({ queue, jobs }) =>
      line("dead", queue, { view: "failures" }, "failing now", `${plural(jobs, "job")} died in the last ten minutes`),
    ),
    ofStats((queue, { pace }) =>
      isGrowing(pace) ? line("retried", queue, { view: "overview" }, "growing", paceText(pace, number, span)) : [],
    ),
    ofStats((queue, { paused, pausedBy, pausedAt }) =>
      paused
        ? line("retried", queue, { view: "overview" }, "all jobs", html`paused${pausedText(pausedBy, pausedAt)}`)
        : [],
    ),
    pausedJobs.map(({ queue, name, by, since, reason }) =>
      line("retried", queue, { view: "type", id: name }, name, html`paused${pausedText(by, since, reason)}`),
    ),
    keys.map(({ queue, key, ...of }) => {
      const reason = holdReason({ key, ...of });
      const text = `up to ${plural(of.waiting, "job")} by ${key}${reason ? `: ${heldBackTexts[reason]}` : ""}`;
      return line("retried", queue, { view: "flow", search: key }, "held back", text, key);
    }),
    schedules.map(({ queue, key, runs }) =>
      line("dead", queue, { view: "schedules" }, "schedule fails", `${key}: ${runs.at(-1)?.error ?? ""}`, key),
    ),
  ].flat(2);
  return html`${lines[0] && html`<section class="card" data-key="attention"><h2>Needs attention</h2><ul class="attention">${lines}</ul></section>`}`;
}
