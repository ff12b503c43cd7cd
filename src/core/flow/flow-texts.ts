import { durationText } from "../shared/duration.ts";
import type { FlowControlKey } from "./flow-key.ts";
import type { HeldBack } from "./held-back.ts";

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
