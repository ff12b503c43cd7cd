import type { DrainedAttempt, DrainedAttempts, DrainReport } from "../../core/drain/report.ts";
import type { RekeyResult } from "../../core/encryption/rekey.ts";
import type { FlowControlKey, HeldBack } from "../../core/flow/flow-key.ts";
import type { FlowControlPage } from "../../core/flow/flow-keys.ts";
import type { EnqueueResult } from "../../core/job/enqueue.ts";
import type { FailureDetails } from "../../core/manage/failure-details.ts";
import type { FailurePage } from "../../core/manage/failures.ts";
import type { QueueFigures, QueueHistory } from "../../core/manage/figures.ts";
import type { DeadJob, JobInfo } from "../../core/manage/job-info.ts";
import type { JobPage } from "../../core/manage/list.ts";
import type { PausedJobType } from "../../core/manage/paused-jobs.ts";
import type { CancelledJobs, RescheduledJobs } from "../../core/manage/pending-jobs.ts";
import type { SignalResult } from "../../core/manage/signal.ts";
import type { QueueActivity, QueueStats } from "../../core/manage/stats.ts";
import type { StepInfo } from "../../core/manage/step-info.ts";
import type { ChangePage } from "../../core/observe/changes.ts";
import type { QueueList } from "../../core/queue/queues.ts";
import type { ScheduleRow } from "../../core/queue/schedule-runs.ts";
import type { Upcoming } from "../../core/queue/upcoming.ts";
import type { ScheduleInfo } from "../../core/schedule/schedules.ts";
import type { Problem } from "./requests.ts";

// What requests return. `npm run generate` makes the JSON schemas in shapes.generated.ts of these types.

interface FoundJobs extends JobPage {
  /** How many jobs a search has examined. */
  readonly examined?: number;
  /** With each: whether a state has more jobs. */
  readonly isCut?: boolean;
}

interface Counted {
  /** Only in a dry run: the first ten jobs of the first page. */
  readonly jobs?: readonly JobInfo[] | undefined;
}

interface Piece extends Counted {
  /** Only with a limit: where the next call continues; null at the end. */
  readonly cursor?: string | null | undefined;
  /** Only in a dry run: it counts the jobs that had died by then. */
  readonly before?: Date;
}

/** The result of one job of several that are stored each for itself. */
export type EachResult = EnqueueResult | { readonly error: Problem };

type MaybeRow = ScheduleInfo & Partial<ScheduleRow>;

export interface Results {
  readonly problem: Problem;
  readonly job: JobInfo;
  readonly deadJob: DeadJob;
  readonly step: StepInfo;
  readonly heldBack: HeldBack;
  readonly jobPage: JobPage;
  readonly foundJobs: FoundJobs;
  readonly deadJobPage: JobPage<DeadJob>;
  readonly failureDetails: FailureDetails;
  readonly failurePage: FailurePage;
  readonly changePage: ChangePage;
  readonly enqueueResult: EnqueueResult;
  readonly enqueueResults: { readonly jobs: readonly EnqueueResult[] };
  readonly eachResults: { readonly jobs: readonly EachResult[] };
  /** A duplicate, a replaced job, or the results of an array. */
  readonly duplicateOrMany: EnqueueResult | Results["enqueueResults"] | Results["eachResults"];
  readonly signalResult: SignalResult;
  readonly rekeyed: RekeyResult;
  readonly cleared: { readonly cleared: number } & Counted;
  readonly cancelledJobs: CancelledJobs & Counted;
  readonly rescheduledJobs: RescheduledJobs & Counted;
  readonly retried: { readonly retried: number } & Piece;
  readonly removed: { readonly removed: number } & Piece;
  readonly schedule: ScheduleInfo;
  readonly scheduleRow: MaybeRow;
  readonly schedules: { readonly schedules: readonly MaybeRow[] };
  readonly preview: { readonly occurrences: readonly Date[] };
  readonly flowControlKey: FlowControlKey;
  readonly flowControlPage: FlowControlPage;
  readonly drainedAttempt: DrainedAttempt;
  readonly drainReport: DrainReport & Partial<DrainedAttempts>;
  readonly draining: { readonly status: "draining" };
  readonly pausedJobType: PausedJobType;
  readonly stats: QueueStats;
  readonly queueList: QueueList;
  readonly upcoming: Upcoming;
  readonly activity: QueueActivity;
  readonly queueFigures: QueueFigures;
  readonly queueHistory: QueueHistory;
  readonly paused: { readonly paused: boolean; readonly resumed?: boolean };
  readonly resumed: { readonly resumed: boolean };
  readonly healthy: { readonly status: "ok"; readonly version?: string };
}
