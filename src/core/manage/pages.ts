import { decodeRecord } from "../job/record.ts";
import { MOST_LISTED_BYTES } from "../shared/limits.ts";
import { cursorBefore, readPlace, writePlace } from "../store/cursor.ts";
import { waitingScore } from "../store/score.ts";
import type { JobState, PageRequest, QueueStore, StoredJob } from "../store/store.ts";

/**
 * Reads the jobs of several states, one state after another, a page at a time.
 *
 * @param from the previous page's cursor: a state, and the cursor of the store in that state.
 * @param next is called before each page, and returns what it may hold; undefined for no more pages.
 * @param since begins with the ready jobs that are due since then, which are the last of a backlog, and leaves out the
 *   pages of ended jobs that follow one which ended before: they begin with the newest.
 * @throws {TidegateError} `invalid_request` for a cursor of another state.
 */
export async function* storedPages(
  store: Pick<QueueStore, "list">,
  states: readonly JobState[],
  from: string | null | undefined,
  next: () => Omit<PageRequest, "cursor"> | undefined,
  since = Number.NEGATIVE_INFINITY,
): AsyncGenerator<{ readonly items: readonly StoredJob[]; readonly cursor: string | null }> {
  let { index, cursor } = readPlace(from, states);
  for (let state = states[index]; state !== undefined; state = states[index]) {
    const request = next();
    if (!request) return;
    if (state === "ready" && since > 0) cursor ??= cursorBefore(waitingScore(since));
    const page = await store.list(state, { ...request, cursor });
    const isNewestFirst = state === "completed" || state === "dead";
    const isPast = isNewestFirst && page.items.some(({ at }) => at > 0 && at < since);
    cursor = isPast ? undefined : page.cursor;
    if (cursor === undefined) index++;
    yield { items: page.items, cursor: writePlace(states, index, cursor) ?? null };
  }
}

export function hasName(name: string | undefined): (job: StoredJob) => boolean {
  return ({ record }) => name === undefined || decodeRecord(record)?.name === name;
}

/** Reads jobs by their ids, in any state or only dead ones: a piece of them at a time, or less if they are large. */
export async function* foundPieces(
  store: Pick<QueueStore, "findEach">,
  ids: readonly string[],
  now: number,
  onlyDead = false,
  piece = ids.length,
): AsyncGenerator<readonly StoredJob[]> {
  for (let left = ids; left.length > 0; ) {
    const { jobs, rest } = await store.findEach(left.slice(0, piece), MOST_LISTED_BYTES, now, onlyDead);
    yield jobs;
    left = [...rest, ...left.slice(piece)];
  }
}
