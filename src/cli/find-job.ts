import type { JobInfo } from "../core/manage/job-info.ts";
import { notFound } from "../core/shared/errors.ts";
import { type JobState, jobStates } from "../core/store/store.ts";
import { isShortened, isShownAs } from "./output/short-id.ts";
import { count, printable } from "./output/text.ts";
import { allTargets } from "./queues.ts";
import type { Session } from "./session.ts";
import type { Target } from "./target.ts";
import { UsageError } from "./usage-error.ts";

/** How many jobs of each state are searched for a shortened id: one page. */
const SEARCHED = 1_000;

/**
 * Finds a job by its id, or by the shortened id in a table. If it is in another queue of the handler or module, a note
 * says in which.
 *
 * @returns the job, with the target of its queue.
 * @throws as `findIds`, and `not_found`
 */
export async function findJob(
  target: Target,
  text: string,
  session: Session,
): Promise<{ readonly job: JobInfo; readonly target: Target }> {
  const here = await target.queue.getJob(text);
  if (here) return { job: here, target };
  const latest = isShortened(text) ? await search(target, text, jobStates, session) : undefined;
  if (latest) return { job: latest, target };
  // A token that may not list queues still gets the error of the one that it asked.
  const others = await allTargets(target, session).catch(() => new Map<string | undefined, Target>());
  for (const each of others.values()) {
    const job = each.queue === target.queue ? null : await each.queue.getJob(text);
    if (!job) continue;
    session.note(`Found in the queue ${printable(job.queue)}.`);
    return { job, target: each };
  }
  const searched = [...others.keys()].flatMap((name) => (name === undefined ? [] : printable(name)));
  throw notFound(
    `No job has this id. Completed jobs are kept only for a queue's retention. Searched: ${searched.join(", ") || target.label}.`,
  );
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
