import type { JobState } from "../../core/store/store.ts";
import { momentOf, SCHEDULE_MEMBER, scoreAfter, unpack } from "../redis/score.ts";
import { Tally } from "./counters.ts";
import { SortedSet } from "./sorted-set.ts";

interface Finished {
  readonly record: string;
  readonly expiresAt: number;
}

/** What is kept of one queue: the same sets and hashes as in Redis (docs/storage.md), and the steps that they share. */
export class MemoryState {
  readonly due = new SortedSet();
  readonly records = new Map<string, string>();
  readonly dead = new SortedSet();
  readonly deadRecords = new Map<string, string>();
  readonly done = new Map<string, Finished>();
  readonly windows = new Map<string, { readonly endsAt: number; readonly id: string }>();
  readonly schedules = new Map<string, string>();
  readonly counters = { processed: 0, retried: 0, cancelled: 0, revived: 0, removed: 0 };
  readonly tally = new Tally();
  paused = false;
  manifest: string | undefined;

  /** Whether it keeps neither jobs nor schedules, nor the mark of a pause. */
  get isEmpty(): boolean {
    const { due, dead, done, windows, schedules, paused } = this;
    return !paused && [due, dead, done, windows, schedules].every(({ size }) => size === 0);
  }

  /** Whether a job is known, finished or not. */
  exists(id: string, now: number): boolean {
    return this.due.score(id) !== undefined || this.dead.score(id) !== undefined || this.isKept(id, now);
  }

  /** Whether a completed job is still kept. */
  isKept(id: string, now: number): boolean {
    const finished = this.done.get(id);
    if (finished && finished.expiresAt <= now) this.done.delete(id);
    return this.done.has(id);
  }

  put(id: string, score: number, record: string): void {
    this.due.set(id, score);
    this.records.set(id, record);
  }

  remove(id: string): void {
    this.due.delete(id);
    this.records.delete(id);
  }

  removeDead(id: string): boolean {
    this.deadRecords.delete(id);
    return this.dead.delete(id);
  }

  putSchedule(key: string, record: string, score: number): void {
    this.schedules.set(key, record);
    this.due.set(SCHEDULE_MEMBER + key, score);
  }

  /** When the first member is due, of those that are not excepted. */
  nextAt(except?: ReadonlySet<string>): number | undefined {
    for (const [member, score] of this.due.from(0)) {
      if (!except?.has(member)) return momentOf(score);
    }
    return undefined;
  }
}

/** The state of a live job. A lease that has run out makes its job ready again, by itself. */
export function stateOf(score: number, now: number): Extract<JobState, "scheduled" | "ready" | "running"> {
  if (score < scoreAfter(now)) return "ready";
  return unpack(score).isLeased ? "running" : "scheduled";
}

/** Whether a member of `due` is a job: all others begin with a space, which no id does. */
export function isJob(member: string): boolean {
  return !member.startsWith(" ");
}
