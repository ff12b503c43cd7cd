import { LONGEST_ID, LONGEST_NAME } from "../job/options.ts";
import { decodeRecord } from "../job/record.ts";
import { type Duration, momentMs, type PointInTime, readDuration } from "../shared/duration.ts";
import { invalidRequest } from "../shared/errors.ts";
import { MOST_AT_ONCE, MOST_LISTED_BYTES } from "../shared/limits.ts";
import { checkFlag, checkText, knownOptions, oneOf } from "../shared/validate.ts";
import type { StoredJob } from "../store/store.ts";
import { readCursor } from "./list.ts";
import type { ManageNeeds } from "./needs.ts";

/** The states of a job that waits. */
export type PendingState = "scheduled" | "ready";

export const pendingStates: readonly PendingState[] = ["scheduled", "ready"];

/** Selects waiting jobs: these ids, all of one name, or all. Without a `state`, scheduled and ready ones. */
export type PendingSelection =
  | { readonly ids: readonly string[] }
  | { readonly name: string; readonly state?: PendingState | undefined }
  | { readonly all: true; readonly state?: PendingState | undefined };

/** Options of a call that goes through waiting jobs. */
export interface PendingOptions {
  /** Only counts them, and changes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Where the call before has ended. */
  readonly cursor?: string | undefined;
}

/** What a call has done to waiting jobs. */
export interface CancelledJobs {
  /** How many it has removed. */
  readonly cancelled: number;
  /** Where the next call goes on; null if this one has come to the end of the selection. */
  readonly cursor: string | null;
}

/** What a call has done to waiting jobs. */
export interface RescheduledJobs {
  /** How many it has moved. Those that were at that time already do not count. */
  readonly rescheduled: number;
  /** When they run. Give this time, and not a duration, to the call that goes on. */
  readonly runAt: Date;
  /** Where the next call goes on; null if this one has come to the end of the selection. */
  readonly cursor: string | null;
}

/** After how many pages a call ends, if the records are so large that few fit on one. */
const MOST_PAGES = 10;

interface Changed {
  readonly count: number;
  readonly cursor: string | null;
}

/** Removes the waiting jobs of a selection. @throws as `Queue.cancelPending` */
export async function cancelPending(
  runtime: ManageNeeds,
  selection: PendingSelection,
  given: PendingOptions,
): Promise<CancelledJobs> {
  const options = readOptions(given, "cancelPending");
  const now = runtime.clock();
  const cancel = async (ids: readonly string[]) =>
    (await runtime.store.cancel(ids, now)).map((status) => status === "cancelled");
  const { count, cursor } = await changeSelected(runtime, selection, options, now, cancel);
  return { cancelled: count, cursor };
}

/** Moves the waiting jobs of a selection to another time. @throws as `Queue.reschedulePending` */
export async function reschedulePending(
  runtime: ManageNeeds,
  selection: PendingSelection,
  when: PointInTime | Duration,
  given: PendingOptions,
): Promise<RescheduledJobs> {
  const options = readOptions(given, "reschedulePending");
  const now = runtime.clock();
  const runAt = momentMs(when, now, "when");
  // The time would be a later one in each call, and jobs moved by the call before would be moved again.
  if (options.cursor !== undefined && typeof when === "string" && Number(readDuration(when)) >= 0)
    throw invalidRequest("With a cursor, when must be the runAt of the call before, and not a duration.");
  const move = (ids: readonly string[]) => runtime.store.reschedule(ids, runAt, now);
  const { count, cursor } = await changeSelected(runtime, selection, options, now, move, runAt);
  if (count > 0 && !options.dryRun) runtime.noteDue(runAt);
  return { rescheduled: count, runAt: new Date(runAt), cursor };
}

function readOptions(given: PendingOptions, of: string): PendingOptions {
  const options = knownOptions(given, ["dryRun", "cursor"], of);
  if (options.dryRun !== undefined) checkFlag(options.dryRun, "dryRun");
  return options;
}

/**
 * Changes the jobs of a selection from a cursor on, a page at a time.
 *
 * @param change says of each id whether it has changed its job.
 * @param except jobs at this time are left out: a call that moves jobs to a later time meets them again there.
 */
async function changeSelected(
  { store, reader }: ManageNeeds,
  selection: PendingSelection,
  { dryRun = false, cursor: from }: PendingOptions,
  now: number,
  change: (ids: readonly string[]) => Promise<readonly boolean[]>,
  except?: number,
): Promise<Changed> {
  const { ids, name, states } = readSelection(selection);
  if (ids) {
    if (from !== undefined) throw invalidRequest("A selection of ids has no cursor: one call changes all of them.");
    const changed = await (dryRun ? reader.areWaiting(ids, now) : change(ids));
    return { count: changed.filter(Boolean).length, cursor: null };
  }
  const isMeant = (job: StoredJob) =>
    job.at !== except && (name === undefined || decodeRecord(job.record)?.name === name);
  let { index, cursor } = readCursor(from, states);
  let count = 0;
  let examined = 0;
  for (let pages = 0; pages < MOST_PAGES && examined < MOST_AT_ONCE; pages++) {
    const state = states[index];
    if (state === undefined) break;
    const limit = MOST_AT_ONCE - examined;
    const page = await store.list(state, { cursor, limit, mostBytes: MOST_LISTED_BYTES, now });
    const meant = page.items.filter(isMeant).map(({ id }) => id);
    count += dryRun ? meant.length : (await change(meant)).filter(Boolean).length;
    examined += page.items.length;
    cursor = page.cursor;
    if (cursor === undefined) index++;
  }
  const state = states[index];
  return { count, cursor: state === undefined ? null : `${state}:${cursor ?? ""}` };
}

/** @throws {TidegateError} `invalid_request` */
function readSelection(selection: unknown): {
  readonly ids?: readonly string[];
  readonly name?: string;
  readonly states: readonly PendingState[];
} {
  const { ids, name, all, state, ...unknown } = (selection ?? {}) as Readonly<Record<string, unknown>>;
  const given = [ids, name, all].filter((value) => value !== undefined).length;
  oneOf(state, pendingStates, "state");
  const states = state === undefined ? pendingStates : [state as PendingState];
  if (given === 1 && Object.keys(unknown).length === 0) {
    if (Array.isArray(ids) && ids.length <= MOST_AT_ONCE && state === undefined) {
      for (const id of ids) checkText(id, "id", LONGEST_ID);
      return { ids: [...new Set(ids as readonly string[])], states };
    }
    if (name !== undefined) {
      checkText(name, "name", LONGEST_NAME);
      return { name, states };
    }
    if (all === true) return { states };
  }
  throw invalidRequest(
    'Say which waiting jobs are meant: { ids } with up to 1,000, { name }, or { all: true }; with a name or all, also { state: "scheduled" } or "ready".',
  );
}
