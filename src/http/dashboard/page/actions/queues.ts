import { act } from "../state/requests.ts";
import { state } from "../state/state.ts";
import { ask } from "./outcome.ts";

/** Asks before it stops the work of a queue. */
export function askToPause(queue = state.snapshot?.queue ?? ""): void {
  ask({
    title: `Pause ${queue}?`,
    text: "No job of this queue starts until somebody resumes it. Jobs that run go on, and new ones wait.",
    confirm: "Pause",
    async act() {
      await act("POST", "pause", {}, queue);
      return `${queue} is paused.`;
    },
  });
}
