import type { AnyJob } from "../job/define.ts";
import type { EnqueueResult } from "../job/enqueue.ts";
import { leaseMsFor } from "../job/lease-length.ts";
import type { TraceContext } from "../job/trace-context.ts";
import { hookCalls } from "../observe/hook-runner.ts";
import { logMissing } from "../observe/log.ts";
import { traceCalls } from "../observe/tracing.ts";
import { type Duration, durationMs, LATEST_TIME_MS } from "../shared/duration.ts";
import { checkTogether, MOST_AT_ONCE } from "../shared/limits.ts";
import { takesSlot } from "../store/flow.ts";
import type { EnqueueReply, LeasedJob, NewJob } from "../store/store.ts";
import { type BulkJob, type BulkOptions, bulkOptions, finishJobs, type ReadJob, readJob, readJobs } from "./bulk.ts";
import { Turn } from "./coalesce.ts";
import type { EnqueueContext } from "./context.ts";
import { attemptMs, type EnqueueFields } from "./new-job.ts";

/** Which of the due jobs an eager start leases to its caller. */
export interface HoldOptions {
  /** How many at most. Default: all. */
  readonly most?: number | undefined;
  /** Only those whose timeout is no longer than this. Default: all. */
  readonly timeout?: Duration | undefined;
  /** As in `BulkOptions`. */
  readonly trace?: TraceContext | undefined;
  /** Keeps the invocation alive for the call of `wake`. Default: the enqueue waits for it. */
  readonly inBackground?: ((work: Promise<unknown>) => void) | undefined;
}

interface Sent<Result = EnqueueResult> {
  readonly results: readonly Result[];
}

/** What became of the jobs of one call, in order, and those that are leased to the caller. */
export interface HeldJobs<Result = EnqueueResult> extends Sent<Result> {
  readonly held: readonly LeasedJob[];
}

/** Enqueues jobs: reads and checks them at once, makes their records, stores them, traces it, and calls the hooks. */
export class Enqueuer {
  readonly #needs: EnqueueContext;
  #turn: Turn | undefined;

  constructor(needs: EnqueueContext) {
    this.#needs = needs;
  }

