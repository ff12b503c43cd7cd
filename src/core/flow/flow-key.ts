import type { PausedBy } from "../observe/changes.ts";
import { durationText } from "../shared/duration.ts";
import type { FlowState } from "../store/flow.ts";
import type { StoredJob } from "../store/store.ts";

/** A flow control key: its limits, and what it does now. */
export interface FlowControlKey extends PausedBy {
  /** The key. */
  readonly key: string;
  /** How many jobs may run at once; null for any number. */
  readonly concurrency: number | null;
  /** How many attempts may start in one window; null for any number. */
  readonly rate: number | null;
  /** How long a window is, in ms; null without a rate. */
  readonly period: number | null;
  /** Whether its jobs run in the order of enqueuing, one at a time. */
  readonly ordered: boolean;
  /**
   * How many of its slots are taken. A job whose invocation crashed keeps its slot until the job is claimed again. One
   * that extends its lease takes a slot of its own: for up to two seconds, one more than `concurrency` may be taken.
   */
  readonly running: number;
  /** How many jobs wait, scheduled ones included. */
  readonly waiting: number;
  /** How many attempts have started in the open window; 0 if none is open. */
  readonly startedInWindow: number;
  /** When the open window closes; null if none is open. */
  readonly windowEndsAt: Date | null;
  /** Whether its jobs wait until `resume`. */
  readonly paused: boolean;
  /** Whether `set` has fixed its limits, so that no enqueue changes them. */
  readonly pinned: boolean;
}

export function busiestFirst(one: FlowControlKey, other: FlowControlKey): number {
  return other.waiting + other.running - (one.waiting + one.running) || (one.key < other.key ? -1 : 1);
}

/** The limits of a key: "2 at once, 100 per 1m". */
export function limitsText(limits: Pick<FlowControlKey, "concurrency" | "rate" | "period" | "ordered">): string {
  const { concurrency, rate, period, ordered } = limits;
  const each = [
    ordered ? "in order" : concurrency !== null && `${concurrency.toLocaleString("en")} at once`,
    rate !== null && `${rate.toLocaleString("en")} per ${durationText(period ?? 0)}`,
  ];
  return each.filter(Boolean).join(", ") || "none";
}

/** A key as it is stored, in the form that is shown. */
export function flowKey(state: FlowState, now: number): FlowControlKey {
  const { key, limits, running, waiting, startedInWindow, windowEndsAt, paused, pinned } = state;
  const isOpen = limits.rate > 0 && now < windowEndsAt;
  return {
    key,
    concurrency: limits.ordered ? 1 : limits.concurrency || null,
    rate: limits.rate || null,
    period: limits.periodMs || null,
    ordered: limits.ordered,
    running,
    waiting,
    startedInWindow: isOpen ? startedInWindow : 0,
    windowEndsAt: isOpen ? new Date(windowEndsAt) : null,
    paused,
    pinned: pinned.concurrency || pinned.rate,
  };
}

export function holdReason(key: Omit<FlowControlKey, "windowEndsAt" | "pausedAt">): HeldBack["reason"] | undefined {
  const { waiting, paused, ordered, running, concurrency, rate, startedInWindow } = key;
  if (waiting === 0) return undefined;
  if (paused) return "paused";
  if (concurrency !== null && running >= concurrency) return ordered ? "order" : "concurrency";
  return rate !== null && startedInWindow >= rate ? "rate" : undefined;
}

export function heldBack({ id, state, at, flow }: StoredJob, stored: FlowState, now: number): HeldBack | undefined {
  if (state !== "ready" || !flow) return undefined;
  const key = flowKey(stored, now);
  const reason = key.ordered && !key.paused && stored.firstId !== id ? "order" : holdReason(key);
  const until = reason === "rate" ? key.windowEndsAt : null;
  return reason && { key: key.key, reason, since: new Date(at), until };
}

/** Why a key holds a job back, as the end of a sentence about the key. */
export const heldBackTexts = {
  concurrency: "all its slots are taken (concurrency)",
  rate: "its limit for this window is reached (rate)",
  order: "another of its jobs comes first (order)",
  paused: "it is paused",
} as const;

/** Why a job that is due does not run yet. */
export interface HeldBack {
  /** Its flow control key. */
  readonly key: string;
  /**
   * `concurrency`: the key has no free slot. `rate`: as many attempts as allowed have started in this window. `order`:
   * another job of the key is ahead of it. `paused`: the key is paused.
   */
  readonly reason: keyof typeof heldBackTexts;
  /** When it was due. */
  readonly since: Date;
  /** When the window of the rate closes; null for every other reason, whose end is not known. */
  readonly until: Date | null;
}
