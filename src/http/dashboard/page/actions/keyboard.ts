import { refresh } from "../state/polling.ts";
import { change } from "../state/state.ts";

/** Whether the last key was "g". */
let isGoing = false;

const keys: Readonly<Record<string, () => unknown>> = {
  // The search of a view, else that of all jobs.
  "/": () => [...document.querySelectorAll<HTMLInputElement>("[role=search] input")].at(-1)?.select(),
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
    const place = isGoing && document.querySelector<HTMLElement>(`[data-letter="${CSS.escape(key)}"]`);
    const act = Object.hasOwn(keys, key) && keys[key];
    isGoing = key === "g";
    if (place || act) event.preventDefault();
    if (place) place.click();
    else if (act) void act();
  });
}