  one(job: AnyJob | string, payload: unknown, options: EnqueueFields): Promise<EnqueueResult> {
    if (!this.#turn?.isOpen) this.#turn = new Turn(this.#needs, (newJobs) => this.store(newJobs));
    return this.#sendInTurn(this.#turn, readJob({ ...options, job, payload }, this.#needs));
  }

  async many(jobs: readonly BulkJob[], options: BulkOptions): Promise<readonly EnqueueResult[]> {
    const { onProgress, trace } = bulkOptions.read(options);
    const { results } = await this.#sendTogether(readJobs(jobs, this.#needs), trace, async (newJobs) => {
      const results: EnqueueResult[] = [];
      for (let first = 0; first < newJobs.length; first += MOST_AT_ONCE) {
        results.push(...(await this.store(newJobs.slice(first, first + MOST_AT_ONCE))));
        onProgress?.(results.length);
      }
      return { results };
    });
    return results;
  }

  /** Stores jobs in one atomic call, and leases those that are due to the caller. */
  async held(
    jobs: readonly BulkJob[],
    { most = jobs.length, timeout = LATEST_TIME_MS, trace, inBackground }: HoldOptions = {},
  ): Promise<HeldJobs> {
    const read = readJobs(jobs, this.#needs);
    const isShort = read.map((each) => isShorter(each, timeout));
    return this.#sendTogether(read, trace, (newJobs) => {
      const now = this.#needs.clock();
      const toHold = newJobs.filter((job, index) => job.runAt <= now && isShort[index]).slice(0, most);
      return this.#storeAndLease(newJobs, toHold, now, inBackground);
    });
  }

  /** Stores each job separately, as calls of `one` in one turn, and leases those that are due to the caller. */
  async each(
    jobs: readonly BulkJob[],
    { most = jobs.length, timeout = LATEST_TIME_MS, trace, inBackground }: HoldOptions = {},
  ): Promise<HeldJobs<PromiseSettledResult<EnqueueResult>>> {
    const held: LeasedJob[] = [];
    const short = new Set<string>();
    let free = most;
    const turn = new Turn(this.#needs, async (newJobs) => {
      const now = this.#needs.clock();
      const toHold = newJobs.filter((job) => job.runAt <= now && short.has(job.id)).slice(0, free);
      free -= toHold.length;
      const stored = await this.#storeAndLease(newJobs, toHold, now, inBackground);
      held.push(...stored.held);
      return stored.results;
    });
    const sent = jobs.map((item) => {
      const read = readJob(item, this.#needs);
      if (read.draft && isShorter(read, timeout)) short.add(read.draft.job.id);
      return this.#sendInTurn(turn, read, trace);
    });
    return { results: await Promise.allSettled(sent), held };
  }

  /** Stores one job with the others of a turn. Traces and hooks see a call of its own. */
  async #sendInTurn(turn: Turn, read: ReadJob, caller?: TraceContext): Promise<EnqueueResult> {
    const call = read.draft && turn.join(read.draft);
    const { results } = await this.observed([read.name], caller, async (trace) => {
      if (!call) throw read.refusal;
      return { results: [await turn.send(call, trace)] };
    });
    return results[0] as EnqueueResult;
  }

  #sendTogether<Result extends Sent>(
    read: readonly ReadJob[],
    caller: TraceContext | undefined,
    store: (newJobs: readonly NewJob[]) => Promise<Result>,
  ): Promise<Result> {
    const names = read.map(({ name }) => name);
    return this.observed(names, caller, async (trace) => {
      const newJobs = await finishJobs(read, trace);
      for (let first = 0; first < newJobs.length; first += MOST_AT_ONCE) {
        const together = newJobs.slice(first, first + MOST_AT_ONCE);
        checkTogether(together, `Jobs ${first} to ${first + together.length - 1}`);
      }
      return store(newJobs);
    });
  }

  /** Traces `send`, and calls the hooks. @param caller the trace of the request that asked for it. */
  async observed<Result extends Sent>(
    names: readonly string[],
    caller: TraceContext | undefined,
    send: (trace?: TraceContext) => Promise<Result>,
  ): Promise<Result> {
    const { queue, tracing, clock, hooks: given } = this.#needs;
    const traces = tracing && traceCalls(tracing, clock);
    const sent = await (traces ? traces.enqueue({ queue, names, caller }, send) : send());
    const hooks = given && hookCalls(given, queue, clock);
    hooks?.enqueued(names, sent.results);
    await Promise.all([hooks?.ended(), traces?.ended()]);
    return sent;
  }

  async store(newJobs: readonly NewJob[]): Promise<readonly EnqueueResult[]> {
    return this.#resultsOf(await this.#needs.store.enqueue(newJobs, this.#needs.clock()));
  }

  async #storeAndLease(
    newJobs: readonly NewJob[],
    toHold: readonly NewJob[],
    now: number,
    inBackground: HoldOptions["inBackground"],
  ): Promise<HeldJobs> {
    const { store, longestTimeoutMs, random } = this.#needs;
    const leased = new Set(toHold);
    const leaseEndsAt = now + leaseMsFor(longestTimeoutMs, random);
    const sent = newJobs.map((job) => (leased.has(job) ? { ...job, leaseEndsAt } : job));
    const replies = await store.enqueue(sent, now);
    const held = replies.flatMap(({ lease }, index) => {
      const job = newJobs[index];
      // Whether others wait for its slot is not known.
      const run = lease && takesSlot(lease) && { run: { isAwaited: true } };
      return lease && job ? [{ lease, record: job.record, dueAt: job.runAt, ...run }] : [];
    });
    return { results: await this.#resultsOf(replies, inBackground), held };
  }

  async #resultsOf(
    replies: readonly EnqueueReply[],
    inBackground?: HoldOptions["inBackground"],
  ): Promise<readonly EnqueueResult[]> {
    const { logger, queue, clock } = this.#needs;
    if (replies.some(({ isEmptied }) => isEmptied)) logMissing(logger, queue, 0, clock());
    const announced = this.#announce(replies);
    if (announced && inBackground) inBackground(announced);
    else await announced;
    return replies.map(({ id, status, runAt }) => ({
      id,
      status,
      runAt: runAt === undefined ? null : new Date(runAt),
    }));
  }

  /** Announces the earliest of these jobs, with one call of `wake`: an earlier end of a lease goes first. */
  #announce(replies: readonly EnqueueReply[]): Promise<unknown> | undefined {
    let dueAt = Number.POSITIVE_INFINITY;
    let leasedUntil = Number.POSITIVE_INFINITY;
    for (const { runAt, lease } of replies) {
      if (lease) leasedUntil = Math.min(leasedUntil, lease.endsAt);
      else if (runAt !== undefined) dueAt = Math.min(dueAt, runAt);
    }
    const leased = leasedUntil < dueAt ? this.#needs.noteLeased(leasedUntil) : undefined;
    const due = dueAt < Number.POSITIVE_INFINITY ? this.#needs.noteDue(dueAt) : undefined;
    return leased && due ? Promise.all([leased, due]) : (leased ?? due);
  }
}

function isShorter({ draft }: ReadJob, timeout: Duration): boolean {
  return draft !== undefined && attemptMs(draft) <= durationMs(timeout, "timeout");
}
