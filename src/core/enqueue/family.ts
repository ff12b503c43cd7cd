import type { AnyJob, ChildJob, JobFamilyOptions, TypedChildren } from "../job/define.ts";
import type { ChildrenWait } from "../job/enqueue-options.ts";
import { LONGEST_ID } from "../job/options.ts";
import type { JobTrace } from "../job/trace-context.ts";
import { invalidRequest, isTidegateError, quote, TidegateError } from "../shared/errors.ts";
import { bytesOf, MEBIBYTE, MOST_AT_ONCE, MOST_ENQUEUED_BYTES, MOST_TOGETHER_BYTES } from "../shared/limits.ts";
import { oneOf } from "../shared/validate.ts";
import {
  type ChildCounts,
  childName,
  MOST_CHILDREN,
  type NewFamily,
  type NewMember,
  type WaitFor,
  waitForWords,
} from "../store/family.ts";
import type { LocalFacts, NewJob } from "../store/store.ts";
import { type BulkJob, readJob } from "./bulk.ts";
import type { FamilyNeeds } from "./needs.ts";
import { buildJob, type EnqueueOptions, type JobDraft } from "./new-job.ts";

/** How a job with children is enqueued. Its own `dedupe` is not possible: use `id`. */
export interface FamilyOptions<Jobs extends readonly (AnyJob | string)[]>
  extends Omit<EnqueueOptions, "dedupe">,
    JobFamilyOptions<Jobs> {
  /** Not possible: use `id`. */
  readonly dedupe?: undefined;
  /**
   * Jobs for which this one waits: up to 1,000,000. Each is `{ job, payload, ...options }` as for `enqueueMany`, but
   * without `id` and `dedupe`: its id is that of this job, "/" and its number. 1,000 are stored in one atomic call.
   */
  readonly children: TypedChildren<Jobs>;
  /** Called after each atomic call with the number of children stored so far. */
  readonly onProgress?: ((stored: number) => void) | undefined;
}

/** `FamilyOptions` as they are read. */
export interface GivenFamily extends Omit<EnqueueOptions, "dedupe">, ChildrenWait {
  readonly job: AnyJob | string;
  readonly payload?: unknown;
  readonly children: readonly ChildJob[];
}

/** More children of a job that waits for them. */
export interface GivenPiece {
  readonly children: readonly ChildJob[];
  /** How many children follow in later pieces. */
  readonly more: number;
  /** What the response to the piece before said. */
  readonly stored: number;
  readonly since: number;
}

/** How far a family is stored that comes in pieces: the next piece passes it on. */
export interface StoredChildren {
  /** How many children are stored. */
  readonly stored: number;
  /** When the last of them were stored, in ms since 1970. */
  readonly since: number;
}

/** A child, and its own children. */
interface Branch {
  readonly jobs: readonly Draft[];
}

interface Draft {
  readonly draft: JobDraft;
  readonly parent?: { readonly waitFor: WaitFor; readonly total: number };
}

/** A job with all that it waits for. Everything but their schemas was checked. */
export interface ReadFamily {
  readonly parent: JobDraft;
  readonly waitFor: WaitFor;
  readonly branches: readonly Branch[];
  /** The names of all jobs, that of the parent first. */
  readonly names: readonly string[];
  /** How many children there will be. */
  readonly total: number;
  /** The flow control key in whose partition all of them are; undefined if none has a key. */
  readonly key: string | undefined;
}

/** Leaves room for what the ids of children, and of theirs, have behind it. */
export const LONGEST_PARENT_ID = LONGEST_ID - 32;

/** What a parent without children is told of them. */
export const noChildren: ChildCounts = { total: 0, completed: 0, dead: 0, dropped: 0 };

/**
 * @param newId the id of the parent, in the partition of the flow control key if one is given.
 * @param more how many children follow in later pieces. Default: none.
 * @throws {TidegateError} `invalid_request`, naming the child that was refused.
 */
