import type { QueueBrief } from "../../core/manage/stats.ts";
import type { Key } from "./keys.ts";

export const sorts = ["as given", "ready", "dead", "running"] as const;

/** What of a snapshot is shown, and how. */
export interface View {
  /** The only queue that is shown. Default: all. */
  readonly queue?: string | undefined;
  readonly sort: (typeof sorts)[number];
  readonly isPaused: boolean;
  readonly isHelp: boolean;
}

export const firstView: View = { sort: "as given", isPaused: false, isHelp: false };

/** The view after a key. */
export function viewAfter(view: View, key: Key, queues: readonly QueueBrief[]): View {
  if (key === "pause") return { ...view, isPaused: !view.isPaused };
  if (key === "help") return { ...view, isHelp: !view.isHelp };
  if (key === "sort") return { ...view, sort: sorts[(sorts.indexOf(view.sort) + 1) % sorts.length] ?? view.sort };
  if ((key === "next" || key === "previous") && queues.length > 1) {
    const all = [undefined, ...queues.map(({ queue }) => queue)];
    const step = key === "next" ? 1 : -1;
    return { ...view, queue: all[(all.indexOf(view.queue) + step + all.length) % all.length] };
  }
  return view;
}

/** The queues that a view shows, in its order. */
export function queuesIn({ queue, sort }: View, queues: readonly QueueBrief[]): readonly QueueBrief[] {
  const shown = queues.filter((each) => queue === undefined || each.queue === queue);
  if (sort === "as given") return shown;
  const by = { ready: "readyCount", dead: "deadLetterCount", running: "runningCount" } as const;
  return shown.sort((one, other) => other.stats[by[sort]] - one.stats[by[sort]]);
}
