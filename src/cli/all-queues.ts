import type { Command, OptionValues } from "@commander-js/extra-typings";
import { noteNextPage } from "./paging.ts";
import { noteFirstQueue, targetsOf } from "./queues.ts";
import type { Session } from "./session.ts";
import type { Target } from "./target.ts";
import { UsageError } from "./usage-error.ts";

/** Adds the option of lists that can show every queue of a handler or a module. */
export function addAllQueues<Arguments extends unknown[], Options extends OptionValues>(
  command: Command<Arguments, Options>,
) {
  return command.option("--all-queues", "of every queue of the handler or the module");
}

interface Given {
  readonly allQueues?: true | undefined;
  readonly cursor?: string | undefined;
  readonly all?: true | undefined;
  readonly limit: number;
}

interface Listed<Item> {
  readonly items: readonly Item[];
  /** Where the next page begins; null on the last one, and for lists of several queues. */
  readonly cursor: string | null;
}

interface FoundList<Item> extends Listed<Item> {
  /** Whether it is of several queues. */
  readonly isMerged: boolean;
  /** Whether a list of several queues has left something out. */
  readonly hasMore: boolean;
}

/**
 * Reads the list of one queue or, with --all-queues, merges those of all.
 *
 * @param read reads the list of one queue. It gets its name if there are several, and how many there are.
 * @param order how to sort merged lists.
 * @throws {UsageError} if other options name one queue, and for a Redis
 */
export async function readLists<Item>(
  target: Target,
  { allQueues, cursor, all, limit }: Given,
  session: Session,
  read: (target: Target, name: string | undefined, queues: number) => Promise<Listed<Item>>,
  order: (items: readonly Item[]) => readonly Item[],
): Promise<FoundList<Item>> {
  if (!allQueues) return { ...(await read(target, undefined, 1)), isMerged: false, hasMore: false };
  if (session.globals.queue !== undefined) throw new UsageError("Give --queue or --all-queues, not both.");
  if (cursor !== undefined)
    throw new UsageError("A cursor belongs to one queue.", "Name it with --queue, or give --all-queues with --all.");
  if (target.kind === "redis")
    throw new UsageError("A Redis does not list its queues.", "Name one with --queue, or give the --url of a handler.");
  const items: Item[] = [];
  let hasMore = false;
  const targets = await targetsOf(target, session);
  for (const [name, each] of targets) {
    const page = await read(each, name, targets.size);
    items.push(...page.items);
    hasMore ||= page.cursor !== null;
  }
  const shown = order(items).slice(0, all ? items.length : limit);
  return { items: shown, cursor: null, isMerged: true, hasMore: hasMore || shown.length < items.length };
}

/** Says below a list what it leaves out: more rows, and other queues. */
export async function noteMore(
  { cursor, hasMore, isMerged }: FoundList<unknown>,
  target: Target,
  session: Session,
): Promise<void> {
  if (hasMore) session.note("More follow. Add --all, or name a queue with --queue.");
  noteNextPage(cursor, session);
  if (!isMerged) await noteFirstQueue(target, session);
}
