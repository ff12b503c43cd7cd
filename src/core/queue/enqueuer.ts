import { leaseMsFor } from "../attempt/lease.ts";
import { Turn } from "../enqueue/coalesce.ts";
import {
  type EnqueueOptions,
  type EnqueueResult,
  jobName,
  type RecurringOptions,
  resolveJob,
} from "../enqueue/new-job.ts";
import type { AnyJob } from "../job/define.ts";
import { refuseReserved } from "../job/reserved.ts";
import type { TraceContext } from "../job/trace-context.ts";
import type { Schedules } from "../schedule/schedules.ts";
import { type Duration, durationMs, LATEST_TIME_MS } from "../shared/duration.ts";
import { asJson } from "../shared/json.ts";
import { MOST_AT_ONCE } from "../shared/limits.ts";
import { knownOptions } from "../shared/validate.ts";
import type { EnqueueReply, LeasedJob, NewJob } from "../store/store.ts";
import type { QueueParts } from "./parts.ts";
import { attemptMs, type BulkJob, type BulkOptions, heldJobs, sendJobs, sendOne } from "./send.ts";

/** Which of the due jobs an eager start leases. */
export interface HoldOptions {
  /** How many at most. Default: all. */
  readonly most?: number | undefined;
  /** Only those whose timeout is no longer than this. Default: all. */
  readonly timeout?: Duration | undefined;
  /** As in `BulkOptions`. */
  readonly trace?: TraceContext | undefined;
}

/** What became of the jobs of one call, in order, and those of them that are leased to the caller. */
export interface HeldJobs<Result = EnqueueResult> {
  readonly results: readonly Result[];
  readonly held: readonly LeasedJob[];
}

/** The ways in which a queue enqueues. */
export class Enqueuer {
  readonly #queue: QueueParts;
  readonly #schedules: Schedules;
  /** The calls of `one` that travel together. */
  #turn: Turn<EnqueueResult> | undefined;

  constructor(queue: QueueParts, schedules: Schedules) {
    this.#queue = queue;
    this.#schedules = schedules;
  }

