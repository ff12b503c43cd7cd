import { refresh } from "../state/polling.ts";
import type { Route } from "../state/route.ts";
import { change } from "../state/state.ts";

/** The views by the keys that show them after "g". */
const places: Readonly<Record<string, Route["view"] | "">> = {
  // The first link: that of all queues if the page shows them all.
  o: "",
  f: "failures",
  j: "jobs",
  t: "names",
  s: "schedules",
  n: "upcoming",
  c: "flow",
  h: "changes",
  q: "queues",
};

/** Whether the last key was "g". */
let isGoing = false;

const go = (view: string) => document.querySelector<HTMLElement>(`header nav a[href*="view=${view}"]`)?.click();

const keys: Readonly<Record<string, () => unknown>> = {
  "/": () => document.querySelector<HTMLInputElement>("[role=search] input")?.select(),
  j: () => step(1),
  k: () => step(-1),
  x: () => document.activeElement?.closest("tr")?.querySelector<HTMLInputElement>("[type=checkbox]")?.click(),
  r: refresh,
  "?": () => change({ isHelp: true }),
};

/** Moves the focus to the link of the next row, or of the one before. */
function step(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-click=open]")];
  const current = document.activeElement?.closest<HTMLElement>("[data-click=open]");
  const index = current ? rows.indexOf(current) + by : by > 0 ? 0 : rows.length - 1;
  const row = rows[index];
  row?.querySelector<HTMLElement>("a")?.focus();
  row?.scrollIntoView({ block: "nearest" });
}

/** Listens to the keys, except where the user types. */
export function followKeys(): void {
  addEventListener("keydown", (event) => {
    const isTyping = (event.target as Element).closest("input:not([type=checkbox]), textarea, select, dialog");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    const view = isGoing && Object.hasOwn(places, key) ? places[key] : undefined;
    const act = view !== undefined ? () => go(view) : Object.hasOwn(keys, key) && keys[key];
    isGoing = key === "g";
    if (!act) return;
    event.preventDefault();
    void act();
  });
}
