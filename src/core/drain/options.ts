import type { Wake } from "../observe/wake.ts";
import type { Clock } from "../shared/clock.ts";
import { type Duration, durationMs } from "../shared/duration.ts";
import { accepting, callable, duration, optionsOf, whole } from "../shared/schema.ts";
import { withoutUndefined } from "../shared/validate.ts";
import type { Cost } from "../store/meter.ts";
import type { LeasedJob } from "../store/store.ts";
import { LEAST_ROUND_TRIPS } from "./budget.ts";
import type { EndedJob } from "./in-hand.ts";
import type { DrainCounts, DrainReport } from "./report.ts";
import { type DrainSlots, ownSlots } from "./slots.ts";

/** The limits of one drain. It ends at the first that is reached. */
export interface DrainOptions {
  /** How many jobs to claim at most. Default 100. */
  readonly maxJobs?: number | undefined;
  /** How many jobs run at the same time. Default 10. */
  readonly concurrency?: number | undefined;
  /** For how long jobs are started. Running ones may then finish, within their timeouts. Default "25s". */
  readonly timeBudget?: Duration | undefined;
  /**
   * How long running jobs may continue after the time budget, before they are aborted and count as failed. Default:
   * their timeouts.
   */
  readonly grace?: Duration | undefined;
  /** Waits, without polling, for jobs that become due within this time of the start. Default "0s". */
  readonly linger?: Duration | undefined;
  /** How many jobs one request claims at most: 1 to 1,000. Default 100. */
  readonly batchSize?: number | undefined;
  /**
   * What the drain may spend, as Redis counts it. Default: 40 round trips, 1,000 commands.
   *
   * It never exceeds the round trips: it claims only while they have room to settle the claimed jobs, and for one
   * request to be sent again. Once the commands are spent, it claims nothing more, so it may exceed them by
   * one exchange and what settles the claimed jobs. A request whose reply is lost counts as one command.
   */
  readonly budget?: { readonly roundTrips?: number | undefined; readonly commands?: number | undefined } | undefined;
  /** Aborting it releases jobs that have not started, and lets running ones finish. */
  readonly signal?: AbortSignal | undefined;
  /**
   * For a long-running process: how often to check for jobs that other processes have enqueued, while jobs run and
   * slots are free. The drain then immediately notices jobs enqueued through the same `Queue`, even while it lingers.
   * Default: never.
   */
  readonly checkEvery?: Duration | undefined;
  /** Called after each exchange with what the drain has done so far. It must not throw. */
  readonly onProgress?: ((report: DrainReport) => void) | undefined;
}

export const drainDefaults = {
  maxJobs: 100,
  concurrency: 10,
  timeBudget: "25s",
  linger: "0s",
  batchSize: 100,
  budget: { roundTrips: 40, commands: 1_000 },
} as const;

/** Options that only the rest of the package can set. */
export interface InternalDrainOptions {
  /** Jobs that are leased to the caller already. They run first. */
  readonly held?: readonly LeasedJob[];
  /**
   * Whether only the held jobs are run. The drain then does not read what is due next, which saves a command, and its
   * report says nothing about it. Default false.
   */
  readonly heldOnly?: boolean;
  /** What earlier drains under the same limits have claimed and spent. */
  readonly before?: Pick<DrainCounts, "claimed" | "roundTrips" | "commands">;
  /** The clock that several drains share. Default: the queue's. */
  readonly clock?: Clock;
  /**
   * Called with the time at which a job of the drain will be due again, or a job that it has made. With `heldOnly`,
   * also when this `Queue` enqueues something that is due at once, as jobs do. It must not throw.
   */
  readonly onReturn?: (runAt: number) => void;
  /**
   * The longest timeout of a job to start. A job with a longer one is released at once, and the drain claims no more: a
   * drain with more time then finds it first. Default: no limit.
   */
  readonly longestAttemptMs?: number;
  /** Slots to share with other drains. Default: `concurrency` of its own. */
  readonly slots?: DrainSlots;
  /**
   * Called with what the drain has done when it claims no more, and with the failure if there was one. Jobs may still
   * run, but another drain may begin. It may be called again, and must not throw.
   */
  readonly onStopped?: (report: DrainReport, failure?: unknown) => void;
  /** Called at its end with how many jobs it has released because their job type is paused. */
  readonly onHeld?: (count: number) => void;
  /** Called with what the drain has spent if it throws. */
  readonly onFailed?: (spent: Cost) => void;
  /** Called for each outcome that the store has accepted or refused. It must not throw. */
  readonly onSettled?: (ended: EndedJob, isAccepted: boolean) => void;
  /**
   * Gets the promise of hooks and traces that the drain would wait for at its end. It never rejects and takes at most
   * two seconds. Default: the drain waits.
   */
  readonly afterwards?: (rest: Promise<void>) => void;
  /** Asks for the next drain of each queue, in place of its own `wake`. */
  readonly wake?: Wake;
}

