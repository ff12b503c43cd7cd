import type { FamilyCounts, FamilyStatus, NewFamily, NewMember } from "../../core/store/family.ts";
import {
  childId,
  heldUntil,
  readChildId,
  readEnded,
  totalOf,
  withChildren,
  withoutChildren,
} from "../../core/store/family.ts";
import { returnsOf } from "../../core/store/returns.ts";
import { unpack, WAITS_FOR_CHILDREN_AT, waitingScore } from "../../core/store/score.ts";
import type { Waiting } from "./families.ts";
import type { MemoryState } from "./state.ts";

/** Stores a parent with its children, all or none, as in enqueue_family.lua. */
export function enqueueFamily(state: MemoryState, { isFreshId, members }: NewFamily, now: number): FamilyStatus {
  const [parent, ...children] = members;
  const isLive = (id: string) => state.due.score(id) !== undefined;
  if (isFreshId ? isLive(parent.id) : state.exists(parent.id, now)) return "duplicate";
  // A dead child of an earlier parent with this id would count in the new family once it is retried.
  const isTaken = (id: string) => isLive(id) || (!isFreshId && state.dead.score(id) !== undefined);
  if (children.some(({ id }) => isTaken(id))) return "taken";
  for (const member of members) addMember(state, member, now);
  state.flowControl.putMarks(now);
  return "stored";
}

export function addMember(
  state: MemoryState,
  { id, runAt, record, flow, keepsLimits, parent }: NewMember,
  now: number,
): void {
  const joined = flow && state.flowControl.join(flow, !keepsLimits, now);
  // A parent joins the line of its key once it is released. Its limits apply from now on.
  state.add(id, record, parent ? undefined : joined);
  // A run time that is not in the future does not count, even by a clock that is behind this one.
  const none = { completed: 0, dead: 0, dropped: 0, runAt: runAt > now ? runAt : 0, flow };
  if (parent) hold(state, id, { ...none, waitFor: parent.waitFor, pending: parent.total }, 0);
  else state.wait(id, waitingScore(runAt));
}

function hold(state: MemoryState, id: string, waiting: Waiting, claims: number): void {
  state.families.waiting.set(id, waiting);
  state.wait(id, waitingScore(WAITS_FOR_CHILDREN_AT, claims));
}

/** Releases those of these parents that have nothing more to wait for: from then on, they are jobs like any other. */
export function releaseParents(state: MemoryState, parents: Iterable<string | undefined>, now: number): void {
  for (const id of parents) {
    const released = id === undefined ? undefined : state.families.takeReleased(id);
    if (id === undefined || !released) continue;
    const { runAt, flow, ...counts } = released;
    const record = withoutChildren(state.records.get(id) ?? "");
    state.due.delete(id);
    state.add(id, withChildren(record, counts), flow && state.flowControl.join(flow, false, now));
    state.wait(id, waitingScore(Math.max(runAt, now), returnsOf(record)));
  }
}

/** A dead child waits again. So does its parent, if it was released and has not begun. */
export function retryChild(state: MemoryState, id: string, now: number): void {
  const { parent = "", index = 0 } = readChildId(id) ?? {};
  const counts = releasedCounts(state, parent);
  if (counts && index < totalOf(counts)) holdAgain(state, parent, counts, now);
  state.families.count(id, "retried");
}

/** While a drain had the parent, dead children may have been retried. It waits for those that have not ended. */
export function waitForRetried(state: MemoryState, parent: string, now: number): void {
  const counts = releasedCounts(state, parent);
  if (!counts) return;
  const children = Array.from({ length: totalOf(counts) }, (_, index) => childId(parent, index));
  const pending = children.filter((id) => state.due.score(id) !== undefined).length;
  if (pending > 0) holdAgain(state, parent, { ...counts, pending, dead: counts.dead - pending }, now);
}

/** What a parent counted when it was released, if it has not begun, and may wait again for those that are dead. */
function releasedCounts(state: MemoryState, parent: string): FamilyCounts | undefined {
  const record = state.records.get(parent) ?? "";
  const ended = readEnded(record);
  const { claims, isLeased } = unpack(state.due.score(parent) ?? 0);
  const hasBegun = isLeased || claims !== returnsOf(withoutChildren(record));
  if (!ended || ended.dead === 0 || hasBegun || state.families.waiting.has(parent)) return undefined;
  return { ...ended, pending: 0 };
}

/** It waits for all to have ended: no other parent is released while a child of it is dead. */
function holdAgain(state: MemoryState, parent: string, counts: FamilyCounts, now: number): void {
  const record = state.records.get(parent) ?? "";
  const flow = state.flows.get(parent);
  const { at, claims } = unpack(state.due.score(parent) ?? 0);
  state.replace(parent, record, undefined);
  // Until its type is resumed it was not due: that is no time before which it must not run.
  const runAt = at > now && at !== heldUntil(withoutChildren(record)) ? at : 0;
  hold(state, parent, { ...counts, waitFor: "ended", runAt, flow }, claims);
}
