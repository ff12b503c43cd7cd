import type { ActivityMinute } from "../../../../core/manage/stats.ts";
import type { Json } from "../../snapshot.ts";
import { type Html, html } from "../dom/html.ts";
import { state } from "../state/state.ts";
import { clock, number } from "./format.ts";
import { badge, button } from "./parts.ts";

type Minute = Json<ActivityMinute>;

const kinds = ["processed", "retried", "dead"] as const;
const HEIGHT = 140;
const STEP = 10;

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
  return ([1, 1.5, 2, 3, 4, 5, 7.5].find((factor) => factor * power >= most) ?? 10) * power;
}

/** What was done in each of some minutes: to read with the pointer or the slider, and to zoom. */
export function chart(every: readonly Minute[]): Html {
  const { zoom, point } = state;
  const minutes = zoom ? every.slice(...zoom) : every;
  const top = ceiling(Math.max(...minutes.map(all)));
  const width = minutes.length * STEP;
  const read = point === undefined ? undefined : minutes[point];
  const count = String(minutes.length);
  return html`<section class="card" data-key="chart"><div class="row"><h2>Throughput</h2><span class="row end">${minutes.length > 4 && button("Zoom in", "zoom-in", count, "link")}${zoom && button("Whole hour", "zoom-out", "", "link")}</span></div>
<p class="row" role="status">${read && html`<b>${clock(read.at)}</b>`}${totals(read ? [read] : minutes).map(([kind, text]) => badge(kind, text))}${!read && html`<span class="muted">${zoom ? "" : "in the last hour"}</span>`}</p>
<div class="plot"><small>${number(top)}</small>
<svg viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${inWords(minutes)}" data-with="${count}" data-pointermove="read" data-pointerdown="press" data-pointerup="release">
<path d="M0 .5h${width}M0 70h${width}M0 139.5h${width}"/>${read && html`<rect class="at" x="${(point ?? 0) * STEP}" y="0" width="${STEP}" height="${HEIGHT}"/>`}${minutes.map((minute, index) => bar(minute, index, top))}</svg>
<svg class="marks" viewBox="0 0 ${width} 4" preserveAspectRatio="none" aria-hidden="true">${minutes.map((minute, index) => minute.dead > 0 && html`<rect class="dead" x="${index * STEP + 1}" y="0" width="8" height="4"/>`)}</svg></div>
<p class="row"><small aria-hidden="true">${clock(minutes[0]?.at ?? 0)}</small><input type="range" min="0" max="${minutes.length - 1}" value="${minutes.length - 1}" aria-label="Read a minute" aria-valuetext="${read && `${clock(read.at)}: ${inWords([read])}`}" data-input="point"/><small class="end" aria-hidden="true">${zoom ? clock(minutes.at(-1)?.at ?? 0) : "now"}</small></p>
${asTable(minutes)}</section>`;
}

/** Its heights are exact. That something died in a minute shows in the line of marks below, however little it is. */
function bar(minute: Minute, index: number, top: number): Html {
  let y = HEIGHT;
  return html`<g>${kinds.map((kind) => {
    if (minute[kind] === 0) return null;
    const height = (minute[kind] / top) * HEIGHT;
    y -= height;
    return html`<rect class="${kind}" x="${index * STEP + 1}" y="${y.toFixed(2)}" width="8" height="${height.toFixed(2)}"/>`;
  })}</g>`;
}

const asTable = (minutes: readonly Minute[]): Html => html`<details><summary>As a table</summary><table>
<tr><th>Minute</th>${kinds.map((kind) => html`<th class="figure">${kind}</th>`)}</tr>
${minutes.filter(all).map(
  (minute) => html`<tr><th>${clock(minute.at)}</th>
${kinds.map((kind) => html`<td class="figure">${number(minute[kind])}</td>`)}</tr>`,
)}
</table></details>`;
