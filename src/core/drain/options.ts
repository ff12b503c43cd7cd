import { MOST_FIRED_AT_ONCE } from "../schedule/fire.ts";
import type { Clock } from "../shared/clock.ts";
import { type Duration, durationMs } from "../shared/duration.ts";
import { invalidRequest } from "../shared/errors.ts";
import { checkFunctions, checkKnown, wholeNumber } from "../shared/validate.ts";
import { type Cost, noCost } from "../store/meter.ts";
import type { LeasedJob, QueueStore } from "../store/store.ts";
import type { DrainCounts, DrainReport } from "./report.ts";
import { type DrainSlots, ownSlots } from "./slots.ts";

/** The bounds of one drain. It ends at the first that is reached. */
export interface DrainOptions {
  /** How many jobs to claim at most. Default 100. */
  readonly maxJobs?: number;
  /** How many jobs run at the same time. Default 10. */
  readonly concurrency?: number;
  /** How long jobs are started. Those running then may end, within their own timeouts. Default "25s". */
  readonly timeBudget?: Duration;
  /** How long running jobs may go on after the time budget before they are aborted and count as failed. Default: their timeouts. */
  readonly grace?: Duration;
  /** How long to wait, without polling, for what falls due within this time of the start. Default "0s". */
  readonly linger?: Duration;
  /** How many jobs one exchange claims at most: 1 to 1,000. Default 100. */
  readonly batchSize?: number;
  /**
   * What may be spent, as Redis counts it. Default: 40 round trips, 1,000 commands.
   *
   * It is never exceeded: no request is sent that might be billed more than is left, be it a resend, or `extend` or `progress` of a
   * job. What it takes to settle the jobs in hand is set aside first. Where an answer is lost, the most that its request can have
   * been billed counts as spent. What jobs enqueue themselves is not part of it.
   */
  readonly budget?: { readonly roundTrips?: number; readonly commands?: number };
  /** Aborting it hands back what has not started, and lets what runs end. */
  readonly signal?: AbortSignal;
  /**
   * For a process that stays: how often to look for what other processes have enqueued, while jobs run and slots are free. What
   * is enqueued through the same `Queue` is then noticed at once. Default: not at all.
   */
  readonly checkEvery?: Duration;
  /** Told after each exchange what the drain has done so far. It may not throw. */
  readonly onProgress?: (report: DrainReport) => void;
}

/** Drain options as numbers. */
export interface DrainLimits {
  readonly maxJobs: number;
  readonly heldOnly: boolean;
  readonly concurrency: number;
  readonly timeBudgetMs: number;
  readonly graceMs: number;
  readonly lingerMs: number;
  readonly batchSize: number;
  readonly roundTrips: number;
  readonly commands: number;
  readonly signal: AbortSignal | undefined;
  readonly checkEveryMs: number;
  readonly onProgress: ((report: DrainReport) => void) | undefined;
  readonly onReturn: DrainParts["onReturn"];
  readonly longestAttemptMs: number;
  readonly slots: DrainSlots;
  readonly onStopped: DrainParts["onStopped"];
}

export const drainDefaults = {
  maxJobs: 100,
  concurrency: 10,
  timeBudget: "25s",
  linger: "0s",
  batchSize: 100,
  budget: { roundTrips: 40, commands: 1_000 },
} as const;

/** What `Queue.drain` takes beside its options. */
export interface DrainParts {
  /** Jobs that are leased to the caller already, and run first. */
  readonly held?: readonly LeasedJob[];
  /**
   * Whether the held jobs are run and nothing else: what comes next is then not looked at, which saves a command, and the report
   * tells nothing of it. Default false.
   */
  readonly heldOnly?: boolean;
  /** What drains under the same bounds have claimed and spent already. */
  readonly before?: Pick<DrainCounts, "claimed" | "roundTrips" | "commands">;
  /** The clock of the whole of which this drain is a part. Default: the queue's. */
  readonly clock?: Clock;
  /** Told when a job that the drain performed is due again, since it is retried or snoozed. It may not throw. */
  readonly onReturn?: (runAt: number) => void;
  /**
   * The longest timeout of a job that is started. One with a longer timeout is handed back at once, with no attempt used and due
   * as before, and the drain claims no more: whoever has the time finds it first in line. Default: none is too long.
   */
  readonly longestAttemptMs?: number;
  /** Slots that other drains share. Default: `concurrency` of its own. */
  readonly slots?: DrainSlots;
  /**
   * Told what the drain has done when it claims no more, while jobs still run or hooks have something to send: another drain may
   * go on. It may be told so again, and may not throw.
   */
  readonly onStopped?: (report: DrainReport) => void;
  /**
   * Takes over what the drain would wait for at its end: what hooks and traces have begun, which never rejects and takes two seconds
   * at most. Default: the drain waits.
   */
  readonly afterwards?: (rest: Promise<void>) => void;
}

