import type { AnyJob, ChildJob, JobFamilyOptions, TypedChildren } from "../job/define.ts";
import type { ChildrenWait, EnqueueResult } from "../job/enqueue.ts";
import { LONGEST_ID } from "../job/options.ts";
import type { JobTrace, TraceContext } from "../job/trace-context.ts";
import { conflict, invalidRequest, quote } from "../shared/errors.ts";
import { checkTogether } from "../shared/limits.ts";
import { oneOf } from "../shared/validate.ts";
import type { ChildCounts, NewFamily, NewMember, NewParent } from "../store/family.ts";
import { childId, MOST_CHILDREN, waitForWords } from "../store/family.ts";
import type { NewJob } from "../store/store.ts";
import { type BulkJob, naming, type ReadContext, readJob } from "./bulk.ts";
import type { QueueContext } from "./context.ts";
import type { Enqueuer } from "./enqueuer.ts";
import { buildJob, type EnqueueFields, finishJob, type JobDraft } from "./new-job.ts";

/** How a job with children is enqueued. Its own `dedupe` is not possible: use `id`. */
export interface FamilyOptions<Children extends readonly ChildJob[], Known extends AnyJob = AnyJob>
  extends Omit<EnqueueFields, "dedupe">,
    JobFamilyOptions<Children, Known> {
  /** Not possible: use `id`. */
  readonly dedupe?: undefined;
  /**
   * Jobs for which this one waits: up to 1,000, each with up to 1,000 of its own. Each is
   * `{ job, payload, ...options }` as for `enqueueMany`, but without `id` and `dedupe`: its id is that of this job, "/"
   * and its number. One atomic call stores all of them, or none.
   */
  readonly children: TypedChildren<Children, Known>;
}

export interface GivenFamily extends Omit<EnqueueFields, "dedupe">, ChildrenWait {
  readonly job: AnyJob | string;
  readonly payload?: unknown;
  readonly children: readonly ChildJob[];
}

interface MemberDraft {
  readonly draft: JobDraft;
  readonly parent?: NewParent;
  /** Among which of the children of the first parent it is. Undefined for that parent. */
  readonly child?: number;
}

/** A job with all that it waits for, each followed by its children. Everything but their schemas was checked. */
export type ReadFamily = readonly [MemberDraft, ...MemberDraft[]];

/** Leaves room for what the ids of children, and of theirs, have behind it. */
export const LONGEST_PARENT_ID = LONGEST_ID - 32;

const noChildren: ChildCounts = { total: 0, completed: 0, dead: 0, dropped: 0 };

type ReadJob = (item: BulkJob, newId: () => string) => JobDraft;

/** @throws {TidegateError} `invalid_request`, naming the child that was refused. */
export function readFamily(
  { children, waitFor, ...options }: GivenFamily,
  { definitions, enqueuesAnyJob, clock, newId }: ReadContext,
): ReadFamily {
  const now = clock();
  refuseOptions(options, ["dedupe"], "A job with children takes no dedupe: give it an id instead.");
  const read: ReadJob = (item, makeId) => {
    const { draft, refusal } = readJob(item, { definitions, enqueuesAnyJob, clock, newId: makeId }, now);
    if (!draft) throw refusal;
    return draft;
  };
  return readMembers(read(options, newId), { children, waitFor }, read);
}

function readMembers(
  draft: JobDraft,
  { children, waitFor }: Pick<GivenFamily, "children" | "waitFor">,
  read: ReadJob,
): ReadFamily {
  oneOf(waitFor, waitForWords, "waitFor");
  if (!Array.isArray(children)) throw invalidRequest("children must be an array of { job, payload, ...options }.");
  if (children.length > MOST_CHILDREN)
    throw invalidRequest(
      `A job can have at most ${MOST_CHILDREN} children: ${children.length} were given. For more, give its children some of their own: each can have as many.`,
    );
  if (children.length === 0) return [{ draft: { ...draft, record: { ...draft.record, children: noChildren } } }];
  const own = Array.from(children, (given: ChildJob, child) =>
    ofChild(child, () => readChild(given, childId(draft.job.id, child), read).map((member) => ({ ...member, child }))),
  );
  return [{ draft, parent: { waitFor: waitFor ?? "ended", total: own.length } }, ...own.flat()];
}

