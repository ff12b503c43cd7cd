/** Why a drain ended. `empty`: nothing more was due. */
export type StoppedBy = "empty" | "maxJobs" | "timeBudget" | "budget" | "paused" | "aborted";

/** What one drain did, what it cost, and what it left. */
export interface DrainReport {
  readonly claimed: number;
  readonly completed: number;
  readonly retried: number;
  readonly deadLettered: number;
  readonly snoozed: number;
  /** Claimed, but handed back unstarted, with no attempt used. */
  readonly released: number;
  /** Finished too late: the lease had run out, and the result was refused. */
  readonly lost: number;
  /** Schedules whose slot was fired and whose next one was set. */
  readonly rearmed: number;
  readonly roundTrips: number;
  readonly commands: number;
  readonly stoppedBy: StoppedBy;
  /** When something next needs attention: a run time, a slot, or the end of another invocation's lease. */
  readonly nextRunAt: Date | null;
  /** Whether something was due that this drain left to others. */
  readonly backlog: boolean;
}

/** What a drain counts of the jobs that it claimed, and of the schedules that it fired. */
export type Count = Exclude<keyof DrainReport, "roundTrips" | "commands" | "stoppedBy" | "nextRunAt" | "backlog">;

/** No job yet. */
export const noCounts: Readonly<Record<Count, number>> = {
  claimed: 0,
  completed: 0,
  retried: 0,
  deadLettered: 0,
  snoozed: 0,
  released: 0,
  lost: 0,
  rearmed: 0,
};
