import type { ShownJob } from "../../../shown-job.ts";
import type { Json } from "../../../snapshot.ts";
import { type Html, html } from "../../dom/html.ts";
import { plural, span } from "../format.ts";
import { card, code, stamp } from "../parts.ts";

type Info = Json<ShownJob>;
type Step = NonNullable<Info["steps"]>[number];

const styles = {
  failed: "dead",
  retrying: "retried",
  timedOut: "retried",
  sleeping: "scheduled",
  waiting: "scheduled",
};
const texts = { retrying: "failed, and will be retried", timedOut: "timed out", sleeping: "sleeps", waiting: "waits" };
const endings = { step: "completed", sleep: "ended", wait: "received" };

/** The steps, sleeps and waits of a job, the newest first. */
export const steps = ({ steps, earlierSteps }: Info): Html | undefined =>
  steps &&
  card(
    "Steps",
    html`<ol class="timeline">${[...steps].reverse().map(entry)}${!!earlierSteps && html`<li class="muted">${plural(earlierSteps, "earlier step")} completed</li>`}</ol>`,
  );

function entry({ name, kind, state, startedAt, endedAt, attempt, result, error, until }: Step): Html {
  const text = state === "completed" ? endings[kind] : state === "failed" ? state : texts[state];
  const took = endedAt && ` after ${span(Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)))}`;
  return html`<li class="${state === "completed" ? state : styles[state]}" data-key="${`${kind} ${name}`}"><div class="row"><b>${name}</b><span class="muted">${text}${attempt > 1 && ` on attempt ${attempt}`}${took}</span>${stamp(endedAt ?? until ?? startedAt, !endedAt && until ? "until " : "")}</div>
${error && html`<p class="dead error message">${error.name}: ${error.message}</p>`}
${result !== undefined && html`<details><summary>Result</summary>${code(result)}</details>`}</li>`;
}
