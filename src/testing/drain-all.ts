import { type DrainOptions, NO_LIMIT } from "../core/drain/options.ts";
import { addCounts, type DrainReport } from "../core/drain/report.ts";
import type { Queue } from "../core/queue/queue.ts";
import { type Duration, momentMs, type PointInTime } from "../core/shared/duration.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import { knownOptions } from "../core/shared/validate.ts";
import type { TestClock } from "./clock.ts";

/** How far to drain a queue. */
export interface DrainAllOptions extends Pick<DrainOptions, "concurrency" | "batchSize" | "signal"> {
  /**
   * The queue's clock. It moves to whatever is due next, so that delays, retries and schedules run, sleeps end, and
   * waits for signals time out. Without it, the time stands still. It also stands still while jobs run: for a job
   * that sleeps on the clock or exceeds its timeout, use `queue.drain()` and `clock.advance`.
   */
  readonly clock?: TestClock | undefined;
  /** Where the clock ends: a duration from now such as "1h", or a point in time. Default: where the last job ran. */
  readonly until?: Duration | PointInTime | undefined;
  /** The most jobs to claim: more count as an endless loop. Default 10,000. */
  readonly maxJobs?: number | undefined;
}

const MOST_JOBS = 10_000;

/**
 * Drains a queue until nothing is due, including what its jobs enqueue. With a clock, until no job can run without a
 * person: a job whose dead child must be retried or removed keeps waiting, and so does one whose key is paused.
 *
 * ```ts
 * const report = await drainAll(queue, { clock, until: "1h" });
 * expect(report).toMatchObject({ completed: 12, retried: 1 });
 * ```
 *
 * @returns one report for all drains, which ends like the last one. A paused queue is not drained.
 * @throws {TidegateError} `invalid_request` if `clock` is not the queue's, or for an invalid option.
 * @throws {Error} if it does not end: after `maxJobs`, or for a queue with schedules and a clock, but no `until`.
 */
export async function drainAll(queue: Queue, options: DrainAllOptions = {}): Promise<DrainReport> {
  const { clock, until, maxJobs = MOST_JOBS, ...limits } = knownOptions(options, optionNames, "drainAll");
  checkClock(queue, clock);
  const end = endOf(clock, until);
  let total: DrainReport | undefined;
  for (;;) {
    const left = maxJobs - (total?.claimed ?? 0);
    // Claiming one more than allowed proves that there is no end.
    const report = await queue.drain({ ...unlimited, ...limits, maxJobs: left + 1 });
    if (report.claimed > left)
      throw new Error(
        `drainAll has claimed more than ${maxJobs} jobs of queue "${queue.name}": does a job enqueue or snooze itself forever, or wait again after each timeout? If you expect that many, raise maxJobs.`,
      );
    total = total ? { ...report, ...addCounts(total, report) } : report;
    if (report.stoppedBy === "paused" || report.stoppedBy === "aborted") return total;
    const next = report.nextRunAt?.getTime();
    // Jobs that are due and could not be claimed stay so, whatever the time.
    if (!clock || next === undefined || next <= clock.now || (end !== undefined && next > end)) break;
    if (end === undefined) await mustEnd(queue);
    await clock.set(next);
    checkClock(queue, clock);
  }
  if (clock && end !== undefined) await clock.set(end);
  checkClock(queue, clock);
  return total;
}

const optionNames = ["concurrency", "batchSize", "signal", "clock", "until", "maxJobs"];

/** A clock other than the queue's shows another time, at the latest after a move. */
function checkClock(queue: Queue, clock: TestClock | undefined): void {
  if (!clock || queue.clock() === Math.floor(clock.now)) return;
  const shows = (ms: number) => new Date(ms).toISOString();
  throw invalidRequest(
    `drainAll got a clock that is not the queue's: it shows ${shows(clock.now)}, the queue's shows ${shows(queue.clock())}. Pass the same clock to both, as in new Queue({ clock }).`,
  );
}

const unlimited = { timeBudget: "365d", budget: { roundTrips: NO_LIMIT, commands: NO_LIMIT } } as const;

function endOf(clock: TestClock | undefined, until: Duration | PointInTime | undefined): number | undefined {
  if (until === undefined) return undefined;
  if (!clock)
    throw invalidRequest("drainAll needs the queue's clock to move the time: pass clock together with until.");
  const end = momentMs(until, clock.now, "until");
  if (end < clock.now)
    throw invalidRequest(
      `until is before the clock's time, ${new Date(clock.now).toISOString()}. A number is ms since 1970: for a duration write "1h".`,
    );
  return end;
}

async function mustEnd(queue: Queue): Promise<void> {
  const schedule = (await queue.schedules.list()).find(({ nextRunAt }) => nextRunAt !== null);
  if (!schedule) return;
  throw new Error(
    `drainAll would never end: schedule "${schedule.key}" always has a next run. Say where to stop, as in { clock, until: "1h" }.`,
  );
}
