import type { JobInfo } from "../core/manage/job-info.ts";
import { notFound } from "../core/shared/errors.ts";
import { type JobState, jobStates } from "../core/store/store.ts";
import { isShortened, isShownAs } from "./output/short-id.ts";
import { count, printable } from "./output/text.ts";
import type { Session } from "./session.ts";
import type { Target } from "./target.ts";
import { UsageError } from "./usage-error.ts";

/** How many jobs of each state are searched for a shortened id: one page. */
const SEARCHED = 1_000;

/** Finds a job by its id, or by the shortened id in a table. @throws as `findIds`, and `not_found` */
export async function findJob(target: Target, text: string, session: Session): Promise<JobInfo> {
  const job = await target.queue.getJob(text);
  if (job) return job;
  const found = isShortened(text) ? await search(target, text, jobStates, session) : undefined;
  if (!found) throw notFound(`No job has this id. Completed jobs are kept only for the queue's retention.`);
  return found;
}

/** Expands ids that a table has shortened. Whole ids need no request. @throws {UsageError} if one is ambiguous */
export async function findIds(
  target: Target,
  texts: readonly string[],
  states: readonly JobState[],
  session: Session,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const text of texts) {
    const isWhole = !isShortened(text) || (await target.queue.getJob(text)) !== null;
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
      `"${printable(text)}" is ambiguous: ${count(found.length)} matches.`,
      "Give the whole id. --wide shows it.",
    );
  return found[0];
}