export function readFamily(
  given: GivenFamily,
  {
    definitions,
    clock,
    store,
  }: Pick<FamilyNeeds, "definitions" | "clock"> & { readonly store: { readonly local: Local } },
  newId: (key?: string) => string,
  more = 0,
): ReadFamily {
  const { children, waitFor, ...parentOptions } = given;
  const now = clock();
  const branches = readChildren(children, (item) => draftOf(item, definitions, now, () => ""));
  const childKey = branches.flatMap(({ jobs }) => jobs).find(({ draft }) => draft.job.flow)?.draft.job.flow?.key;
  checkWaitFor(waitFor, "waitFor");
  refuseOptions(parentOptions, ["dedupe"], "A job with children takes no dedupe: give it an id instead.");
  const parent = draftOf(parentOptions, definitions, now, (key) => newId(key ?? childKey));
  const key = parent.job.flow?.key ?? childKey;
  if (children.length === 0 && more > 0) throw invalidRequest("more needs children: the first ones come with the job.");
  if (children.length === 0) return { ...childless(parent), names: [parent.record.name], key };
  const total = children.length + more;
  store.local.partitionOf(parent.job);
  const placed = withIds(parent.job.id, branches, store.local, { from: 0, total });
  const names = [parent, ...placed.flatMap(({ jobs }) => jobs.map(({ draft }) => draft))].map(
    ({ record }) => record.name,
  );
  return { parent, waitFor: waitFor ?? "ended", branches: placed, names, total, key };
}

/** Reads more children of a job. @throws as `readFamily` */
export function readPiece(
  id: string,
  { children, stored: from, more }: GivenPiece,
  { definitions, clock, store }: Pick<FamilyNeeds, "definitions" | "clock" | "store">,
): Pick<ReadFamily, "branches" | "names"> {
  // No job with children has a longer one.
  if (id.length > LONGEST_PARENT_ID) throw refusalOf("missing", id);
  const now = clock();
  const branches = readChildren(children, (item) => draftOf(item, definitions, now, () => ""));
  const placed = withIds(id, branches, store.local, { from, total: from + children.length + more });
  return { branches: placed, names: placed.flatMap(({ jobs }) => jobs.map(({ draft }) => draft.record.name)) };
}

function childless(parent: JobDraft): Omit<ReadFamily, "names" | "key"> {
  const record = { ...parent.record, children: noChildren };
  return { parent: { ...parent, record }, waitFor: "ended", branches: [], total: 0 };
}

type ReadChild = (item: BulkJob) => JobDraft;

function readChildren(children: readonly ChildJob[], read: ReadChild): readonly Branch[] {
  if (!Array.isArray(children)) throw invalidRequest("children must be an array of { job, payload, ...options }.");
  if (children.length > MOST_CHILDREN)
    throw invalidRequest(`A job can have at most ${MOST_CHILDREN} children: ${children.length} were given.`);
  return Array.from(children, (child: ChildJob, index) => {
    const jobs = naming(index, () => readBranch(child, read));
    if (jobs.length > MOST_AT_ONCE)
      throw invalidRequest(
        `Child ${index} has ${jobs.length - 1} children, with all of theirs: at most ${MOST_AT_ONCE - 1} can be stored with it. Enqueue them from its own handler, or as children of the job itself.`,
      );
    return { jobs };
  });
}

/** A child, followed by its own children. Their places among the jobs of the branch decide their ids. */
function readBranch(child: ChildJob, read: ReadChild): readonly Draft[] {
  const { children, waitFor, ...item } = child ?? {};
  refuseOptions(
    item,
    ["id", "dedupe"],
    "A child takes neither id nor dedupe: its id is that of its parent, and a number.",
  );
  checkWaitFor(waitFor, "waitFor");
  const draft = read(item as BulkJob);
  if (children === undefined || children.length === 0) {
    const record = children === undefined ? draft.record : { ...draft.record, children: noChildren };
    return [{ draft: { ...draft, record } }];
  }
  const own = readChildren(children, read);
  return [{ draft, parent: { waitFor: waitFor ?? "ended", total: own.length } }, ...own.flatMap(({ jobs }) => jobs)];
}

function refuseOptions(item: object, names: readonly string[], message: string): void {
  if (names.some((name) => (item as Readonly<Record<string, unknown>>)[name] !== undefined))
    throw invalidRequest(message);
}

function checkWaitFor(waitFor: unknown, name: string): void {
  oneOf(waitFor, waitForWords, name);
}

/** @throws with the number of the child before the message. */
function naming<Result>(index: number, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw ofChild(error, index);
  }
}

