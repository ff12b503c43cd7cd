import type { DeadSelection } from "../core/manage/dead-letter.ts";
import { bar } from "./output/live-line.ts";
import { count, printable } from "./output/text.ts";
import type { Session } from "./session.ts";
import type { Target } from "./target.ts";
import { UsageError } from "./usage-error.ts";

/** What is done to dead jobs. */
export type DeadLetterAction = { readonly verb: "remove" } | { readonly verb: "retry"; readonly payload?: unknown };

/** So many jobs go into one request to a handler, which takes it two round trips, and the bar moves each time. */
const CHUNK = 250;

/** Reads which dead jobs are meant. @throws {UsageError} unless it is said in exactly one way. */
export function readSelection(
  ids: readonly string[],
  { name, all }: { readonly name?: string | undefined; readonly all?: true | undefined },
): DeadSelection {
  const ways: DeadSelection[] = [];
  if (ids.length > 0) ways.push({ ids: [...new Set(ids)] });
  if (name !== undefined) ways.push({ name });
  if (all) ways.push({ all });
  const [selection] = ways;
  if (!selection || ways.length > 1)
    throw new UsageError("Choose dead jobs in exactly one way.", "Give ids, or --name NAME, or --all.");
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
  return "name" in selection ? `${jobs} named ${printable(selection.name)}` : jobs;
}

/** Does it, with a bar for people to watch; tells to how many it was done. */
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
  const onProgress = (done: number) => line.show(bar(label, done, total));
  try {
    onProgress(0);
    if ("ids" in selection) return await applyInChunks(target, action, [selection.ids], onProgress);
    if (target.kind === "handler") return await applyInChunks(target, action, pagesOf(target, selection), onProgress);
    if (action.verb === "remove") return (await target.queue.removeFromDeadLetter(selection, { onProgress })).removed;
    const { verb, ...payload } = action;
    return (await target.queue.retryFromDeadLetter(selection, { ...payload, onProgress })).retried;
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

/** The ids of a selection, a page at a time. What has gone meanwhile does not move the pages that follow. */
async function* pagesOf({ queue }: Target, selection: DeadSelection): AsyncGenerator<readonly string[]> {
  const name = "name" in selection ? selection.name : undefined;
  let cursor: string | undefined;
  do {
    const page = await queue.listDeadLetter({ name, cursor, limit: CHUNK });
    yield page.jobs.map(({ id }) => id);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
}