  /** Stores one job, together with those of other calls in the same turn. */
  one(job: AnyJob | string, payload: unknown, options: EnqueueOptions): Promise<EnqueueResult> {
    const { store, clock } = this.#queue;
    if (!this.#turn?.isOpen) this.#turn = this.#newTurn((newJobs) => store.enqueue(newJobs, clock()));
    const turn = this.#turn;
    const settings = { ...this.#queue.settings, newId: turn.newId };
    return sendOne(settings, { ...options, job, payload }, undefined, (draft) => turn.enter(draft));
  }

  #newTurn(send: (newJobs: readonly NewJob[]) => Promise<readonly EnqueueReply[]>): Turn<EnqueueResult> {
    const { store, settings, clock } = this.#queue;
    return new Turn({
      newId: store.local.idSource(settings.newId),
      partitionOf: (job) => store.local.partitionOf(job),
      store: async (newJobs) => this.#results(await send(newJobs)),
      clock,
    });
  }

  /** Stores a schedule. */
  async recurring(job: AnyJob | string, payload: unknown, options: RecurringOptions): Promise<EnqueueResult> {
    const { id, ...schedule } = options;
    refuseReserved({ name: jobName(job) });
    const snapshot = asJson(payload, "payload");
    const key = id ?? resolveJob(job, this.#queue.jobs).name;
    const existing = await this.#schedules.get(key);
    const { nextRunAt } = await this.#schedules.upsert(key, { ...schedule, job, payload: snapshot });
    return { id: key, status: existing ? "duplicate" : "enqueued", runAt: nextRunAt };
  }

  /** Stores jobs: 1,000 in one atomic call. */
  async many(jobs: readonly BulkJob[], options: BulkOptions): Promise<readonly EnqueueResult[]> {
    const { onProgress, trace } = knownOptions(options, ["onProgress", "trace"], "enqueueMany");
    const { store, clock } = this.#queue;
    const { results } = await this.#send(jobs, trace, async (newJobs) => {
      const results: EnqueueResult[] = [];
      for (let first = 0; first < newJobs.length; first += MOST_AT_ONCE) {
        results.push(...this.#results(await store.enqueue(newJobs.slice(first, first + MOST_AT_ONCE), clock())));
        onProgress?.(results.length);
      }
      return { results };
    });
    return results;
  }

  /** Stores jobs in one atomic call, and leases those that are due to the caller. */
  async held(
    jobs: readonly BulkJob[],
    { most = jobs.length, timeout = LATEST_TIME_MS, trace }: HoldOptions = {},
  ): Promise<HeldJobs> {
    return this.#send(jobs, trace, async (newJobs) => {
      const now = this.#queue.clock();
      const isShort = jobs.map((job) => this.#isShort(job, timeout));
      const toHold = newJobs.filter((job, index) => job.runAt <= now && isShort[index]).slice(0, most);
      const replies = await this.#storeHeld(newJobs, toHold, now);
      return { results: this.#results(replies), held: heldJobs(newJobs, replies) };
    });
  }

  /** Stores each job for itself, as calls of `one` in the same turn do, and leases those that are due to the caller. */
  async each(
    jobs: readonly BulkJob[],
    { most = jobs.length, timeout = LATEST_TIME_MS, trace }: HoldOptions = {},
  ): Promise<HeldJobs<PromiseSettledResult<EnqueueResult>>> {
    const held: LeasedJob[] = [];
    const short = new Set<string>();
    let free = most;
    const turn = this.#newTurn(async (newJobs) => {
      const now = this.#queue.clock();
      const toHold = newJobs.filter((job) => job.runAt <= now && short.has(job.id)).slice(0, free);
      free -= toHold.length;
      const replies = await this.#storeHeld(newJobs, toHold, now);
      held.push(...heldJobs(newJobs, replies));
      return replies;
    });
    const settings = { ...this.#queue.settings, newId: turn.newId };
    const enqueue = (item: BulkJob) =>
      sendOne(settings, item, trace, (draft) => {
        if (this.#isShort(item, timeout)) short.add(draft.id);
        return turn.enter(draft);
      });
    return { results: await Promise.allSettled(jobs.map(enqueue)), held };
  }

  #isShort(job: BulkJob, timeout: Duration): boolean {
    return attemptMs(job, this.#queue.jobs) <= durationMs(timeout, "timeout");
  }

  #storeHeld(newJobs: readonly NewJob[], toHold: readonly NewJob[], now: number): Promise<readonly EnqueueReply[]> {
    const { store, settings } = this.#queue;
    const held = new Set(toHold);
    const leaseEndsAt = now + leaseMsFor(settings.longestTimeoutMs, settings.random);
    return store.enqueue(
      newJobs.map((job) => (held.has(job) ? { ...job, leaseEndsAt } : job)),
      now,
    );
  }

  #send<Sent extends { readonly results: readonly EnqueueResult[] }>(
    jobs: readonly BulkJob[],
    caller: TraceContext | undefined,
    store: (newJobs: readonly NewJob[]) => Promise<Sent>,
  ): Promise<Sent> {
    const { settings } = this.#queue;
    const newId = this.#queue.store.local.idSource(settings.newId);
    return sendJobs({ ...settings, newId }, jobs, caller, store);
  }

  #results(replies: readonly EnqueueReply[]): readonly EnqueueResult[] {
    if (replies.some(({ isEmptied }) => isEmptied)) this.#queue.noteEmptied();
    return replies.map(({ id, status, runAt, lease }) => {
      if (runAt !== undefined && !lease) this.#queue.noteDue(runAt);
      return { id, status, runAt: runAt === undefined ? null : new Date(runAt) };
    });
  }
}
