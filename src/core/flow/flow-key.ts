import type { PausedBy } from "../observe/changes.ts";
import { durationText } from "../shared/duration.ts";
import type { HeldBack } from "./held-back.ts";

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

export function holdReason(key: Omit<FlowControlKey, "windowEndsAt" | "pausedAt">): HeldBack["reason"] | undefined {
  const { waiting, paused, ordered, running, concurrency, rate, startedInWindow } = key;
  if (waiting === 0) return undefined;
  if (paused) return "paused";
  if (concurrency !== null && running >= concurrency) return ordered ? "order" : "concurrency";
  return rate !== null && startedInWindow >= rate ? "rate" : undefined;
}

/** Why a key holds a job back, as the end of a sentence about the key. */
export const heldBackTexts: Readonly<Record<HeldBack["reason"], string>> = {
  concurrency: "as many of its jobs are running as may (concurrency)",
  rate: "as many of its jobs have started in this window as may (rate)",
  order: "another of its jobs comes first (order)",
  paused: "it is paused",
};
