import type { FamilyStatus, NewFamily, NewMember } from "../../core/store/family.ts";
import { readChildId, readEnded, totalOf, withChildren } from "../../core/store/family.ts";
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
  if (parent) hold(state, id, { ...none, waitFor: parent.waitFor, pending: parent.total });
  else state.wait(id, waitingScore(runAt));
}

function hold(state: MemoryState, id: string, waiting: Waiting): void {
  state.families.waiting.set(id, waiting);
  state.wait(id, waitingScore(WAITS_FOR_CHILDREN_AT));
}

/** Releases those of these parents that have nothing more to wait for: from then on, they are jobs like any other. */
export function releaseParents(state: MemoryState, parents: Iterable<string | undefined>, now: number): void {
  for (const id of parents) {
    const released = id === undefined ? undefined : state.families.takeReleased(id);
    if (id === undefined || !released) continue;
    const { runAt, flow, ...counts } = released;
    const record = withChildren(state.records.get(id) ?? "", counts);
    state.due.delete(id);
    state.add(id, record, flow && state.flowControl.join(flow, false, now));
    state.wait(id, waitingScore(Math.max(runAt, now)));
  }
}

/** A dead child waits again. So does its parent, if it was released and has not begun. */
export function retryChild(state: MemoryState, id: string, now: number): void {
  const { parent = "", index = 0 } = readChildId(id) ?? {};
  const { at, claims, isLeased } = unpack(state.due.score(parent) ?? 1);
  const ended = readEnded(state.records.get(parent) ?? "");
  if (ended && ended.dead > 0 && claims === 0 && !isLeased && index < totalOf({ ...ended, pending: 0 })) {
    const flow = state.flows.get(parent);
    state.replace(parent, state.records.get(parent) ?? "", undefined);
    // It waits for all to have ended: no other parent is released while a child of it is dead.
    hold(state, parent, { ...ended, waitFor: "ended", pending: 0, runAt: at > now ? at : 0, flow });
  }
  state.families.count(id, "retried");
}
