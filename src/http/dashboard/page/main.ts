import { actions } from "./actions.ts";
import { morph } from "./dom/morph.ts";
import { startPolling } from "./state/polling.ts";
import { change, onChange, state } from "./state/state.ts";
import { frame } from "./views/frame.ts";

const shown = document.querySelector("#app") as HTMLElement;

function show(): void {
  const wanted = shown.cloneNode() as HTMLElement;
  wanted.innerHTML = frame().text;
  // A dialog that is closed before it is removed gives the focus back.
  if (!wanted.querySelector("dialog")) shown.querySelector("dialog")?.close();
  morph(shown, wanted);
  shown.querySelector<HTMLDialogElement>("dialog:not([open])")?.showModal();
  document.title = `${shown.querySelector("h1")?.textContent ?? ""} - Tidegate`;
}

// An element names its action in `data-click`, `data-change` or `data-submit`.
for (const type of ["click", "change", "submit"]) {
  addEventListener(type, (event) => {
    const element = (event.target as Element).closest<HTMLElement>(`[data-${type}]`);
    if (!element) return;
    if (type !== "change") event.preventDefault();
    void actions[element.dataset[type] ?? ""]?.(element.dataset["with"] ?? "", element);
  });
}
// Escape closes the topmost dialog.
addEventListener("close", () => change(state.isSignedOut ? { isSignedOut: false } : { question: undefined }), true);
onChange(show);
startPolling();
