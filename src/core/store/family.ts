import type { NewFlow } from "./flow.ts";

// Jobs that wait for others. A parent waits for its children: it is started once, when all of them have ended.

export const waitForWords = ["ended", "completed"] as const;

/** When a parent may start: when its children have ended, or when all have completed or were dropped. */
export type WaitFor = (typeof waitForWords)[number];

export const MOST_CHILDREN = 1_000;

export interface NewParent {
  readonly waitFor: WaitFor;
  /** How many children it has, apart from their own. */
  readonly total: number;
}

/** A job of a family. The id of a child is that of its parent, "/" and its number. */
export interface NewMember {
  readonly id: string;
  readonly runAt: number;
  readonly record: string;
  readonly flow?: NewFlow;
  /** Whether the limits of its key stay as they are. Then those of `flow` apply only to a new key. */
  readonly keepsLimits?: boolean;
  /** If it has children. They follow in the same call. */
  readonly parent?: NewParent;
}

/** A parent and its children, each followed by its own. */
export interface NewFamily {
  /** Whether the id of the parent was made for it. */
  readonly isFreshId: boolean;
  readonly members: readonly [NewMember, ...NewMember[]];
}

/** `duplicate`: the parent exists already; `taken`: another job has the id of a child. */
export type FamilyStatus = "stored" | "duplicate" | "taken";

/** How many digits the number of a child has, so that ids sort as the children were given. */
const DIGITS = 6;

export function childId(parent: string, index: number): string {
  return `${parent}/${String(index).padStart(DIGITS, "0")}`;
}

/** What ends the id of a child. No other job may have such an id. As in lua/_families.lua. */
const CHILD = /\/(\d{6})$/;

/** The id of the parent, and the number of the child; undefined if the job is no child. */
export function readChildId(id: string): { readonly parent: string; readonly index: number } | undefined {
  const [end, index] = CHILD.exec(id) ?? [];
  return end === undefined ? undefined : { parent: id.slice(0, -end.length), index: Number(index) };
}

export function parentOf(id: string): string | undefined {
  return readChildId(id)?.parent;
}

/** What has become of the children of a job, as they were when it stopped waiting, or as they are while it waits. */
export interface JobChildren {
  /** How many it has. */
  readonly total: number;
  /** How many have not ended. */
  readonly pending: number;
  /** How many have completed. */
  readonly completed: number;
  /** How many are in the dead-letter queue. */
  readonly dead: number;
  /** How many were cancelled or cleared, have expired, or were removed from the dead-letter queue. */
  readonly dropped: number;
}

/** Those of a parent that waits for them. */
export type FamilyCounts = Omit<JobChildren, "total">;

/** Those of a parent, once it waits for none: the end of its record. */
export type ChildCounts = Omit<JobChildren, "pending">;

export function childrenInfo({ total, completed, dead, dropped }: ChildCounts): JobChildren {
  return { total, pending: total - completed - dead - dropped, completed, dead, dropped };
}

export function totalOf({ pending, completed, dead, dropped }: FamilyCounts): number {
  return pending + completed + dead + dropped;
}

const COUNTS = /,"children":\{"total":\d+,"completed":(\d+),"dead":(\d+),"dropped":(\d+)\}\}$/;

/** What the record of a parent that has not begun says of its children; undefined if they have not ended. */
export function readEnded(record: string): Omit<ChildCounts, "total"> | undefined {
  const [end, completed, dead, dropped] = COUNTS.exec(record) ?? [];
  return end === undefined ? undefined : { completed: Number(completed), dead: Number(dead), dropped: Number(dropped) };
}

/** The record of a parent as `perform` gets it. As lua/_families.lua writes it. */
export function withChildren(record: string, { total, completed, dead, dropped }: ChildCounts): string {
  const counts = JSON.stringify({ total, completed, dead, dropped });
  return `${record.slice(0, -1)},"children":${counts}}`;
}

/** The record of a parent that has not begun, without what it says of its children, if it does. */
export function withoutChildren(record: string): string {
  return record.replace(COUNTS, "}");
}

/** Until when a job that has not begun is held back, since its type is paused. As in lua/retry_dead.lua. */
export function heldUntil(record: string): number | undefined {
  const [, until] = /,"held":\{"until":(\d+),"dueAt":\d+\},"returned":\d+\}$/.exec(record) ?? [];
  return until === undefined ? undefined : Number(until);
}
