import { type Html, html } from "../dom/html.ts";

// Drawn on a grid of 16 by 16.
const paths = {
  tide: "M2 2v12M14 2v12M2 6q3-2.5 6 0t6 0M2 10.5q3-2.5 6 0t6 0",
  overview: "M2 14V9M6 14V5M10 14V7M14 14V2",
  queues: "M2 3h12v3H2zM2 10h12v3H2z",
  failures: "M8 2 15 14H1zM8 6.5v3.5M8 12v.5",
  jobs: "M5 4h9M5 8h9M5 12h9M2 4h.5M2 8h.5M2 12h.5",
  names: "M2 8V2h6l6 6-6 6zM5 5h.5",
  schedules: "M8 1.5a6.5 6.5 0 1 0 .01 0M8 4.5V8l2.5 1.5",
  upcoming: "M2 3.5h12v10H2zM2 6.5h12M5 1.5v3M11 1.5v3",
  flow: "M2 3h12l-4.5 5v5l-3-1.5V8z",
} as const;

export type Icon = keyof typeof paths;

export const icon = (name: Icon): Html =>
  html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="${paths[name]}"/></svg>`;
