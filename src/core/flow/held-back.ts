import type { FlowState } from "../store/flow.ts";
import type { StoredJob } from "../store/store.ts";

export const heldBackReasons = ["concurrency", "rate", "order", "paused"] as const;

/** Why a job that is due does not run yet. */
export interface HeldBack {
  /** Its flow control key. */
  readonly key: string;
  /**
   * `concurrency`: the key has no free slot. `rate`: as many attempts as allowed have started in this window. `order`:
   * another job of the key is ahead of it. `paused`: the key is paused.
   */
  readonly reason: (typeof heldBackReasons)[number];
  /** When it was due. */
  readonly since: Date;
  /** When the window of the rate closes; null for every other reason, whose end is not known. */
  readonly until: Date | null;
}

export function heldBack({ id, state, at, flow }: StoredJob, key: FlowState, now: number): HeldBack | undefined {
  if (state !== "ready" || !flow) return undefined;
  const because = (reason: HeldBack["reason"], until: Date | null = null): HeldBack => ({
    key: key.key,
    reason,
    since: new Date(at),
    until,
  });
  const { limits, running, paused, windowEndsAt, startedInWindow, firstId } = key;
  if (paused) return because("paused");
  if (limits.ordered && (running > 0 || firstId !== id)) return because("order");
  if (limits.concurrency > 0 && running >= limits.concurrency) return because("concurrency");
  const isFull = limits.rate > 0 && now < windowEndsAt && startedInWindow >= limits.rate;
  return isFull ? because("rate", new Date(windowEndsAt)) : undefined;
}
