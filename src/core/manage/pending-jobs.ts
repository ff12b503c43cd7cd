import type { QueueContext } from "../enqueue/context.ts";
import { type Duration, isDuration, momentMs, type PointInTime } from "../shared/duration.ts";
import { invalidRequest } from "../shared/errors.ts";
import { MOST_AT_ONCE, MOST_LISTED_BYTES } from "../shared/limits.ts";
import { cursorIn, flag, optionsOf, orFirst } from "../shared/schema.ts";
import type { JobState, StoredJob } from "../store/store.ts";
import { foundPieces, hasName, storedPages } from "./pages.ts";
import { type PendingSelection, pendingSelection, pendingStates } from "./selection.ts";

/** Options of a call that goes through waiting jobs. */
export interface PendingOptions {
  /** Only counts the jobs, and changes nothing. */
  readonly dryRun?: boolean | undefined;
  /** The cursor that the previous call returned. */
  readonly cursor?: string | undefined;
}

const optionFields = { dryRun: flag, cursor: orFirst(cursorIn(pendingStates)) };
const cancelOptions = optionsOf<PendingOptions>("cancelPending", optionFields);
const rescheduleOptions = optionsOf<PendingOptions>("reschedulePending", optionFields);
const selections = pendingSelection({}, {});

/** The result of `cancelPending`. */
export interface CancelledJobs {
  /** How many jobs it has removed. */
  readonly cancelled: number;
  /** Where the next call continues; null at the end of the selection. */
  readonly cursor: string | null;
}

/** The result of `reschedulePending`. */
export interface RescheduledJobs {
  /** How many jobs it has moved. Jobs that were already due at that time do not count. */
  readonly rescheduled: number;
  /** When they run. Pass this time, and not a duration, to the next call. */
  readonly runAt: Date;
  /** Where the next call continues; null at the end of the selection. */
  readonly cursor: string | null;
}

/** The most pages of one call, if the records are so large that few fit on a page. */
const MOST_PAGES = 10;

export async function cancelPending(
  needs: QueueContext,
  selection: PendingSelection,
  given: PendingOptions,
): Promise<CancelledJobs> {
  const options = cancelOptions.read(given);
  const now = needs.clock();
  const cancel = async (ids: readonly string[]) =>
    (await needs.store.cancel(ids, now)).map((status) => status === "cancelled");
  const { count, cursor } = await changeSelected(needs, selection, options, now, cancel);
  if (count > 0 && !options.dryRun) await needs.noteAnythingDue();
  return { cancelled: count, cursor };
}

export async function reschedulePending(
  needs: QueueContext,
  selection: PendingSelection,
  when: PointInTime | Duration,
  given: PendingOptions,
): Promise<RescheduledJobs> {
  const options = rescheduleOptions.read(given);
  const now = needs.clock();
  const runAt = momentMs(when, now, "when");
  // Each call would move jobs to a later time, and the jobs of the previous call again.
  if (typeof options.cursor === "string" && isDuration(when))
    throw invalidRequest("With a cursor, when must be the runAt of the previous call, and not a duration.");
  const move = (ids: readonly string[]) =>
    needs.store.reschedule(
      ids.map((id) => ({ id, runAt })),
      now,
    );
  const { count, cursor } = await changeSelected(needs, selection, options, now, move, runAt);
  if (count > 0 && !options.dryRun) await needs.noteDue(runAt);
  return { rescheduled: count, runAt: new Date(runAt), cursor };
}

/**
 * Changes the jobs of a selection from a cursor on, a page at a time.
 *
 * @param change returns, for each id, whether it has changed the job.
 * @param except leaves out jobs at this time: a call that moves jobs to a later time finds them again there.
 */
async function changeSelected(
  { store }: QueueContext,
  selection: PendingSelection,
  { dryRun = false, cursor: from }: PendingOptions,
  now: number,
  change: (ids: readonly string[]) => Promise<readonly boolean[]>,
  except?: number,
): Promise<{ readonly count: number; readonly cursor: string | null }> {
  const chosen: PendingSelection = selections.read(selection, "selection");
  if (chosen.ids) {
    if (typeof from === "string")
      throw invalidRequest("A selection of ids has no cursor: one call changes all of them.");
    const ids = [...new Set(chosen.ids)];
    let count = 0;
    if (!dryRun) count = (await change(ids)).filter(Boolean).length;
    else for await (const jobs of foundPieces(store, ids, now)) count += jobs.filter(isWaiting).length;
    return { count, cursor: null };
  }
  const isMeant = hasName(chosen.name);
  const states = chosen.state === undefined ? pendingStates : [chosen.state];
  let cursor: string | null = null;
  let count = 0;
  let examined = 0;
  let pages = 0;
  const room = () =>
    pages++ < MOST_PAGES && examined < MOST_AT_ONCE
      ? { limit: MOST_AT_ONCE - examined, mostBytes: MOST_LISTED_BYTES, now }
      : undefined;
  for await (const page of storedPages(store, states, from, room)) {
    const meant = page.items.filter((job) => job.at !== except && isMeant(job)).map(({ id }) => id);
    count += dryRun ? meant.length : (await change(meant)).filter(Boolean).length;
    examined += page.items.length;
    cursor = page.cursor;
  }
  return { count, cursor };
}

const isWaiting = ({ state }: StoredJob) => (pendingStates as readonly JobState[]).includes(state);
