import type { FlowControlKey } from "../../core/flow/flow-keys.ts";
import type { HeldBack } from "../../core/flow/held-back.ts";
import { durationText } from "../../core/shared/duration.ts";
/** The limits of a key: "2 at once, 100 per 1m". */
export function limitsText(limits: Pick<FlowControlKey, "concurrency" | "rate" | "period" | "ordered">): string {
  const { concurrency, rate, period, ordered } = limits;
  const each = [
    ordered ? "in order" : concurrency !== null && `${concurrency.toLocaleString("en")} at once`,
    rate !== null && `${rate.toLocaleString("en")} per ${durationText(period ?? 0)}`,
  ];
  return each.filter(Boolean).join(", ") || "none";
}

/** Whether a key holds back the jobs that wait under it and are due, and why. */
export function holdReason(key: Omit<FlowControlKey, "windowEndsAt">): HeldBack["reason"] | undefined {
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

interface Run {
  readonly state: string;
  /** Why its last attempt failed. */
  readonly error?: string | undefined;
}

/** Whether the last job of a schedule that has ended or failed did so with an error. @param runs oldest first. */
export function isFailing(runs: readonly Run[]): boolean {
  return runs.findLast(({ state, error }) => error !== undefined || state === "completed")?.error !== undefined;
}

const DAY_MS = 24 * 3_600_000;
/** For how long nothing must have died of a group until it counts as over. */
const OVER_MS = 12 * 3_600_000;

/** Whether a group of failures is new or over: it began within a day, or nothing has died of it for half a day. */
export function failureAge(firstAtMs: number, lastAtMs: number, now: number): "new" | "over" | undefined {
  if (now - firstAtMs < DAY_MS) return "new";
  return now - lastAtMs > OVER_MS ? "over" : undefined;
}

/** The share of the work done, from a number up to 1, a larger one in percent, `{ percent }`, or `{ done, of }`. */
export function shareOf(progress: unknown): number | undefined {
  if (typeof progress === "number") return progress <= 1 ? progress : progress / 100;
  const { done, of, total = of, percent } = Object(progress) as Readonly<Record<string, unknown>>;
  if (typeof percent === "number") return percent / 100;
  return typeof done === "number" && typeof total === "number" && total > 0 ? done / total : undefined;
}
