import type { ActivityMinute } from "../../../../core/manage/stats.ts";
import type { Json } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { clock, number } from "./format.ts";
import { badge, card } from "./parts.ts";

type Minute = Json<ActivityMinute>;

const kinds = ["processed", "retried", "dead"] as const;
const HEIGHT = 140;
const STEP = 10;
/** One among thousands must still be visible. */
const LEAST_HEIGHT = 2;

const all = (minute: Minute): number => minute.processed + minute.retried + minute.dead;

const totals = (minutes: readonly Minute[]) =>
  kinds.map((kind) => [kind, `${number(minutes.reduce((sum, minute) => sum + minute[kind], 0))} ${kind}`] as const);

const inWords = (minutes: readonly Minute[]): string =>
  totals(minutes)
    .map(([, text]) => text)
    .join(", ");

/** The next round number for the axis. */
function ceiling(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return ([1, 2, 5].find((factor) => factor * power >= most) ?? 10) * power;
}

/** The last hour, minute by minute. */
export function chart(minutes: readonly Minute[]): Html {
  const top = ceiling(Math.max(...minutes.map(all)));
  const width = minutes.length * STEP;
  return card(
    "Last 60 minutes",
    html`<p>${totals(minutes).map(([kind, text]) => badge(kind, text))}</p>
<div class="plot"><small>${number(top)}</small>
<svg viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${inWords(minutes)}">
<path d="M0 .5h${width}M0 70h${width}M0 139.5h${width}"/>${minutes.map((minute, index) => bar(minute, index, top))}</svg></div>
<p class="row" aria-hidden="true"><small>${clock(minutes[0]?.at ?? 0)}</small><small class="end">now</small></p>
${table(minutes)}`,
  );
}

function bar(minute: Minute, index: number, top: number): Html {
  let y = HEIGHT;
  const parts = kinds.map((kind) => {
    if (minute[kind] === 0) return null;
    const height = Math.max(LEAST_HEIGHT, Math.round((minute[kind] / top) * HEIGHT));
    y -= height;
    return html`<rect class="${kind}" x="${index * STEP + 1}" y="${y}" width="8" height="${height}"/>`;
  });
  return html`<g><title>${clock(minute.at)}: ${inWords([minute])}</title>${parts}</g>`;
}

const table = (minutes: readonly Minute[]): Html => html`<details><summary>As a table</summary><table>
<tr><th>Minute</th>${kinds.map((kind) => html`<th class="figure">${kind}</th>`)}</tr>
${minutes.filter(all).map(
  (minute) => html`<tr><th>${clock(minute.at)}</th>
${kinds.map((kind) => html`<td class="figure">${number(minute[kind])}</td>`)}</tr>`,
)}
</table></details>`;
