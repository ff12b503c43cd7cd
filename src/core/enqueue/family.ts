import type { AnyJob, ChildJob, JobFamilyOptions, TypedChildren } from "../job/define.ts";
import type { ChildrenWait } from "../job/enqueue.ts";
import { LONGEST_ID } from "../job/options.ts";
import type { JobTrace } from "../job/trace-context.ts";
import { invalidRequest, isTidegateError, TidegateError } from "../shared/errors.ts";
import { bytesOf, MEBIBYTE, MOST_AT_ONCE, MOST_TOGETHER_BYTES } from "../shared/limits.ts";
import { oneOf } from "../shared/validate.ts";
import {
  type ChildCounts,
  childName,
  MOST_CHILDREN,
  type NewMember,
  type WaitFor,
  waitForWords,
} from "../store/family.ts";
import type { NewJob } from "../store/store.ts";
import { type BulkJob, readJob } from "./bulk.ts";
import type { FamilyNeeds } from "./needs.ts";
import { buildJob, type EnqueueOptions, type JobDraft } from "./new-job.ts";

/** How a job with children is enqueued. Its own `dedupe` is not possible: use `id`. */
export interface FamilyOptions<Children extends readonly ChildJob[]>
  extends Omit<EnqueueOptions, "dedupe">,
    JobFamilyOptions<Children> {
  /** Not possible: use `id`. */
  readonly dedupe?: undefined;
  /**
   * Jobs for which this one waits: up to 1,000,000. Each is `{ job, payload, ...options }` as for `enqueueMany`, but
   * without `id` and `dedupe`: its id is that of this job, "/" and its number. 1,000 are stored in one atomic call.
   */
  readonly children: TypedChildren<Children>;
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
}

/** Leaves room for what the ids of children, and of theirs, have behind it. */
export const LONGEST_PARENT_ID = LONGEST_ID - 32;

/** What a parent without children gets of them. */
export const noChildren: ChildCounts = { total: 0, completed: 0, dead: 0, dropped: 0 };

/**
 * @param more how many children follow in later pieces. Default: none.
 * @throws {TidegateError} `invalid_request`, naming the child that was refused.
 */
export function readFamily(
  given: GivenFamily,
  { definitions, clock, newId }: Pick<FamilyNeeds, "definitions" | "clock" | "newId">,
  more = 0,
): ReadFamily {
  const { children, waitFor, ...parentOptions } = given;
  const now = clock();
  const branches = readChildren(children, (item) => draftOf(item, definitions, now, () => ""));
  checkWaitFor(waitFor, "waitFor");
  refuseOptions(parentOptions, ["dedupe"], "A job with children takes no dedupe: give it an id instead.");
  const parent = draftOf(parentOptions, definitions, now, newId);
  if (children.length === 0 && more > 0) throw invalidRequest("more needs children: the first ones come with the job.");
  if (children.length === 0) return { ...childless(parent), names: [parent.record.name] };
  const total = children.length + more;
  const placed = withIds(parent.job.id, branches, { from: 0, total });
  const names = [parent, ...placed.flatMap(({ jobs }) => jobs.map(({ draft }) => draft))].map(
    ({ record }) => record.name,
  );
  return { parent, waitFor: waitFor ?? "ended", branches: placed, names, total };
}

/** Reads more children of a job. @throws as `readFamily` */
export function readPiece(
  id: string,
  { children, stored: from, more }: GivenPiece,
  { definitions, clock }: Pick<FamilyNeeds, "definitions" | "clock">,
): Pick<ReadFamily, "branches" | "names"> {
  const now = clock();
  const branches = readChildren(children, (item) => draftOf(item, definitions, now, () => ""));
  const placed = withIds(id, branches, { from, total: from + children.length + more });
  return { branches: placed, names: placed.flatMap(({ jobs }) => jobs.map(({ draft }) => draft.record.name)) };
}

function childless(parent: JobDraft): Omit<ReadFamily, "names"> {
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
  if (children === undefined && waitFor !== undefined)
    throw invalidRequest("waitFor needs children: it says when a job that waits for others runs.");
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

function draftOf(item: BulkJob, definitions: ReadonlyMap<string, AnyJob>, now: number, newId: () => string): JobDraft {
  const { draft, refusal } = readJob(item, definitions, now, newId);
  if (!draft) throw refusal;
  return draft;
}

export function childId(parent: string, index: number): string {
  return `${parent}/${childName(index)}`;
}

/** Gives children their ids, from the number `from` on, and notes in each the last one of its parent. */
function withIds(
  parent: string,
  branches: readonly Branch[],
  { from, total }: { readonly from: number; readonly total: number },
): readonly Branch[] {
  const last = childName(total - 1);
  return branches.map(({ jobs }, index) =>
    naming(index, () => ({ jobs: withBranchIds(parent, jobs, from + index, last) })),
  );
}

function withBranchIds(
  parent: string,
  [first, ...own]: readonly Draft[],
  index: number,
  lastSibling: string,
): readonly Draft[] {
  const { draft, parent: kin } = first as Draft;
  const id = childId(parent, index);
  if (id.length > LONGEST_ID)
    throw invalidRequest(
      `Its id would be "${id}", which is longer than ${LONGEST_ID} characters. Give the parent a shorter id.`,
    );
  const job = { ...draft.job, id, isFreshId: true };
  const child = { ...first, draft: { ...draft, job, record: { ...draft.record, lastSibling } } };
  if (!kin) return [child];
  const all = { from: 0, total: kin.total };
  return [child, ...withIds(id, branchesOf(own, kin.total), all).flatMap(({ jobs }) => jobs)];
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
  /** Who enqueues it, as in the record. */
  readonly by: string | undefined;
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
  const { by } = parentDraft.record;
  return { finished: { parent: parent.finished, waitFor, branches, total, by }, fits };
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

/** The bytes of the records of jobs. */
export function sizeOf(jobs: readonly { readonly record: string }[]): number {
  return jobs.reduce((sum, { record }) => sum + bytesOf(record), 0);
}
