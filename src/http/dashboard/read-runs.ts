import type { Queue } from "../../core/queue/queue.ts";
import type { JobState } from "../../core/store/store.ts";
import type { MessageRecords, RunPage, RunView } from "../qstash-port.ts";
import { latestJobs } from "./latest-jobs.ts";
import { type Bar, barsOf } from "./waterfall.ts";

/** How many jobs of each state are looked at for those with steps. */
const LOOKED_AT_OF_EACH = 100;
const MOST_ROWS = 50;

/** A job with steps. */
export interface RunRow {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  readonly bars: readonly Bar[];
}

/** Jobs with steps among the latest 100 of each state: 3 to 10 commands for each state. */
export async function readRuns(queue: Queue): Promise<readonly RunRow[]> {
  const jobs = await latestJobs(queue, LOOKED_AT_OF_EACH);
  return jobs
    .filter(({ steps }) => steps)
    .slice(0, MOST_ROWS)
    .map(({ id, name, state, steps = [] }) => ({ id, name, state, bars: barsOf(steps) }));
}

const noRuns: RunPage = { runs: [] };

/** Runs of workflows, the newest first: 3 commands. */
export async function readWorkflows(queue: Queue, records?: MessageRecords, cursor?: string): Promise<RunPage> {
  return (await records?.runs(queue, cursor)) ?? noRuns;
}

/** One run of a workflow with its steps: some 2 commands, and 3 for each step that is not over. */
export async function readWorkflow(queue: Queue, id: string, records?: MessageRecords): Promise<RunView | null> {
  return (await records?.run(queue, id)) ?? null;
}
