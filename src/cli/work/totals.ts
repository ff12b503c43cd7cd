import type { DrainReport, DrainTotals } from "../../core/drain-report.ts";
import type { Counts } from "./tally.ts";

/** Whether a drain found nothing that it could do. */
export function isIdle({ claimed, rearmed }: DrainReport): boolean {
  return claimed === 0 && rearmed === 0;
}

export function countsOf({ completed, retried, deadLettered }: DrainTotals): Counts {
  return { completed, retried, died: deadLettered };
}
