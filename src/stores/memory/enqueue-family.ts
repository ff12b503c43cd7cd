import {
  type FamilyReply,
  LOOK_MS,
  type NewFamily,
  type NewMember,
  type NewParent,
  type RevivedParent,
} from "../../core/store/family.ts";
import { waitingScore } from "../../core/store/score.ts";
import type { MemoryState } from "./state.ts";

/** Stores a parent with children, or more children of one, all or none, as in enqueue_family.lua. */
export function enqueueFamily(state: MemoryState, family: NewFamily, now: number): FamilyReply {
  const { families, flowControl } = state;
  const { id, job, waitFor, total, children } = family;
  const isLive = (child: string) => state.due.score(child) !== undefined;
  const refusal = families.refusal(family, state.exists(id, now), isLive);
  if (refusal) return refusal;
  for (const child of children) {
    addMember(state, child, now);
    families.addChild(child.id);
  }
  if (job) addParent(state, id, job, { waitFor, total }, now);
  families.setOpen(id, family, now);
  state.wait(id, waitingScore(now + LOOK_MS));
  flowControl.putMarks(now);
  return { status: "stored" };
}

/** Adds a job, whether it waits for children or not. */
export function addMember(state: MemoryState, job: NewMember, now: number): void {
  const { id, runAt, record, flow, keepsLimits, parent } = job;
  if (parent) {
    addParent(state, id, job, parent, now);
    return;
  }
  state.add(id, record, flow && state.flowControl.join(flow, !keepsLimits, now));
  state.wait(id, waitingScore(runAt));
}

/** Adds a job that waits for its children. A claim looks at it in an hour. */
export function addParent(
  state: MemoryState,
  id: string,
  job: Omit<NewMember, "id" | "parent">,
  parent: NewParent & Partial<RevivedParent>,
  now: number,
): void {
  // It joins the line of its key once it is released. Its limits apply from now on.
  if (job.flow) state.flowControl.join(job.flow, !job.keepsLimits, now);
  state.add(id, job.record, undefined);
  state.families.add(id, parent, job, now);
  state.wait(id, waitingScore(now + LOOK_MS));
}