function readChild(given: ChildJob, id: string, read: ReadJob): ReadFamily {
  const { children, waitFor, ...item } = given ?? {};
  refuseOptions(
    item,
    ["id", "dedupe"],
    "A child takes neither id nor dedupe: its id is that of its parent, and a number.",
  );
  oneOf(waitFor, waitForWords, "waitFor");
  if (children === undefined && waitFor !== undefined)
    throw invalidRequest("waitFor needs children: it says when a job that waits for others runs.");
  if (id.length > LONGEST_ID)
    throw invalidRequest(
      `Its id would be "${id}", which is longer than ${LONGEST_ID} characters. Give the parent a shorter id.`,
    );
  const draft = read(item as BulkJob, () => id);
  return children === undefined ? [{ draft }] : readMembers(draft, { children, waitFor }, read);
}

function refuseOptions(item: object, names: readonly string[], message: string): void {
  if (names.some((name) => (item as Readonly<Record<string, unknown>>)[name] !== undefined))
    throw invalidRequest(message);
}

const ofChild = <Result>(child: number | undefined, act: () => Result): Result => naming(child, act, "Child");

/**
 * Checks all payloads, and makes all records. If a schema is asynchronous, `fits` rejects for a wrong payload.
 *
 * @throws {InvalidPayloadError}, naming the child that was refused.
 */
export function buildFamily(
  family: ReadFamily,
  trace: JobTrace | undefined,
): { readonly members: NewFamily["members"]; readonly fits: Promise<unknown> | undefined } {
  const checks: Promise<void>[] = [];
  const build = ({ draft, parent, child }: MemberDraft): NewMember => {
    const { finished, fits } = ofChild(child, () => buildJob(draft, trace));
    const check = fits && ofChild(child, () => fits);
    // The call may fail for another reason first, and then nobody waits for the check.
    check?.catch(() => {});
    if (check) checks.push(check);
    return { ...memberOf(finished), ...(parent && { parent }) };
  };
  const [parent, ...children] = family;
  const members = [build(parent), ...children.map(build)] as const;
  return { members, fits: checks.length > 0 ? Promise.all(checks) : undefined };
}

export function memberOf({ id, runAt, record, flow, keepsLimits }: NewJob): NewMember {
  return { id, runAt, record, ...(flow && { flow }), ...(keepsLimits && { keepsLimits }) };
}

/**
 * Stores a job that waits for its children, and these, in one atomic call. Traced, and with hooks.
 *
 * @throws {TidegateError} `conflict` if another job has the id of a child.
 */
export async function enqueueFamily(
  enqueuer: Enqueuer,
  needs: QueueContext,
  given: GivenFamily,
  caller?: TraceContext,
): Promise<EnqueueResult> {
  const family = readFamily(given, needs);
  const [{ draft, parent }] = family;
  const names = family.map(({ draft: { record } }) => record.name);
  const { results } = await enqueuer.observed(names, caller, async (trace) => {
    if (!parent) return { results: await enqueuer.store([await finishJob(draft, trace)]) };
    const { members, fits } = buildFamily(family, trace && { ...trace, isBatch: true });
    await fits;
    return { results: await storeFamily(needs, { isFreshId: draft.job.isFreshId, members }) };
  });
  return results[0] as EnqueueResult;
}

/** Stores a family. @returns the results of all of its jobs, that of the parent first. */
async function storeFamily(
  { store, clock, noteDue }: QueueContext,
  family: NewFamily,
): Promise<readonly EnqueueResult[]> {
  const { members } = family;
  const [{ id: parent }] = members;
  checkTogether(members, "The job and its children");
  const status = await store.enqueueFamily(family, clock());
  if (status === "taken")
    throw conflict(
      `Job ${quote(parent)} cannot be stored: other jobs have the ids of its children, which begin with "${parent}/". They may be those of an earlier job with this id. Choose another id, or enqueue it when they have ended.`,
    );
  const runTimes = members.flatMap(({ runAt, parent: waits }) => (waits ? [] : runAt));
  if (status === "stored") await noteDue(runTimes.reduce((least, runAt) => Math.min(least, runAt)));
  return members.map(({ id, runAt, parent: waits }) => ({
    id,
    status: status === "stored" ? "enqueued" : status,
    runAt: waits ? null : new Date(runAt),
  }));
}
