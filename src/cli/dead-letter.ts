import type { RetryOptions } from "../core/manage/dead-letter.ts";
import type { DeadSelection } from "../core/manage/selection.ts";
import { pagesOf } from "../core/shared/pages.ts";
import { type Change, describeSelection } from "./change-jobs.ts";
import { bar } from "./output/live-line.ts";
import { counted } from "./output/text.ts";
import type { Session } from "./session.ts";
import type { AnyQueue, Target } from "./target.ts";
import { UsageError } from "./usage-error.ts";

export type DeadLetterAction =
  | { readonly verb: "remove" }
  | ({ readonly verb: "retry" } & Pick<RetryOptions, "payload" | "over">);

/** How many jobs a request to a handler names: it then needs two round trips. The progress bar moves after each. */
const CHUNK = 250;

/** Reads which dead jobs to act on. @throws {UsageError} unless they are chosen in exactly one way */
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

/** An action on a selection, with a progress bar for people. */
export function deadLetterChange(
  target: Target,
  action: DeadLetterAction,
  selection: DeadSelection,
  session: Session,
): Change {
  const isRetry = action.verb === "retry";
  const done = isRetry ? "retried" : "removed";
  const matching = () => countDead(target, selection);
  return {
    would: () => `be ${done}`,
    question: (size) => `${isRetry ? "retry" : "remove for good"} ${describeSelection(selection, size, "dead")}`,
    isFinal: !isRetry,
    noun: "dead job",
    past: done,
    document: (size) => ({ [done]: size }),
    outcome: (size) => `${isRetry ? "Retried" : "Removed"} ${counted(size, "dead job")}.`,
    nothing: "No matching dead jobs.",
    count: matching,
    async apply(progress) {
      const line = session.liveLine();
      const total = !line.isVisible ? 0 : "ids" in selection ? selection.ids.length : await matching();
      const show = (soFar: number) => {
        progress(soFar);
        line.show(bar(isRetry ? "Retrying" : "Removing", soFar, total));
      };
      show(0);
      return applyTo(target, action, selection, show).finally(() => line.clear());
    },
  };
}

/** The ids of the newest jobs of a selection that names no ids. */
export async function newestDead(
  queue: AnyQueue,
  selection: Exclude<DeadSelection, { readonly ids: unknown }>,
  most: number,
): Promise<readonly string[]> {
  const { name, group } = { name: undefined, group: undefined, ...selection };
  const ids: string[] = [];
  for await (const { jobs } of pagesOf((cursor) => queue.listDeadLetter({ name, group, cursor, limit: most }))) {
    ids.push(...jobs.map(({ id }) => id));
    if (ids.length >= most) break;
  }
  return ids.slice(0, most);
}

async function countDead({ queue }: Target, selection: DeadSelection): Promise<number> {
  if ("ids" in selection && selection.ids.length === 0) return 0;
  if ("all" in selection) return (await queue.getStats()).deadLetterCount;
  return (await queue.removeFromDeadLetter(selection, { dryRun: true })).removed;
}

async function applyTo(
  { kind, queue }: Target,
  { verb, ...changes }: DeadLetterAction,
  selection: DeadSelection,
  onProgress: (done: number) => void,
): Promise<number> {
  const act = async (part: DeadSelection, options: object = {}) =>
    verb === "remove"
      ? (await queue.removeFromDeadLetter(part, options)).removed
      : (await queue.retryFromDeadLetter(part, { ...changes, ...options })).retried;
  if (kind !== "handler" && !("ids" in selection)) return act(selection, { onProgress });
  const name = "name" in selection ? selection.name : undefined;
  const group = "group" in selection ? selection.group : undefined;
  const pages =
    "ids" in selection
      ? [{ jobs: selection.ids.map((id) => ({ id })) }]
      : // The pages stay in place while jobs leave the dead-letter queue.
        pagesOf((cursor) => queue.listDeadLetter({ name, group, cursor, limit: CHUNK }));
  let done = 0;
  for await (const { jobs } of pages) {
    for (let from = 0; from < jobs.length; from += CHUNK) {
      done += await act({ ids: jobs.slice(from, from + CHUNK).map(({ id }) => id) });
      onProgress(done);
    }
  }
  return done;
}