/** Options over others: each that is given counts in place of the other's, and so does each part of a budget. */
export function withDefaults(options: DrainOptions, defaults: DrainOptions): DrainOptions {
  return { ...defaults, ...options, budget: { ...defaults.budget, ...options.budget } };
}

const optionNames = [...Object.keys(drainDefaults), "grace", "signal", "checkEvery", "onProgress"];
const partNames = [
  "held",
  "heldOnly",
  "before",
  "clock",
  "onReturn",
  "longestAttemptMs",
  "slots",
  "onStopped",
  "afterwards",
] satisfies (keyof DrainParts)[];

/** To look, to claim and to settle: less than that no store can do with. */
export const LEAST_ROUND_TRIPS = 3;

/** The largest that `maxJobs` and the parts of a budget may be: as good as no limit. */
export const NO_LIMIT = 1_000_000_000;

/** Reads drain options. @throws {TidegateError} `invalid_request`; the message names the option. */
export function drainLimits(options: DrainOptions & DrainParts): DrainLimits {
  checkKnown(options, optionNames, "drain", partNames);
  checkKnown(options.budget ?? {}, Object.keys(drainDefaults.budget), "budget");
  checkFunctions(options, ["onProgress", "onReturn", "onStopped"]);
  const { maxJobs, concurrency, timeBudget, linger, batchSize } = { ...drainDefaults, ...options };
  const { held = [], heldOnly = false } = options;
  const budget = { ...drainDefaults.budget, ...options.budget };
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw invalidRequest("signal must be an AbortSignal.");
  }
  return {
    maxJobs: heldOnly ? held.length : wholeNumber(maxJobs, "maxJobs", 1, NO_LIMIT),
    heldOnly,
    concurrency: wholeNumber(concurrency, "concurrency", 1, 10_000),
    timeBudgetMs: durationMs(timeBudget, "timeBudget"),
    graceMs: options.grace === undefined ? Number.POSITIVE_INFINITY : durationMs(options.grace, "grace"),
    lingerMs: durationMs(linger, "linger"),
    batchSize: wholeNumber(batchSize, "batchSize", 1, 1_000),
    roundTrips: wholeNumber(budget.roundTrips, "budget.roundTrips", LEAST_ROUND_TRIPS, NO_LIMIT),
    commands: wholeNumber(budget.commands, "budget.commands", 1, NO_LIMIT),
    signal: options.signal,
    checkEveryMs:
      options.checkEvery === undefined ? Number.POSITIVE_INFINITY : durationMs(options.checkEvery, "checkEvery"),
    onProgress: options.onProgress,
    onReturn: options.onReturn,
    slots: options.slots ?? ownSlots(concurrency),
    onStopped: options.onStopped,
    longestAttemptMs: options.longestAttemptMs ?? Number.POSITIVE_INFINITY,
  };
}

/** The least that a drain can do anything with: to look, then to claim a job or find a schedule, and to settle or fire it. */
export function leastBudget(store: QueueStore, declared: number): Cost {
  const { local } = store;
  const claiming = local.mostOfExchange({ claims: 1 });
  const settling = local.mostOfExchange({ settles: 1, fires: 1, firedJobs: MOST_FIRED_AT_ONCE });
  const declaring = declared > 0 ? local.mostOfDeclare(declared) : noCost;
  const least = (part: keyof Cost) =>
    local.mostOfPeek[part] + Math.max(declaring[part], claiming[part] + settling[part]);
  return { roundTrips: least("roundTrips"), commands: least("commands") };
}

/**
 * Refuses a budget with which drains of a queue could never do anything, and its jobs would wait for ever.
 *
 * @throws {TidegateError} `invalid_request`; the message names the part and how much it takes.
 */
export function checkBudget(budget: Cost, least: Cost, queue: string): void {
  for (const part of ["roundTrips", "commands"] as const) {
    if (budget[part] >= least[part]) continue;
    throw invalidRequest(`budget.${part} must be at least ${least[part]} to drain the queue "${queue}".`);
  }
}