function ofChild(error: unknown, index: number): unknown {
  if (isTidegateError(error)) error.message = `Child ${index}: ${error.message}`;
  return error;
}

function draftOf(
  item: BulkJob,
  definitions: ReadonlyMap<string, AnyJob>,
  now: number,
  newId: (key?: string) => string,
): JobDraft {
  const { draft, refusal } = readJob(item, definitions, now, newId);
  if (!draft) throw refusal;
  return draft;
}

type Local = Pick<LocalFacts, "idBeside" | "partitionOf">;

/** The id of a child: the first of its possible ids that lies in the partition of its parent. */
export function childId(parent: string, index: number, local: Pick<Local, "idBeside">): string {
  let tries = 0;
  return local.idBeside(parent, () => `${parent}/${childName(index, tries++)}`);
}

/** Gives children their ids, from the number `from` on, and tells each the last one of its parent. */
function withIds(
  parent: string,
  branches: readonly Branch[],
  local: Local,
  { from, total }: { readonly from: number; readonly total: number },
): readonly Branch[] {
  const last = childId(parent, total - 1, local).slice(parent.length + 1);
  return branches.map(({ jobs }, index) =>
    naming(index, () => ({ jobs: withBranchIds(parent, jobs, from + index, last, local) })),
  );
}

function withBranchIds(
  parent: string,
  [first, ...own]: readonly Draft[],
  index: number,
  lastSibling: string,
  local: Local,
): readonly Draft[] {
  const { draft, parent: kin } = first as Draft;
  const id = childId(parent, index, local);
  if (id.length > LONGEST_ID)
    throw invalidRequest(
      `Its id would be "${id}", which is longer than ${LONGEST_ID} characters. Give the parent a shorter id.`,
    );
  const job = { ...draft.job, id, isFreshId: true };
  local.partitionOf(job);
  const child = { ...first, draft: { ...draft, job, record: { ...draft.record, lastSibling } } };
  if (!kin) return [child];
  const all = { from: 0, total: kin.total };
  return [child, ...withIds(id, branchesOf(own, kin.total), local, all).flatMap(({ jobs }) => jobs)];
}

/** The branches of a child, whose jobs follow one another. */
function branchesOf(jobs: readonly Draft[], count: number): readonly Branch[] {
  const branches: Branch[] = [];
  for (let from = 0; branches.length < count; ) {
    const to = from + sizeAt(jobs, from);
    branches.push({ jobs: jobs.slice(from, to) });
    from = to;
  }
  return branches;
}

/** How many jobs a branch has that begins here. */
function sizeAt(jobs: readonly Draft[], from: number): number {
  let left = 1;
  let at = from;
  for (; left > 0; at++) left += (jobs[at]?.parent?.total ?? 0) - 1;
  return at - from;
}

/** A family whose payloads fit their schemas. */
export interface FinishedFamily {
  readonly parent: NewJob;
  readonly waitFor: WaitFor;
  readonly branches: readonly (readonly NewMember[])[];
  readonly total: number;
}

/** A check that rejects with what `name` returns, and harms nobody if the call fails for another reason first. */
function namedCheck(fits: Promise<void>, name: (error: unknown) => unknown): Promise<void> {
  const named = fits.catch((error) => {
    throw name(error);
  });
  named.catch(() => {});
  return named;
}

/**
 * Checks all payloads, and makes all records. If a schema is asynchronous, `fits` rejects for a wrong payload.
 *
 * @throws {InvalidPayloadError}, naming the child that was refused.
 */
export function buildFamily(
  { parent: parentDraft, waitFor, branches: drafts, total }: ReadFamily,
  trace: JobTrace | undefined,
): { readonly finished: FinishedFamily; readonly fits: Promise<unknown> | undefined } {
  const parent = buildJob(parentDraft, trace);
  const { branches, checks } = buildBranches(drafts, trace);
  if (parent.fits) checks.push(namedCheck(parent.fits, (error) => error));
  const fits = checks.length > 0 ? Promise.all(checks) : undefined;
  return { finished: { parent: parent.finished, waitFor, branches, total }, fits };
}

