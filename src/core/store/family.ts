import { fnv1a } from "../shared/hash.ts";
import type { NewFlow } from "./flow.ts";

// Jobs that wait for others. A parent waits for its children: it is started once, when all of them have ended.

/** When a parent may start: when its children have ended, or when all have completed or were dropped. */
export type WaitFor = "ended" | "completed";

export const waitForWords: readonly WaitFor[] = ["ended", "completed"];

/** The most children of a job. Their numbers have six digits, so that their ids sort as they were given. */
export const MOST_CHILDREN = 1_000_000;

/** How long a parent waits for the next children of a family that is stored in pieces. Then it is handed out. */
export const LOOK_MS = 3_600_000;
const LONGEST_LOOK_MS = 86_400_000;

/** How long until a claim looks again at a parent that still waits: as long as it has waited. */
export function lookMs(now: number, createdAt: number): number {
  return Math.min(Math.max(now - createdAt, LOOK_MS), LONGEST_LOOK_MS);
}

/** A job that waits for its children, or that a call stores with them. */
export interface NewParent {
  readonly waitFor: WaitFor;
  /** How many children it has in all, apart from their own. */
  readonly total: number;
}

/** A parent that waits again, for the children that it has. */
export interface RevivedParent extends NewParent {
  /** How many of these were dropped. */
  readonly dropped: number;
}

/** A job of a family. Its id begins with that of its parent and "/". */
export interface NewMember {
  readonly id: string;
  readonly runAt: number;
  readonly record: string;
  readonly flow?: NewFlow;
  /** Whether the limits of its key stay as they are, as in `NewJob`. */
  readonly keepsLimits?: boolean;
  /** If it has children itself. They are stored by the same call. */
  readonly parent?: NewParent;
}

/**
 * Jobs that are stored together, in the order in which stores add them: parents after their children. So what is stored
 * of a family never has a parent that could begin before all of its children are there.
 */
export function childrenFirst<Job extends Pick<NewMember, "parent">>(jobs: readonly Job[]): readonly Job[] {
  const parents = jobs.filter(({ parent }) => parent);
  return parents.length === 0 ? jobs : [...jobs.filter(({ parent }) => !parent), ...parents.reverse()];
}

/** Stores a parent with its first children, or more children of one that is stored. */
export interface NewFamily extends NewParent {
  /** The id of the parent, and whether it was made for it. */
  readonly id: string;
  readonly isFreshId: boolean;
  /** The parent; undefined if an earlier call has stored it. Its `runAt` is the earliest. */
  readonly job?: Omit<NewMember, "id" | "parent"> | undefined;
  /** How many children earlier calls have stored, and how many are stored after this one. */
  readonly from: number;
  readonly to: number;
  /** `now` of the call before this one; undefined for the first. */
  readonly since?: number | undefined;
  /** The children from `from` to `to`, each followed by its own children. */
  readonly children: readonly NewMember[];
}

/**
 * `stored`; `duplicate`: the parent exists already; `missing`: the parent is gone, or waits for no more children;
 * `taken`: another job has the id of a child; `different`: children are still to come to the parent, and it was stored
 * with another number of them.
 */
export type FamilyStatus = "stored" | "duplicate" | "missing" | "taken" | "different";

export interface FamilyReply {
  readonly status: FamilyStatus;
  /** Of a duplicate that children are missing from: how many it has, and when the last of them were stored. */
  readonly rest?: { readonly from: number; readonly since: number } | undefined;
}

/** What a store knows of a parent that waits. */
export interface StoredFamily extends NewParent {
  /** How many children were removed before they had completed or died. */
  readonly dropped: number;
  /** The rest is counted only by `find`. */
  readonly counts?: {
    /** How many children are stored: all, unless some are still to come. */
    readonly stored: number;
    /** How many of these have not ended. */
    readonly pending: number;
    readonly dead: number;
  };
}

/** Basis of a second hash, which has nothing in common with the first. */
const OTHER_BASIS = 0x5bd1e995;

/** The number of a parent: 50 bits of a hash of its id. If two had the same, each would wait for both families. */
export function familyNumber(parent: string): number {
  return fnv1a(parent) * 2 ** 18 + (fnv1a(parent, OTHER_BASIS) >>> 14);
}

/** How many digits the number of a child has. */
const DIGITS = 6;

/** What follows the parent's id in the id of a child. */
export function childName(index: number): string {
  return String(index).padStart(DIGITS, "0");
}

/** Whether an id ends as that of a child does. Other ids may do so too. */
export function isLikeChildId(id: string): boolean {
  return /\/\d{6,}$/.test(id);
}

/** The id of the parent, if the job may be a child: other ids may look like that of one. */
export function parentOf(id: string): string | undefined {
  const at = id.lastIndexOf("/");
  return at < 0 ? undefined : id.slice(0, at);
}

/** What became of the children of a parent, when it began: the end of its record. As lua/_parents.lua writes it. */
export interface ChildCounts {
  readonly total: number;
  readonly completed: number;
  readonly dead: number;
  readonly dropped: number;
  /** How many children were stored, if whoever enqueued them has stopped. */
  readonly stored?: number;
  /** With `stored`, and if it is not "ended": what the parent has waited for. */
  readonly waitFor?: WaitFor;
}

/** The record of a parent as its handler gets it. */
export function withChildren(
  record: string,
  { total, completed, dead, dropped, stored, waitFor }: ChildCounts,
): string {
  const counts = {
    total,
    completed,
    dead,
    dropped,
    ...(stored !== undefined && { stored }),
    ...(waitFor && { waitFor }),
  };
  return `${record.slice(0, -1)},"children":${JSON.stringify(counts)}}`;
}
