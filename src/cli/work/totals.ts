import type { DrainReport } from "../../core/drain-report.ts";
import type { Counts } from "./tally.ts";

const totalled = [
  "claimed",
  "completed",
  "retried",
  "deadLettered",
  "snoozed",
  "released",
  "lost",
  "rearmed",
  "roundTrips",
  "commands",
] as const;

/** What drains did, added up. */
export type Totals = { readonly drains: number } & Readonly<Record<(typeof totalled)[number], number>>;

export const noTotals = { drains: 0, ...Object.fromEntries(totalled.map((name) => [name, 0])) } as Totals;

/** The totals with one more report. */
export function added(totals: Totals, report: DrainReport): Totals {
  const counts = totalled.map((name) => [name, totals[name] + report[name]]);
  return { drains: totals.drains + 1, ...Object.fromEntries(counts) } as Totals;
}

/** Whether a drain found nothing that it could do. */
export function isIdle({ claimed, rearmed }: DrainReport): boolean {
  return claimed === 0 && rearmed === 0;
}

export function countsOf({ completed, retried, deadLettered }: Totals): Counts {
  return { completed, retried, died: deadLettered };
}
