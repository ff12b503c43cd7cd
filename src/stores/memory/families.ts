import {
  type ChildCounts,
  type FamilyReply,
  LOOK_MS,
  lookMs,
  type NewFamily,
  type NewMember,
  type NewParent,
  parentOf,
  type RevivedParent,
  type StoredFamily,
} from "../../core/store/family.ts";
import type { NewFlow } from "../../core/store/flow.ts";

/** A parent that has never been claimed. */
interface Waiting extends NewParent {
  readonly createdAt: number;
  readonly flow: NewFlow | undefined;
  runAt: number;
  dropped: number;
  /** Until all children are stored: how many are, and when the last of them came. */
  open: { readonly place: number; readonly since: number } | undefined;
}

/** What a claim finds out about a parent: it may begin, or is looked at again at `lookAt`. */
export type Opening = { readonly counts: ChildCounts } | { readonly lookAt: number };

/** Parents that wait for their children, as in lua/_family.lua. */
export class Families {
  readonly #waiting = new Map<string, Waiting>();
  /** The children that have not ended, and those that are dead, by the ids of their parents. */
  readonly #live = new Map<string, Set<string>>();
  readonly #dead = new Map<string, Set<string>>();

  isWaiting(id: string): boolean {
    return this.#waiting.has(id);
  }

  flowOf(id: string): NewFlow | undefined {
    return this.#waiting.get(id)?.flow;
  }

  add(
    id: string,
    { waitFor, total, dropped = 0 }: NewParent & Partial<RevivedParent>,
    { runAt, flow }: Pick<NewMember, "runAt" | "flow">,
    now: number,
  ): void {
    // One that is not in the future does not count, even by a clock that is behind this one.
    const waiting = {
      waitFor,
      total,
      createdAt: now,
      flow,
      runAt: runAt > now ? runAt : 0,
      dropped,
      open: undefined,
    };
    this.#waiting.set(id, waiting);
  }

  /** The parent has begun, or was removed. */
  forget(id: string): void {
    this.#waiting.delete(id);
  }

  addChild(id: string): void {
    addTo(this.#live, id);
  }

  /** Notes that a child ends, or is removed. @returns its parent, if it was one that had not ended. */
  end(id: string, fate: "completed" | "dead" | "dropped"): string | undefined {
    const parent = takeFrom(this.#live, id);
    if (parent === undefined) return undefined;
    if (fate === "dead") addTo(this.#dead, id);
    if (fate === "dropped") this.#drop(parent);
    return parent;
  }

  /** A dead child is removed. @returns its parent. */
  removeDead(id: string): string | undefined {
    const parent = takeFrom(this.#dead, id);
    if (parent !== undefined) this.#drop(parent);
    return parent;
  }

  /** A dead child waits again: it counts as one that has not ended. */
  revive(id: string): void {
    if (takeFrom(this.#dead, id) !== undefined) addTo(this.#live, id);
  }

  #drop(parent: string): void {
    const waiting = this.#waiting.get(parent);
    if (waiting) waiting.dropped++;
  }

  /** Whether a parent waits, and no child of it is left, nor still to come. */
  isReleased(id: string): boolean {
    const waiting = this.#waiting.get(id);
    return waiting !== undefined && !waiting.open && this.#liveOf(id) === 0;
  }

  open(id: string, now: number): Opening {
    const { waitFor, total, createdAt, runAt, dropped, open } = this.#waiting.get(id) as Waiting;
    const stored = open && now - open.since >= LOOK_MS ? open.place : undefined;
    const pending = this.#liveOf(id);
    const dead = this.#deadOf(id);
    const holds = pending > 0 || open !== undefined || (waitFor === "completed" && dead > 0);
    if (stored === undefined && holds) return { lookAt: now + lookMs(now, createdAt) };
    if (stored === undefined && runAt > now) return { lookAt: runAt };
    const completed = (stored ?? total) - pending - dead - dropped;
    const given = stored !== undefined && { stored, ...(waitFor === "completed" && { waitFor }) };
    return { counts: { total, completed, dead, dropped, ...given } };
  }

  move(id: string, runAt: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting) waiting.runAt = runAt;
  }

  /** Why a family is not stored; undefined if nothing is in its way. */
  refusal(family: NewFamily, exists: boolean, isLive: (id: string) => boolean): FamilyReply | undefined {
    const { id, isFreshId, from, since, children, total } = family;
    const waiting = this.#waiting.get(id);
    const open = waiting?.open;
    const isFirst = since === undefined;
    const isSame = waiting?.total === total;
    const isNext = open !== undefined && open.place === from && open.since === since && isSame;
    if (isFirst ? exists : !isNext) {
      if (!isFirst && !waiting) return { status: "missing" };
      if (!isFirst && !isSame) return { status: "different" };
      if (!isFirst && !open && family.to === total) return { status: "stored" };
      if (open && !isSame) return { status: "different" };
      return { status: "duplicate", ...(open && { rest: { from: open.place, since: open.since } }) };
    }
    const isHeld = isFirst && !isFreshId && this.#liveOf(id) + this.#deadOf(id) > 0;
    return isHeld || children.some((child) => isLive(child.id)) ? { status: "taken" } : undefined;
  }

  /** Notes how many children are stored now. */
  setOpen(id: string, { to, total }: NewFamily, now: number): void {
    const waiting = this.#waiting.get(id);
    if (waiting) waiting.open = to < total ? { place: to, since: now } : undefined;
  }

  stored(id: string, withCounts: boolean): StoredFamily | undefined {
    const waiting = this.#waiting.get(id);
    if (!waiting) return undefined;
    const { waitFor, total, dropped, open } = waiting;
    const counts = { stored: open?.place ?? total, pending: this.#liveOf(id), dead: this.#deadOf(id) };
    return { waitFor, total, dropped, ...(withCounts && { counts }) };
  }

  #liveOf(parent: string): number {
    return this.#live.get(parent)?.size ?? 0;
  }

  #deadOf(parent: string): number {
    return this.#dead.get(parent)?.size ?? 0;
  }
}

function addTo(sets: Map<string, Set<string>>, id: string): void {
  const parent = parentOf(id) ?? "";
  const ids = sets.get(parent) ?? new Set();
  sets.set(parent, ids.add(id));
}

/** Takes a child out. @returns its parent, if it was there. */
function takeFrom(sets: Map<string, Set<string>>, id: string): string | undefined {
  const parent = parentOf(id);
  const ids = parent === undefined ? undefined : sets.get(parent);
  if (parent === undefined || !ids?.delete(id)) return undefined;
  if (ids.size === 0) sets.delete(parent);
  return parent;
}
