import { actions } from "./actions/index.ts";
import { followKeys } from "./actions/keyboard.ts";
import { morph } from "./dom/morph.ts";
import { pointedAt, startPolling } from "./state/polling.ts";
import { recallSettings } from "./state/settings.ts";
import { type ActionName, change, onChange, state } from "./state/state.ts";
import { number } from "./views/format.ts";
import { frame } from "./views/frame.ts";

const shown = document.querySelector("#app") as HTMLElement;
let shownRoute = state.route;

/** Names the view and the queue, after the number of dead jobs. */
function title(): string {
  const { queue, queues, activity } = state.snapshot ?? {};
  const dead = activity?.stats.deadLetterCount;
  const of = queues?.[1] && ` · ${state.route.scope ? "all queues" : queue}`;
  return `${dead ? `(${number(dead)}) ` : ""}${shown.querySelector("h1")?.textContent ?? ""}${of ?? ""} – Tidegate`;
}

function show(): void {
  const wanted = frame();
  // Closes a dialog before it is removed, so that it gives the focus back.
  if (!wanted.some((each) => typeof each !== "string" && each.name === "dialog"))
    shown.querySelector("dialog")?.close();
  const isNew = state.route !== shownRoute;
  shownRoute = state.route;
  // What the pointer rests on stays under it: where a refresh moves it, the page scrolls along.
  const held = isNew ? null : pointedAt();
  const top = held?.getBoundingClientRect().top ?? 0;
  morph(shown, wanted);
  const moved = held?.isConnected ? held.getBoundingClientRect().top - top : 0;
  if (isNew || moved > 0) shown.style.minHeight = isNew ? "" : `${scrollY + innerHeight + moved}px`;
  scrollBy(0, moved);
  shown.querySelector<HTMLDialogElement>("dialog:not([open])")?.showModal();
  document.title = title();
}

// An element names its action in `data-click`, `data-change` and so on.
for (const type of ["click", "change", "input", "submit", "pointermove"]) {
  addEventListener(type, (event) => {
    const target = event.target as Element;
    const element = target.closest?.<HTMLElement>(`[data-${type}]`);
    if (!element) return;
    // A row opens where nothing else is clicked.
    const inner = target.closest("a, button, input, label, summary");
    if (inner && inner !== element && element.contains(inner)) return;
    if (type === "click" || type === "submit") event.preventDefault();
    // Undefined for the queue on screen.
    const queue = element.closest<HTMLElement>("[data-queue]")?.dataset["queue"];
    void actions[element.dataset[type] as ActionName]?.(element.dataset["with"] ?? "", queue, element, event);
  });
}
followKeys();
// Escape closes the topmost dialog.
addEventListener(
  "close",
  () => change(state.isSignedOut ? { isSignedOut: false } : { question: undefined, isHelp: false, preview: undefined }),
  true,
);
recallSettings();
onChange(show);
startPolling();
