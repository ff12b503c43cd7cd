import { decodeRecord } from "../job/record.ts";
import { conflict, quote, TidegateError } from "../shared/errors.ts";
import { bytesOf, MOST_AT_ONCE, MOST_ENQUEUED_BYTES } from "../shared/limits.ts";
import type { FamilyStatus, NewFamily } from "../store/family.ts";
import type { NewJob } from "../store/store.ts";
import { type FinishedFamily, type GivenPiece, sizeOf } from "./family.ts";
import type { FamilyNeeds } from "./needs.ts";

/** How far a family is stored that comes in pieces: the next piece passes it on. */
export interface StoredChildren {
  /** How many children are stored. */
  readonly stored: number;
  /** When the last of them were stored, in ms since 1970. */
  readonly since: number;
}

/** How many branches from this one on fit into one request. At least one, unless the parent itself fills it. */
function mostAt(branches: FinishedFamily["branches"], from: number, parent?: Pick<NewJob, "record">): number {
  let count = 0;
  let bytes = parent ? bytesOf(parent.record) : 0;
  let to = from;
  for (let members = branches[to]; members; members = branches[to]) {
    count += members.length;
    bytes += sizeOf(members);
    const isFirst = to === from && !parent;
    if (!isFirst && (count > MOST_AT_ONCE || bytes > MOST_ENQUEUED_BYTES)) break;
    to++;
  }
  return to;
}

/** What became of a family. */
export interface StoredFamilyCall {
  /** Whether the parent existed before the call. */
  readonly isDuplicate: boolean;
  /** If children are still to come: how far it is stored. */
  readonly rest?: StoredChildren;
}

/**
 * Stores a family, in pieces if it is large. A repeated call with the same id goes on where the last one has stopped,
 * unless `by` is given and others have enqueued the parent: it is then a duplicate, and nothing more is said of it.
 *
 * @throws {TidegateError} `conflict` if the parent is gone or was given up, or another job has the id of a child.
 */
export async function storeFamily(
  { store, clock, noteDue }: Pick<FamilyNeeds, "store" | "clock" | "noteDue">,
  { parent, waitFor, branches, total, by }: FinishedFamily,
  onProgress: ((stored: number) => void) | undefined,
): Promise<StoredFamilyCall> {
  const { id, isFreshId, ...job } = parent;
  let from = 0;
  let since: number | undefined;
  let isDuplicate = false;
  do {
    const isFirst = since === undefined;
    const to = mostAt(branches, from, isFirst ? parent : undefined);
    const now = clock();
    const children = branches.slice(from, to).flat();
    const piece: NewFamily = {
      ...{ id, isFreshId, waitFor, total, from, to, since, children },
      job: isFirst ? job : undefined,
    };
    const { status, rest } = await store.enqueueFamily(piece, now);
    const existed = status === "duplicate" || status === "different";
    if (existed && by !== undefined && !(await isBy(by, store, id, now))) return { isDuplicate: true };
    if (isRefused(status)) throw refusalOf(status, id);
    isDuplicate ||= status === "duplicate";
    if (status === "stored") {
      [from, since] = [to, now];
      if (children.length > 0)
        await noteDue(children.reduce((least, { runAt }) => Math.min(least, runAt), Number.POSITIVE_INFINITY));
      onProgress?.(from);
    } else if (rest) [from, since] = [rest.from, rest.since];
    else {
      if (to < total) await refuseGivenUp(store, id, now);
      break;
    }
  } while (from < branches.length);
  return { isDuplicate, ...(since !== undefined && from < total && { rest: { stored: from, since } }) };
}

/** Whether there is such a job, and this sender enqueued it. */
async function isBy(by: string, store: FamilyNeeds["store"], id: string, now: number): Promise<boolean> {
  const found = await store.find(id, now);
  return found !== undefined && decodeRecord(found.record)?.by === by;
}

/** Refuses a repetition that comes too late: the job was given up, and the other children will never be stored. */
async function refuseGivenUp(store: FamilyNeeds["store"], id: string, now: number): Promise<void> {
  const found = await store.find(id, now);
  const { total, stored } = (found && decodeRecord(found.record)?.children) ?? {};
  if (stored === undefined) return;
  throw conflict(
    `Job ${quote(id)} was given up after ${stored} of its ${total} children: the others were not stored within an hour, and cannot follow. Retry it from the dead-letter queue to run it with those that are stored, or remove it and enqueue it anew.`,
  );
}

/**
 * Stores more children of a job that waits for them. The last piece may be repeated.
 *
 * @throws {TidegateError} `conflict` as `storeFamily`, and if other children come next. It does not say which: only who
 * enqueued the job, or has stored the piece before, knows. With `by`, a job of others is as one that is gone: only then
 * the job is read first.
 */
export async function storePiece(
  { store, clock, noteDue }: Pick<FamilyNeeds, "store" | "clock" | "noteDue">,
  id: string,
  { more, ...given }: GivenPiece,
  branches: FinishedFamily["branches"],
  by: string | undefined,
): Promise<StoredChildren> {
  if (by !== undefined && !(await isBy(by, store, id, clock()))) throw refusalOf("missing", id);
  let { stored, since } = given;
  const total = stored + branches.length + more;
  for (let at = 0; at < branches.length; ) {
    const end = mostAt(branches, at);
    const to = stored + end - at;
    const now = clock();
    const children = branches.slice(at, end).flat();
    const piece = { id, isFreshId: false, waitFor: "ended", total, from: stored, to, since, children } as const;
    const { status, rest } = await store.enqueueFamily(piece, now);
    if (isRefused(status)) throw refusalOf(status, id);
    if (status === "duplicate" && rest) throw refusalOf("elsewhere", id);
    if (status === "duplicate") return { stored: total, since };
    await noteDue(children.reduce((least, { runAt }) => Math.min(least, runAt), Number.POSITIVE_INFINITY));
    [at, stored, since] = [end, to, now];
  }
  return { stored, since };
}

/** Why a family, or a piece of one, is not stored. */
export function refusalOf(reason: keyof typeof refusals, id: string): TidegateError {
  return new TidegateError("conflict", `Job ${quote(id)} ${refusals[reason](id)}`);
}

type Refusal = (id: string) => string;

const refusals = {
  missing: (id) =>
    `no longer waits for children: it was cancelled, or an hour passed since the last of them were stored. Those that are stored run. See getJob(${quote(id)}).`,
  taken: (id) =>
    `cannot be stored: other jobs have the ids of its children, which begin with "${id}/". They may be those of an earlier job with this id. Choose another id, or enqueue it when they have ended.`,
  different: () =>
    "was enqueued before with another number of children. Repeat the call with the same ones, or choose another id.",
  elsewhere: () =>
    "waits for other children than these: stored and since must be those of the latest response. If that response was lost, enqueue the job again with the same id and children: the response says where to go on.",
} satisfies Readonly<Record<string, Refusal>>;

function isRefused(status: FamilyStatus): status is "missing" | "taken" | "different" {
  return status in refusals;
}
