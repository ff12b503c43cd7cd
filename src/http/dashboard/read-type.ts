import type { NameFigures } from "../../core/manage/figures.ts";
import { findJobs } from "../../core/manage/search.ts";
import { listingOf } from "../../core/queue/latest-jobs.ts";
import type { Queue } from "../../core/queue/queue.ts";
import { type JobRow, rowOf } from "./shown-job.ts";

const DAYS = 7;
const MOST_SLOWEST = 10;

/** One job type. */
export interface JobType {
  /** Its metrics; null before its first job has ended. */
  readonly figures: NameFigures | null;
  /** The slowest of its latest completed jobs. */
  readonly slowest: readonly JobRow[];
  /** Among how many. */
  readonly among: number;
}

/** Reads the metrics of a job type, 6 to 9 commands, and searches the completed jobs for its latest: see `findJobs`. */
export async function readType(queue: Queue, name: string): Promise<JobType> {
  const [
    {
      names: [figures = null],
    },
    { jobs },
  ] = await Promise.all([
    queue.getFigures({ name, days: DAYS, pending: true }),
    findJobs(listingOf(queue), { state: "completed", text: name, by: "name" }),
  ]);
  const took = ({ startedAt, completedAt }: (typeof jobs)[number]) =>
    startedAt && completedAt ? completedAt.getTime() - startedAt.getTime() : 0;
  const slowest = [...jobs].sort((one, other) => took(other) - took(one)).slice(0, MOST_SLOWEST);
  return { figures, slowest: slowest.map(rowOf), among: jobs.length };
}
