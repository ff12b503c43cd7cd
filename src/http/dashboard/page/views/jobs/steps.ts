import type { ShownJob } from "../../../shown-job.ts";
import type { Json } from "../../../snapshot.ts";
import { type Bar, stepKinds } from "../../../waterfall.ts";
import { type Html, html } from "../../dom/html.ts";
import { plural, span } from "../format.ts";
import { card, code, stamp } from "../parts.ts";
import { strips } from "../runs/waterfall.ts";

type Info = Json<ShownJob>;
type Step = NonNullable<Info["steps"]>[number];

const texts = { retrying: "failed, and will be retried", timedOut: "timed out", sleeping: "sleeps", waiting: "waits" };
const endings = { step: "completed", sleep: "ended", wait: "received" };

const barOf = ({ name, state, startedAt, endedAt }: Step): Bar => ({
  ...{ name, kind: stepKinds[state], from: Date.parse(startedAt) },
  to: endedAt === null ? null : Date.parse(endedAt),
});

/** The steps, sleeps and waits of a job, the newest first, each with a bar by time. */
export function steps({ steps, earlierSteps }: Info): Html | undefined {
  if (!steps) return undefined;
  const bars = strips(steps.map(barOf));
  return card(
    "Steps",
    html`<ol class="timeline">${steps.map((step, index) => entry(step, bars[index])).reverse()}${!!earlierSteps && html`<li class="muted">${plural(earlierSteps, "earlier step")} completed</li>`}</ol>`,
  );
}

function entry({ name, kind, state, startedAt, endedAt, attempt, result, error, until }: Step, bar?: Html): Html {
  const text = state === "completed" ? endings[kind] : state === "failed" ? state : texts[state];
  const took = endedAt && ` after ${span(Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)))}`;
  return html`<li class="${stepKinds[state]}" data-key="${`${kind} ${name}`}"><div class="row"><b>${name}</b><span class="muted">${text}${attempt > 1 && ` on attempt ${attempt}`}${took}</span>${stamp(endedAt ?? until ?? startedAt, !endedAt && until ? "until " : "")}</div>
${bar}${error && html`<p class="dead error message">${error.name}: ${error.message}</p>`}
${result !== undefined && html`<details><summary>Result</summary>${code(result)}</details>`}</li>`;
}
