import type { DeadSelection } from "../core/manage/dead-letter.ts";
import { bar } from "./output/live-line.ts";
import { count, counted, printable } from "./output/text.ts";
import { PartlyDone } from "./partly-done.ts";
import type { Session } from "./session.ts";
import type { Target } from "./target.ts";
import { UsageError } from "./usage-error.ts";

/** An action on dead jobs. */
export type DeadLetterAction = { readonly verb: "remove" } | { readonly verb: "retry"; readonly payload?: unknown };

/** A handler needs two round trips for a request with this many jobs. The progress bar moves after each request. */
const CHUNK = 250;

/** Reads which dead jobs to act on. @throws {UsageError} unless they are chosen in exactly one way. */
export function readSelection(
  ids: readonly string[],
  { name, group, all }: { readonly name?: string; readonly group?: string; readonly all?: true },
): DeadSelection {
  const ways: DeadSelection[] = [];
  if (ids.length > 0) ways.push({ ids: [...new Set(ids)] });
  if (name !== undefined) ways.push({ name });
  if (group !== undefined) ways.push({ group });
  if (all) ways.push({ all });
  const [selection] = ways;
  if (!selection || ways.length > 1)
    throw new UsageError(
      "Choose dead jobs in exactly one way.",
      "Give ids, or --name NAME, or --group GROUP, or --all.",
    );
  return selection;
}

/** How many dead jobs a selection has. */
export async function countDead({ queue }: Target, selection: DeadSelection): Promise<number> {
  if ("all" in selection) return (await queue.getStats()).deadLetterCount;
  return (await queue.removeFromDeadLetter(selection, { dryRun: true })).removed;
}

/** "all 5,000 dead jobs", "3 dead jobs named send_email" */
export function describeSelection(selection: DeadSelection, size: number): string {
  const jobs = `${count(size)} dead ${size === 1 ? "job" : "jobs"}`;
  if ("all" in selection) return `all ${jobs}`;
  if ("group" in selection) return `${jobs} of the group ${selection.group}`;
  return "name" in selection ? `${jobs} named ${printable(selection.name)}` : jobs;
}

/**
 * Performs the action, with a progress bar for people. Returns how many jobs it affected.
 *
 * @throws {PartlyDone} if it fails after it affected some.
 */
export async function applyToDeadJobs(
  target: Target,
  action: DeadLetterAction,
  selection: DeadSelection,
  session: Session,
): Promise<number> {
  const line = session.liveLine();
  const size = async () => ("ids" in selection ? selection.ids.length : countDead(target, selection));
  const total = line.isVisible ? await size() : 0;
  const label = action.verb === "retry" ? "Retrying" : "Removing";
  let affected = 0;
  const onProgress = (done: number) => {
    affected = done;
    line.show(bar(label, done, total));
  };
  try {
    onProgress(0);
    if ("ids" in selection) return await applyInChunks(target, action, [selection.ids], onProgress);
    if (target.kind === "handler") return await applyInChunks(target, action, pagesOf(target, selection), onProgress);
    if (action.verb === "remove") return (await target.queue.removeFromDeadLetter(selection, { onProgress })).removed;
    const { verb, ...payload } = action;
    return (await target.queue.retryFromDeadLetter(selection, { ...payload, onProgress })).retried;
  } catch (error) {
    if (affected === 0) throw error;
    const done = action.verb === "retry" ? "retried" : "removed";
    throw new PartlyDone(`${counted(affected, "job")} had been ${done} before.`, { [done]: affected }, error);
  } finally {
    line.clear();
  }
}

async function applyInChunks(
  { queue }: Target,
  action: DeadLetterAction,
  pages: Iterable<readonly string[]> | AsyncIterable<readonly string[]>,
  onProgress: (done: number) => void,
): Promise<number> {
  let done = 0;
  for await (const page of pages) {
    for (let from = 0; from < page.length; from += CHUNK) {
      const ids = page.slice(from, from + CHUNK);
      if (action.verb === "remove") done += (await queue.removeFromDeadLetter({ ids })).removed;
      else {
        const { verb, ...payload } = action;
        done += (await queue.retryFromDeadLetter({ ids }, payload)).retried;
      }
      onProgress(done);
    }
  }
  return done;
}

/** The ids of a selection, a page at a time. Jobs that leave the dead letter meanwhile do not shift the next pages. */
async function* pagesOf({ queue }: Target, selection: DeadSelection): AsyncGenerator<readonly string[]> {
  const name = "name" in selection ? selection.name : undefined;
  const group = "group" in selection ? selection.group : undefined;
  let cursor: string | undefined;
  do {
    const page = await queue.listDeadLetter({ name, group, cursor, limit: CHUNK });
    yield page.jobs.map(({ id }) => id);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
}
