import { readSchedules, type ScheduleRow, withRuns } from "../http/dashboard/read-schedules.ts";
import type { Target } from "./target.ts";

/** How many jobs are read through a handler, each with a request of its own. */
const MOST_REQUESTS = 200;
const AT_ONCE = 10;

/** Reads all schedules with what became of their last jobs, or the one with a key. Leaves out an unknown one. */
export async function readScheduleRows({ kind, queue }: Target, key?: string): Promise<readonly ScheduleRow[]> {
  if (kind !== "handler" && key === undefined) return readSchedules(queue);
  const one = key === undefined ? undefined : await queue.schedules.get(key);
  const schedules = key === undefined ? await queue.schedules.list() : one ? [one] : [];
  const readJobs = async (ids: readonly string[]) => {
    const found = [];
    for (let from = 0; from < ids.length; from += AT_ONCE)
      found.push(...(await Promise.all(ids.slice(from, from + AT_ONCE).map((id) => queue.getJob(id)))));
    return found.flatMap((job) => job ?? []);
  };
  return withRuns(schedules, readJobs, MOST_REQUESTS);
}
