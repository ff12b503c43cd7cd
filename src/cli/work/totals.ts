import type { DrainTotals } from "../../core/drain/report.ts";

/** What has become of the jobs that were worked on, as far as it is known. */
export interface Counts {
  /** Undefined where nobody tells when a job begins: in a handler, or in a queue that the user's module made. */
  readonly running?: number | undefined;
  readonly completed: number;
  readonly retried: number;
  readonly died: number;
}

export function countsOf({ completed, retried, deadLettered }: DrainTotals): Counts {
  return { completed, retried, died: deadLettered };
}
