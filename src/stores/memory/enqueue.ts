import { unpack, waitingScore } from "../../core/store/score.ts";
import { CLAIM_CYCLE, type EnqueueReply, type Lease, type NewJob } from "../../core/store/store.ts";
import type { MemoryState } from "./state.ts";

interface Entry {
  readonly id: string;
  /** The last job of the call for this id. */
  job: NewJob;
  readonly claims: number;
  /** Whether it existed before the call. */
  readonly replaces: boolean;
  lease?: Lease | undefined;
}

/** Stores new jobs, all or none: it first decides what becomes of each, then stores them all, as in enqueue.lua. */
export function enqueue(state: MemoryState, jobs: readonly NewJob[], now: number): readonly EnqueueReply[] {
  const batch = new Batch(state, now);
  const replies = jobs.map((job) => batch.decide(job));
  batch.store();
  return replies.map((reply) => reply());
}

class Batch {
  readonly #state: MemoryState;
  readonly #now: number;
  readonly #entries = new Map<string, Entry>();

  constructor(state: MemoryState, now: number) {
    this.#state = state;
    this.#now = now;
  }

  #exists(id: string): boolean {
    return this.#entries.has(id) || this.#state.exists(id, this.#now);
  }

  #isLive(id: string): boolean {
    return this.#entries.has(id) || this.#state.due.score(id) !== undefined;
  }

  decide(job: NewJob): () => EnqueueReply {
    const isTaken = job.isFreshId ? this.#isLive(job.id) : this.#exists(job.id);
    if (isTaken) return () => this.#duplicate(job.id);
    const { dedupe } = job;
    const window = dedupe && this.#state.windows.get(dedupe.key);
    if (window && window.endsAt > this.#now && this.#exists(window.id)) return this.#replaceOrLeave(job, window.id);
    if (dedupe) this.#state.windows.set(dedupe.key, { endsAt: this.#now + dedupe.ttlMs, id: job.id });
    return this.#enter({ id: job.id, job, claims: 0, replaces: false }, "enqueued");
  }

  #replaceOrLeave(job: NewJob, id: string): () => EnqueueReply {
    const duplicate = () => this.#duplicate(id);
    const beginning = job.dedupe?.replaces;
    if (beginning === undefined) return duplicate;
    const entry = this.#entries.get(id);
    if (entry) {
      if (!canBeReplaced(entry.job.record, 0, beginning)) return duplicate;
      // Under another key it joins the end of another line.
      if (entry.job.flow?.key !== job.flow?.key) this.#entries.delete(id);
      entry.job = job;
      return this.#enter(entry, "replaced");
    }
    const { due, records, flows } = this.#state;
    const score = due.score(id);
    const record = records.get(id) ?? "";
    if (score === undefined) return duplicate;
    const { at, claims, isLeased } = unpack(score);
    if (isLeased || !canBeReplaced(record, claims, beginning)) return duplicate;
    // A duplicated request changes nothing the second time.
    const isSame = record === replacement(job.record, claims) && at === job.runAt;
    if (isSame && flows.get(id)?.key === job.flow?.key)
      return () => ({ status: "replaced", id, runAt: job.runAt, lease: undefined });
    return this.#enter({ id, job, claims, replaces: true }, "replaced");
  }

  #enter(entry: Entry, status: "enqueued" | "replaced"): () => EnqueueReply {
    const { id, job } = entry;
    this.#entries.set(id, entry);
    return () => ({ status, id, runAt: job.runAt, lease: entry.job === job ? entry.lease : undefined });
  }

  #duplicate(id: string): EnqueueReply {
    const score = this.#state.due.score(id);
    // A job that waits for its children has no run time.
    const position = score === undefined || this.#state.families.waiting.has(id) ? undefined : unpack(score);
    return { status: "duplicate", id, runAt: position?.isLeased ? undefined : position?.at, lease: undefined };
  }

  store(): void {
    for (const entry of this.#entries.values()) this.#place(entry);
    this.#state.flowControl.putMarks(this.#now);
  }

  #place(entry: Entry): void {
    const { id, job, claims, replaces } = entry;
    const { flowControl, flows, paused, pausedJobs } = this.#state;
    const old = flows.get(id);
    // Under the same key it keeps its position in the order.
    const order = old?.key === job.flow?.key ? old?.order : undefined;
    const flow = job.flow && flowControl.join(job.flow, !job.keepsLimits, this.#now, order);
    const record = replacement(job.record, claims);
    if (replaces) this.#state.replace(id, record, flow);
    else this.#state.add(id, record, flow);
    const isFree = !paused && pausedJobs.size === 0 && claims === 0 && (!flow || flowControl.isFree(flow, this.#now));
    const endsAt = isFree ? job.leaseEndsAt : undefined;
    if (endsAt !== undefined) {
      entry.lease = { id, claims: 1, endsAt, ...(flow && { flow, claimedAt: this.#now }) };
      this.#state.lease(entry.lease, this.#now);
    } else this.#state.wait(id, waitingScore(job.runAt, claims));
  }
}

/** The end of the record of a job that was claimed this often, and released each time before it started. */
const returnedEnd = (claims: number): string => `,"returned":${claims % CLAIM_CYCLE}}`;

/**
 * Whether a job claimed so often can be replaced: never attempted, and its record has the beginning of `replaces` after
 * the digit of its version.
 */
function canBeReplaced(record: string, claims: number, beginning: string): boolean {
  return record.startsWith(beginning, 1) && (claims === 0 || record.endsWith(returnedEnd(claims)));
}

/** The record of the new job. Earlier claims stay counted, so that no lease is given twice. */
function replacement(record: string, claims: number): string {
  return claims === 0 ? record : record.slice(0, -1) + returnedEnd(claims);
}