/** The same for children alone. */
export function buildBranches(
  drafts: readonly Branch[],
  trace: JobTrace | undefined,
): { readonly branches: FinishedFamily["branches"]; readonly checks: Promise<void>[] } {
  const checks: Promise<void>[] = [];
  const build = (draft: JobDraft, name: (error: unknown) => unknown) => {
    const { finished, fits } = buildJob(draft, trace);
    if (fits) checks.push(namedCheck(fits, name));
    return finished;
  };
  const branches = drafts.map(({ jobs }, index) =>
    naming(index, () =>
      jobs.map(({ draft, parent: kin }): NewMember => {
        const { isFreshId: _, ...job } = build(draft, (error) => ofChild(error, index));
        return kin ? { ...job, parent: kin } : job;
      }),
    ),
  );
  const large = branches.findIndex((members) => members.length > 1 && sizeOf(members) > MOST_TOGETHER_BYTES / 2);
  if (large >= 0)
    throw new TidegateError(
      "payload_too_large",
      `Child ${large} and its own children are larger than ${MOST_TOGETHER_BYTES / 2 / MEBIBYTE} MiB together: they are stored by one request. Store the data elsewhere and enqueue a reference to it.`,
    );
  return { branches, checks };
}

function sizeOf(jobs: readonly { readonly record: string }[]): number {
  return jobs.reduce((sum, { record }) => sum + bytesOf(record), 0);
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
 * Stores a family, in pieces if it is large. A repeated call with the same id goes on where the last one has stopped.
 *
 * @throws {TidegateError} `conflict` if the parent is gone, or another job has the id of a child.
 */
export async function storeFamily(
  { store, clock, noteDue, noteEmptied }: Pick<FamilyNeeds, "store" | "clock" | "noteDue" | "noteEmptied">,
  { parent, waitFor, branches, total }: FinishedFamily,
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
    const { status, rest, isEmptied } = await store.enqueueFamily(piece, now);
    if (status === "missing" || status === "taken" || status === "different") throw refusalOf(status, id);
    isDuplicate ||= status === "duplicate";
    if (isEmptied) noteEmptied();
    if (status === "stored") {
      [from, since] = [to, now];
      if (children.length > 0)
        await noteDue(children.reduce((least, { runAt }) => Math.min(least, runAt), Number.POSITIVE_INFINITY));
      onProgress?.(from);
    } else if (rest) [from, since] = [rest.from, rest.since];
    else break;
  } while (from < branches.length);
  return { isDuplicate, ...(since !== undefined && from < total && { rest: { stored: from, since } }) };
}

/**
 * Stores more children of a job that waits for them. A repeated call is recognised, and told how far the family is
 * stored.
 *
 * @throws {TidegateError} `conflict` as `storeFamily`
 */
export async function storePiece(
  { store, clock, noteDue }: Pick<FamilyNeeds, "store" | "clock" | "noteDue">,
  id: string,
  { more, ...given }: GivenPiece,
  branches: FinishedFamily["branches"],
): Promise<StoredChildren> {
  let { stored, since } = given;
  const total = stored + branches.length + more;
  for (let at = 0; at < branches.length; ) {
    const end = mostAt(branches, at);
    const to = stored + end - at;
    const now = clock();
    const children = branches.slice(at, end).flat();
    const piece = { id, isFreshId: false, waitFor: "ended", total, from: stored, to, since, children } as const;
    const { status, rest } = await store.enqueueFamily(piece, now);
    if (status === "missing" || status === "taken" || status === "different") throw refusalOf(status, id);
    if (status === "duplicate") return rest ? { stored: rest.from, since: rest.since } : { stored: total, since };
    await noteDue(children.reduce((least, { runAt }) => Math.min(least, runAt), Number.POSITIVE_INFINITY));
    [at, stored, since] = [end, to, now];
  }
  return { stored, since };
}

function refusalOf(status: "missing" | "taken" | "different", id: string): TidegateError {
  const reason = {
    missing: `no longer waits for children: it was cancelled, or an hour passed since the last of them were stored. Those that are stored run. See getJob(${quote(id)}).`,
    taken: `cannot be stored: other jobs have the ids of its children, which begin with "${id}/". They may be those of an earlier job with this id. Choose another id, or enqueue it when they have ended.`,
    different:
      "was enqueued before with another number of children. Repeat the call with the same ones, or choose another id.",
  }[status];
  return new TidegateError("conflict", `Job ${quote(id)} ${reason}`);
}
