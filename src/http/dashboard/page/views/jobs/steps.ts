import type { ShownJob } from "../../../shown-job.ts";
import type { Json } from "../../../snapshot.ts";
import { type Html, html } from "../../dom/html.ts";
import { queueNow } from "../../state/state.ts";
import { plural, span } from "../format.ts";
import { card, code, stamp } from "../parts.ts";

type Info = Json<ShownJob>;
type Step = NonNullable<Info["steps"]>[number];

/** The colours of its states. */
const kinds: Readonly<Record<Step["state"], string>> = {
  completed: "completed",
  failed: "dead",
  retrying: "retried",
  timedOut: "retried",
  sleeping: "scheduled",
  waiting: "scheduled",
};

const texts = { retrying: "failed, and will be retried", timedOut: "timed out", sleeping: "sleeps", waiting: "waits" };
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
  const took = endedAt && ` after ${span(Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)))}`;
  return html`<li class="${kinds[state]}" data-key="${`${kind} ${name}`}"><div class="row"><b>${name}</b><span class="muted">${text}${attempt > 1 && ` on attempt ${attempt}`}${took}</span>${stamp(endedAt ?? until ?? startedAt, !endedAt && until ? "until " : "")}</div>
${bar}${error && html`<p class="dead error message">${error.name}: ${error.message}</p>`}
${result !== undefined && html`<details><summary>Result</summary>${code(result)}</details>`}</li>`;
}
