import { readJob } from "../enqueue/bulk.ts";
import { buildJob, checkOptions } from "../enqueue/new-job.ts";
import type { AnyJob } from "../job/define.ts";
import type { JobTrace } from "../job/trace-context.ts";
import { invalidRequest, quote, TidegateError } from "../shared/errors.ts";
import { MOST_AT_ONCE } from "../shared/limits.ts";
import type { FollowUpJob, NewJob } from "../store/store.ts";
import type { ClaimedJob } from "./claimed-job.ts";
import type { AttemptNeeds } from "./needs.ts";

/** Why `job.enqueue` lacks options of `queue.enqueue`: it returns an id before the store knows of the job. */
const refused = {
  id: "each job gets an id of its own. It is stored once, with the outcome, so it needs no idempotency key",
  dedupe: "whether another job holds the key is known only when the outcome is stored",
  cron: "it makes single jobs. Use queue.schedules.upsert for a recurring one",
  every: "it makes single jobs. Use queue.schedules.upsert for a recurring one",
} as const;

/** The jobs that a handler enqueues through its attempt. They are stored with the outcome, or not at all. */
export class EnqueuedJobs {
  readonly #needs: AttemptNeeds;
  readonly #by: ClaimedJob;
  readonly #trace: JobTrace | undefined;
  readonly #jobs: FollowUpJob[] = [];
  /** The checks of payloads whose schemas are asynchronous. */
  readonly #checks: Promise<void>[] = [];

  /**
   * @param by the job whose attempt enqueues them.
   * @param trace the trace of the attempt.
   */
  constructor(needs: AttemptNeeds, by: ClaimedJob, trace: JobTrace | undefined) {
    this.#needs = needs;
    this.#by = by;
    this.#trace = trace;
  }

  /** Adds a job, and returns its id. @throws as `queue.enqueue`, but for an asynchronous schema: see `checked`. */
  add(job: AnyJob | string, payload: unknown, options: object): string {
    checkOptions(options);
    for (const [name, reason] of Object.entries(refused))
      if ((options as Record<string, unknown>)[name] !== undefined)
        throw invalidRequest(`job.enqueue takes no ${name}: ${reason}.`);
    if (this.#jobs.length === MOST_AT_ONCE)
      throw invalidRequest(`An attempt can enqueue ${MOST_AT_ONCE} jobs. Use queue.enqueueMany for more.`);
    const { definitions, clock } = this.#needs;
    const { draft, refusal } = readJob({ ...options, job, payload }, definitions, clock(), this.#newId);
    if (!draft) throw refusal;
    this.#checkPlace(draft.job);
    const { finished, fits } = buildJob(draft, this.#trace);
    if (!this.#by.takeRoom(finished.record))
      throw new TidegateError(
        "payload_too_large",
        "The jobs that the attempt enqueues and its own job are larger than 8 MiB together, as they are sent. Store the data elsewhere and enqueue a reference to it, or use queue.enqueue.",
      );
    const { id, runAt, record, flow, keepsLimits } = finished;
    this.#jobs.push({ id, runAt, record, ...(flow && { flow }), ...(keepsLimits && { keepsLimits }) });
    if (fits) {
      // The attempt may fail for another reason first, and then nobody waits for the check.
      fits.catch(() => {});
      this.#checks.push(fits);
    }
    return id;
  }

  /** Returns the jobs once all payloads are checked. @throws {InvalidPayloadError} if one does not fit its schema. */
  async checked(): Promise<readonly FollowUpJob[]> {
    await Promise.all(this.#checks);
    return this.#jobs;
  }

  /** An id in the partition of the flow control key, and without one in that of the job whose outcome stores it. */
  readonly #newId = (key?: string): string => {
    const { newId, store } = this.#needs;
    return key === undefined
      ? store.local.idBeside(this.#by.lease.current.id, newId)
      : store.local.idSource(newId)(key);
  };

  /** One script stores the jobs with the outcome, so they are in the partition of its job. */
  #checkPlace(job: Omit<NewJob, "record">): void {
    const { local } = this.#needs.store;
    const { id } = this.#by.lease.current;
    if (local.partitionOf(job) === local.partitionOf({ id, isFreshId: true, runAt: 0 })) return;
    throw invalidRequest(
      `The jobs of the flow control key ${quote(job.flow?.key ?? "")} lie in another partition than the job ${quote(id)}, so they cannot be stored with its outcome. Use queue.enqueue, or choose the key of this job.`,
    );
  }
}
