import { type ChildCounts, type FamilyCounts, type NewParent, readChildId, totalOf } from "../../core/store/family.ts";
import type { NewFlow } from "../../core/store/flow.ts";

/** What becomes of a child. `retried` and `removed`: one that is dead. */
export type Fate = "completed" | "dead" | "dropped" | "retried" | "removed";

/** How each of them changes the counts of its parent, as in lua/_families.lua. */
const changes: Readonly<Record<Fate, Partial<FamilyCounts>>> = {
  completed: { pending: -1, completed: 1 },
  dead: { pending: -1, dead: 1 },
  dropped: { pending: -1, dropped: 1 },
  retried: { pending: 1, dead: -1 },
  removed: { dead: -1, dropped: 1 },
};

export interface Waiting extends FamilyCounts {
  readonly waitFor: NewParent["waitFor"];
  readonly runAt: number;
  readonly flow: NewFlow | undefined;
}

export class Families {
  readonly waiting = new Map<string, Waiting>();

  countsOf(id: string): FamilyCounts | undefined {
    const waiting = this.waiting.get(id);
    if (!waiting) return undefined;
    const { pending, completed, dead, dropped } = waiting;
    return { pending, completed, dead, dropped };
  }

  move(id: string, runAt: number): void {
    const waiting = this.waiting.get(id);
    if (waiting) this.waiting.set(id, { ...waiting, runAt });
  }

  /** Counts what becomes of a job, if it is a child of a parent that waits. @returns that parent. */
  count(id: string, fate: Fate): string | undefined {
    const { parent = "", index = 0 } = readChildId(id) ?? {};
    const waiting = this.waiting.get(parent);
    // An earlier parent with this id may have had more children.
    if (!waiting || index >= totalOf(waiting)) return undefined;
    const { pending = 0, completed = 0, dead = 0, dropped = 0 } = changes[fate];
    this.waiting.set(parent, {
      ...waiting,
      pending: waiting.pending + pending,
      completed: waiting.completed + completed,
      dead: waiting.dead + dead,
      dropped: waiting.dropped + dropped,
    });
    return parent;
  }

  takeReleased(id: string): (ChildCounts & Pick<Waiting, "runAt" | "flow">) | undefined {
    const waiting = this.waiting.get(id);
    if (!waiting || waiting.pending > 0 || (waiting.waitFor === "completed" && waiting.dead > 0)) return undefined;
    this.waiting.delete(id);
    return { ...waiting, total: totalOf(waiting) };
  }
}
