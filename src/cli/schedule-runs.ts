import type { ScheduleInfo } from "../core/schedule/schedules.ts";
import { MOST_WITH_RUNS, readSchedules, type ScheduleRow, withRuns } from "../http/dashboard/read-schedules.ts";
import type { AnyQueue, Target } from "./target.ts";

/** How many jobs a command reads through a handler, each with a request of its own. */
const MOST_REQUESTS = 200;
const AT_ONCE = 10;

interface ScheduleRows {
  readonly schedules: readonly ScheduleRow[];
  /** How many of them show how their last jobs ended: the first ones. */
  readonly withRuns: number;
}

/**
 * Reads all schedules of a queue with what became of their last jobs.
 *
 * @param queues how many queues the command reads: through a handler, they share the requests for jobs.
 */
export async function readScheduleRows({ kind, queue }: Target, queues = 1): Promise<ScheduleRows> {
  if (kind !== "handler") return { schedules: await readSchedules(queue), withRuns: MOST_WITH_RUNS };
  const most = Math.max(1, Math.floor(MOST_REQUESTS / queues));
  return { schedules: await rowsOf(queue, await queue.schedules.list(), most), withRuns: most };
}

/** Reads one schedule with what became of its last jobs. Undefined if it is unknown. */
export async function readScheduleRow({ queue }: Target, key: string): Promise<ScheduleRow | undefined> {
  const found = await queue.schedules.get(key);
  return found ? (await rowsOf(queue, [found], MOST_REQUESTS))[0] : undefined;
}

function rowsOf(
  queue: AnyQueue,
  schedules: readonly ScheduleInfo[],
  mostJobs: number,
): Promise<readonly ScheduleRow[]> {
  const readJobs = async (ids: readonly string[]) => {
    const found = [];
    for (let from = 0; from < ids.length; from += AT_ONCE)
      found.push(...(await Promise.all(ids.slice(from, from + AT_ONCE).map((id) => queue.getJob(id)))));
    return found.flatMap((job) => job ?? []);
  };
  return withRuns(schedules, readJobs, mostJobs);
}
