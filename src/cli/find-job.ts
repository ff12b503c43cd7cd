import type { JobInfo } from "../core/manage/job-info.ts";
import { notFound } from "../core/shared/errors.ts";
import { type JobState, jobStates } from "../core/store/store.ts";
import { isShortened, isShownAs } from "./output/short-id.ts";
import { counted, printable } from "./output/text.ts";
import type { Session } from "./session.ts";
import type { Target } from "./target.ts";
import { UsageError } from "./usage-error.ts";

/** How many jobs of each state are searched for an id that a table has shortened. A page has no more. */
const SEARCHED = 1_000;

/** A job by its id, or by what a table shows of its id. @throws as `findId`, and `not_found` */
export async function findJob(target: Target, text: string, session: Session): Promise<JobInfo> {
  const job = await target.queue.getJob(text);
  if (job) return job;
  const found = isShortened(text) ? await search(target, text, jobStates, session) : undefined;
  if (!found) throw notFound(`No job has this id. Completed jobs are kept only for the queue's retention.`);
  return found;
}

/**
 * The ids that are meant by what a table shows of them. Those that are whole need no request.
 *
 * @throws {UsageError} if several jobs can be meant.
 */
export async function findIds(
  target: Target,
  texts: readonly string[],
  states: readonly JobState[],
  session: Session,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const text of texts) {
    const isWhole = !isShortened(text) || (await target.queue.getJob(text)) !== null;
    // One that is not found is refused as any other unknown id.
    ids.push(isWhole ? text : ((await search(target, text, states, session))?.id ?? text));
  }
  return ids;
}

async function search(
  { queue }: Target,
  text: string,
  states: readonly JobState[],
  session: Session,
): Promise<JobInfo | undefined> {
  const line = session.liveLine();
  line.show(`Looking for ${text} among the latest jobs ...`);
  const read = async (state: JobState) => (await queue.listJobs({ state, limit: SEARCHED })).jobs;
  const pages = await Promise.all(states.map(read)).finally(() => line.clear());
  const found = pages.flat().filter(({ id }) => isShownAs(id, text));
  if (found.length > 1)
    throw new UsageError(
      `${counted(found.length, "job")} can be meant by ${printable(text)}.`,
      "Give the whole id. --wide shows it.",
    );
  return found[0];
}
