import type { JobFlow } from "../../core/store/flow.ts";
import type { ScheduleEntry } from "../../core/store/schedules.ts";
import * as scores from "../../core/store/score.ts";
import { openWaits, withSignal } from "../../core/store/signals.ts";
import { HOUR_MS, type PausedJobs } from "../../core/store/stats.ts";
import type { JobState, Lease, Outcome, RecordRewrite } from "../../core/store/store.ts";
import { Tally } from "./counters.ts";
import { Documents } from "./documents.ts";
import { Families } from "./families.ts";
import { FlowControl } from "./flow-control.ts";
import { Signals } from "./signals.ts";
import { SortedSet } from "./sorted-set.ts";

interface DeadJob {
  readonly record: string;
  readonly flow: JobFlow | undefined;
  readonly group: string | undefined;
}

type Recurring = Pick<ScheduleEntry, "record" | "plan">;

/** One queue: the same sets and hashes as in Redis (docs/internals/storage.md), and the steps that methods share. */
export class MemoryState {
  readonly due = new SortedSet();
  readonly records = new Map<string, string>();
  readonly dead = new SortedSet();
  readonly deadJobs = new Map<string, DeadJob>();
  readonly flowControl = new FlowControl(this.due);
  readonly flows = new Map<string, JobFlow>();
  /** The records of completed jobs, and when they expire. Some may have expired. */
  readonly done = new Map<string, string>();
  readonly ended = new SortedSet();
  readonly windows = new Map<string, { readonly endsAt: number; readonly id: string }>();
  readonly schedules = new Map<string, Recurring>();
  readonly documents = new Documents();
  readonly families = new Families();
  readonly signals = new Signals();
  readonly counters = { cancelled: 0, retriedDead: 0 };
  readonly tally = new Tally();
  paused = false;
  readonly pausedJobs = new Map<string, PausedJobs>();
  /** Oldest first, without the first `changesCut`. */
  readonly changes: string[] = [];
  changesCut = 0;
  manifest: string | undefined;
  exists(id: string, now: number): boolean {
    return this.due.score(id) !== undefined || this.dead.score(id) !== undefined || this.isKept(id, now);
  }

  isKept(id: string, now: number): boolean {
    return (this.ended.score(id) ?? 0) > now;
  }

  /** Keeps a completed job, and forgets those that have expired for an hour. */
  keep(id: string, record: string, until: number, now: number): void {
    for (let [first] = this.ended.first(1); first && first[1] < now - HOUR_MS; [first] = this.ended.first(1))
      this.forget(first[0]);
    this.done.set(id, record);
    this.ended.set(id, until);
  }

  forget(id: string): void {
    this.done.delete(id);
    this.ended.delete(id);
  }

  /** Adds a job. One that has completed under the same id is kept no longer. */
  add(id: string, record: string, flow: JobFlow | undefined): void {
    this.forget(id);
    this.records.set(id, record);
    if (flow) this.flows.set(id, flow);
  }

  /** Gives a waiting job another record and another key. Call `wait` or `lease` next. */
  replace(id: string, record: string, flow: JobFlow | undefined): void {
    this.remove(id);
    this.add(id, record, flow);
  }

  wait(id: string, score: number): void {
    this.#leave(id);
    const flow = this.flows.get(id);
    if (flow) this.flowControl.wait(flow, id, score);
    else this.due.set(id, score);
  }

  /** Leases a job. @returns whether it waits for the others of its run, since its key has no free slot. */
  lease(lease: Lease, now: number): boolean {
    this.#leave(lease.id);
    this.due.set(lease.id, scores.leaseScore(lease));
    const flow = this.flows.get(lease.id);
    return flow !== undefined && this.flowControl.openAndCorrect(flow.key, now).begin(now, lease.endsAt);
  }

  /** Brings a signal to a job. @returns false if it does not wait: it runs, or another signal has come. */
  wake(id: string, text: string, now: number): boolean {
    const score = this.due.score(id);
    const record = this.records.get(id);
    if (score === undefined || record === undefined || openWaits(record) === undefined) return false;
    const { at, claims, isLeased } = scores.unpack(score);
    if (isLeased) return false;
    this.records.set(id, withSignal(record, text));
    // Another score than before: whoever has read the job, to change it, learns that it has changed.
    this.wait(id, scores.waitingScore(at === now ? now - 1 : now, claims));
    return true;
  }

  remove(id: string): void {
    this.#leave(id);
    this.due.delete(id);
    this.records.delete(id);
    this.flows.delete(id);
    this.families.waiting.delete(id);
    this.signals.forget(id);
  }

  /** Removes a job that has neither completed nor died. @returns its parent, if it is a child. */
  drop(id: string): string | undefined {
    this.remove(id);
    return this.families.count(id, "dropped");
  }

  #leave(id: string): void {
    const flow = this.flows.get(id);
    const score = this.due.score(id);
    if (!flow || score === undefined) return;
    const key = this.flowControl.touch(flow.key);
    if (scores.isInLine(score)) key.remove(id);
    else key.end(scores.unpack(score).at);
  }

  /** Whether a job with an expired lease may be leased again: its key may be paused, or its rate used up. */
  mayStartAgain(id: string, now: number): boolean {
    const flow = this.flows.get(id);
    return !flow || this.flowControl.mayStartAgain(flow, now, scores.unpack(this.due.score(id) ?? 0).at);
  }

  addDead(id: string, { at, record, group }: Extract<Outcome, { to: "dead" }>, flow: JobFlow | undefined): void {
    this.dead.set(id, at);
    this.deadJobs.set(id, { record, flow, group });
  }

  rewrite(state: JobState, { id, from, record }: RecordRewrite): boolean {
    const dead = state === "dead" ? this.deadJobs.get(id) : undefined;
    const records = state === "completed" ? this.done : this.records;
    const stored = state === "dead" ? dead?.record : records.get(id);
    if (stored !== from) return stored === record;
    if (dead) this.deadJobs.set(id, { ...dead, record });
    else records.set(id, record);
    return true;
  }

  removeDead(id: string): boolean {
    this.deadJobs.delete(id);
    return this.dead.delete(id);
  }

  putSchedule(key: string, { record, plan }: Recurring, score: number): void {
    this.schedules.set(key, { record, plan });
    this.due.set(scores.SCHEDULE_MEMBER + key, score);
  }

  /** When the first member is due. @param now makes one that is too far ahead due at once. Default: by its score. */
  nextDueAt(now?: number, except?: ReadonlySet<string>): number | undefined {
    for (const [member, score] of this.due.from(0)) {
      if (!except?.has(member))
        return now !== undefined && scores.isSkewed(member, score, now) ? now : scores.momentOf(score);
    }
    return undefined;
  }
}

/** The state of a live job. It is ready again once its lease has run out. */
export function stateOf(score: number, now: number): Extract<JobState, "scheduled" | "ready" | "running"> {
  const { at, isLeased } = scores.unpack(score);
  if (at <= now) return "ready";
  return isLeased ? "running" : "scheduled";
}

/** Whether a member of `due` is a job: all others begin with a space. */
export function isJob(member: string): boolean {
  return !member.startsWith(" ");
}