/** Drain options, checked and complete. */
export interface DrainLimits extends InternalDrainOptions, Pick<DrainOptions, "signal" | "onProgress"> {
  readonly maxJobs: number;
  readonly concurrency: number;
  readonly timeBudgetMs: number;
  readonly graceMs: number;
  readonly lingerMs: number;
  readonly batchSize: number;
  readonly roundTrips: number;
  readonly commands: number;
  readonly checkEveryMs: number;
  readonly longestAttemptMs: number;
  readonly slots: DrainSlots;
}

/** Options with defaults: each option that is given replaces the default, and so does each part of a budget. */
export function withDefaults(options: DrainOptions, defaults: DrainOptions): DrainOptions {
  const [over, under] = [withoutUndefined(options), withoutUndefined(defaults)];
  const budget = { ...withoutUndefined(under.budget ?? {}), ...withoutUndefined(over.budget ?? {}) };
  return { ...under, ...over, budget };
}

/** The largest `maxJobs`, and the largest part of a budget: as good as no limit. */
export const NO_LIMIT = 1_000_000_000;

export const budgetOptions = optionsOf<NonNullable<DrainOptions["budget"]>>("budget", {
  roundTrips: whole(LEAST_ROUND_TRIPS, NO_LIMIT),
  commands: whole(1, NO_LIMIT),
});

export const drainOptions = optionsOf<DrainOptions>("drain", {
  maxJobs: whole(1, NO_LIMIT),
  concurrency: whole(1, 10_000),
  timeBudget: duration,
  grace: duration,
  linger: duration,
  batchSize: whole(1, 1_000),
  budget: budgetOptions,
  signal: accepting({}, (value) => value instanceof AbortSignal, "an AbortSignal"),
  checkEvery: duration,
  onProgress: callable,
});

/** Reads drain options. @throws {TidegateError} `invalid_request`; the message names the option. */
export function drainLimits(given: DrainOptions, inner: InternalDrainOptions = {}): DrainLimits {
  const options = drainOptions.read(given);
  const { maxJobs, concurrency, timeBudget, linger, batchSize, grace, checkEvery, budget, ...rest } = {
    ...drainDefaults,
    ...options,
  };
  const orNever = (name: string, value?: Duration) =>
    value === undefined ? Number.POSITIVE_INFINITY : durationMs(value, name);
  return {
    longestAttemptMs: Number.POSITIVE_INFINITY,
    slots: ownSlots(concurrency),
    ...inner,
    ...rest,
    maxJobs,
    concurrency,
    timeBudgetMs: durationMs(timeBudget, "timeBudget"),
    graceMs: orNever("grace", grace),
    lingerMs: durationMs(linger, "linger"),
    batchSize,
    ...drainDefaults.budget,
    ...withoutUndefined(budget),
    checkEveryMs: orNever("checkEvery", checkEvery),
  };
}
