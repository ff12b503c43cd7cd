import type { Bar } from "../../../waterfall.ts";
import { type Html, html } from "../../dom/html.ts";
import { queueNow } from "../../state/state.ts";
import { span } from "../format.ts";

const WIDTH = 1_000;
/** What is too short for the scale stays visible. */
const LEAST = 6;

const endOf = ({ to }: Pick<Bar, "to">): number => to ?? queueNow();

/** The time that some bars cover, as a scale from 0 to WIDTH. */
function scaleOf(bars: readonly Bar[]): (at: number) => number {
  const from = Math.min(...bars.map((bar) => bar.from));
  const length = Math.max(1, ...bars.map((bar) => endOf(bar) - from));
  return (at) => ((at - from) / length) * (WIDTH - LEAST);
}

const rect = (bar: Bar, place: (at: number) => number): Html =>
  html`<rect class="${bar.kind}" x="${place(bar.from).toFixed(1)}" y="0" width="${(place(endOf(bar)) - place(bar.from) + LEAST).toFixed(1)}" height="10"/>`;

const picture = (content: readonly Html[]): Html =>
  html`<svg class="bars" viewBox="0 0 ${WIDTH} 10" preserveAspectRatio="none" aria-hidden="true">${content}</svg>`;

/** All bars in one line, for a list. */
export function strip(bars: readonly Bar[]): Html {
  const place = scaleOf(bars);
  return picture(bars.map((bar) => rect(bar, place)));
}

/** One line for each bar, at its time. */
export function strips(bars: readonly Bar[]): readonly Html[] {
  const place = scaleOf(bars);
  return bars.map((bar) => picture([rect(bar, place)]));
}

/** How long it took, or has taken so far. */
export const tookOf = (bar: Omit<Bar, "name" | "kind" | "error">): string =>
  `${span(Math.max(0, endOf(bar) - bar.from))}${bar.to === null ? " so far" : ""}`;
