import type { FlowControlKey } from "../../core/flow/flow-key.ts";
import type { FailureDetails } from "../../core/manage/failure-details.ts";
import type { FailureGroup, FailurePage } from "../../core/manage/failures.ts";
import type { NameFigures, QueueFigures, QueueHistory } from "../../core/manage/figures.ts";
import type { QueueBrief } from "../../core/manage/stats.ts";
import type { QueueChange } from "../../core/observe/changes.ts";
import type { ScheduleRow } from "../../core/queue/schedule-runs.ts";
import type { Upcoming, UpcomingEvent } from "../../core/queue/upcoming.ts";
import type { JobRow, ShownJob } from "./shown-job.ts";

// What the views show.

/** A row in a view of all queues. */
export interface Placed {
  readonly queue?: string;
}

export interface JobRows {
  readonly rows: readonly JobRow[];
  readonly cursor: string | null;
  /** How many jobs a search has examined. */
  readonly examined?: number;
  /** Where a search of all queues goes on, in each that it has not finished. */
  readonly rest?: readonly { readonly queue: string; readonly cursor: string }[];
  /** Whether a list of all queues leaves some out. */
  readonly isCut?: boolean;
}

/** What the next hour brings to one queue, or to several. */
export interface UpcomingThere extends Upcoming {
  readonly next: readonly (UpcomingEvent & Placed)[];
}

export interface Contents {
  /** Also the children of a job, the latest completed jobs of a type, and beside keys the running jobs. */
  readonly jobs?: JobRows;
  /** Null if no job has this id. */
  readonly job?: ShownJob | null;
  readonly schedules?: readonly (ScheduleRow & Placed)[];
  readonly keys?: readonly (FlowControlKey & Placed)[];
  readonly upcoming?: UpcomingThere;
  readonly changes?: readonly (QueueChange & Placed)[];
  readonly briefs?: readonly QueueBrief[];
  /** All of them together. */
  readonly total?: QueueBrief;
  /** The jobs in them that wait for nothing but dead children. */
  readonly stuck?: readonly { readonly queue: string; readonly id: string; readonly dead: number }[];
  /** In which of them many jobs have died lately: how many, of which types, and the failure of most of them. */
  readonly dying?: readonly (Pick<QueueBrief, "queue"> & {
    readonly jobs: number;
    readonly types: string;
    readonly main: FailureGroup | undefined;
  })[];
  readonly failures?: Omit<FailurePage, "failures"> & { readonly failures: readonly (FailureGroup & Placed)[] };
  /** The group of failures whose jobs are on screen; null if none is dead any more. */
  readonly failure?: FailureDetails | null;
  readonly figures?: Omit<QueueFigures, "names"> & { readonly names: readonly (NameFigures & Placed)[] };
  readonly history?: QueueHistory;
}
