import { drainQueue } from "../drain/drain-queue.ts";
import { thenWake } from "../drain/next-wake.ts";
import { type DrainOptions, drainLimits } from "../drain/options.ts";
import type { DrainReport } from "../drain/report.ts";
import type { RekeyOptions, RekeyResult } from "../encryption/rekey.ts";
import type { BulkOptions, TypedBulk } from "../enqueue/bulk.ts";
import { Enqueuer } from "../enqueue/enqueuer.ts";
import { enqueueFamily, type FamilyOptions } from "../enqueue/family.ts";
import { checkOptions, type EnqueueOptions, type RecurringOptions } from "../enqueue/new-job.ts";
import { FlowKeys } from "../flow/flow-keys.ts";
import type { AnyJob, ChildJob, JobOrName, PayloadArguments } from "../job/define.ts";
import type { EnqueueResult, OneTime } from "../job/enqueue.ts";
import { LONGEST_ID } from "../job/options.ts";
import { type ChildListOptions, listChildren } from "../manage/children.ts";
import { type DeadLetterOptions, type RetryOptions, removeDead, retryDead } from "../manage/dead-letter.ts";
import { type FailureDetails, readFailure } from "../manage/failure-details.ts";
import { type FailurePage, type FailuresOptions, getFailures } from "../manage/failures.ts";
import type { FiguresOptions, HistoryOptions, QueueFigures, QueueHistory } from "../manage/figures.ts";
import { getFigures, getHistory } from "../manage/figures.ts";
import { type DeadJob, type JobAndId, type JobInfo, type JobInfoOf, readJobAndId } from "../manage/job-info.ts";
import type { CancelOptions, ClearOptions, JobChange } from "../manage/jobs.ts";
import { cancelJob, clearJobs, getJob, updateJob } from "../manage/jobs.ts";
import { type DeadListOptions, type JobPage, type ListOptions, listDead, listJobs } from "../manage/list.ts";
import { type PausedJobType, pauseJobs, resumeJobs } from "../manage/paused-jobs.ts";
import type { CancelledJobs, PendingOptions, RescheduledJobs } from "../manage/pending-jobs.ts";
import { cancelPending, reschedulePending } from "../manage/pending-jobs.ts";
import type { DeadSelection, PendingSelection } from "../manage/selection.ts";
import { type SignalOptions, type SignalResult, signal } from "../manage/signal.ts";
import { getActivity, type QueueActivity, type QueueStats } from "../manage/stats.ts";
import { type WaitOptions, waitForEnd } from "../manage/wait.ts";
import type { WatchTokenOptions } from "../manage/watch-token.ts";
import type { ChangedBy, ChangeListOptions, ChangePage, PauseOptions } from "../observe/changes.ts";
import { changing, listChanges, onlyBy, pauseOptions, targetOf } from "../observe/changes.ts";
import { enqueueRecurring, Schedules } from "../schedule/schedules.ts";
import { type Clock, sleep } from "../shared/clock.ts";
import { type Duration, durationMs, momentMs, type PointInTime } from "../shared/duration.ts";
import { invalidRequest } from "../shared/errors.ts";
import { checkText, knownOptions } from "../shared/validate.ts";
import { attachInternals, internalsOf, makeInternals } from "./internals.ts";
import { afterLook, type OpenQueue, openQueue } from "./open.ts";
import type { QueueOptions } from "./options.ts";

/** Whether a value is a queue. `instanceof` would not recognize one of another copy of the package. */
export function isQueue(value: unknown): value is Queue {
  return internalsOf(Object(value)) !== undefined;
}

/** @throws {TidegateError} `invalid_request` */
export function checkQueue(value: unknown): asserts value is Queue {
  if (!isQueue(value)) throw invalidRequest("A queue must be an object from new Queue({ store, jobs }).");
}

/**
 * A queue: it enqueues jobs, drains them, and shows and changes what it holds.
 *
 * Every method throws a `TidegateError`: with the code `invalid_request` if an argument or option is invalid (the
 * message names it), and with `store_unavailable` if the store cannot be reached. You can then repeat the call safely;
 * an enqueue only with an `id`.
 */
export class Queue {
  /** Recurring jobs. */
  readonly schedules: Schedules;
  /** Flow control keys: their limits, what they hold back, pauses. */
  readonly flowControl: FlowKeys;
  readonly #open: OpenQueue;
  readonly #enqueuer: Enqueuer;

  /**
   * @throws {InvalidPayloadError} if a job's `schedulePayload` does not fit its schema.
   * @throws {TidegateError} `invalid_request` for an invalid option, or if two jobs have the same name.
   */
  constructor(options: QueueOptions) {
    const open = openQueue(options);
    this.#open = open;
    this.schedules = new Schedules(open);
    this.flowControl = new FlowKeys(open);
    this.#enqueuer = new Enqueuer(open);
    attachInternals(this, makeInternals(open, this.#enqueuer));
  }

  /** The name of the queue. Its jobs are stored under it. */
  get name(): string {
    return this.#open.queue;
  }

  /** The clock of the queue: ms since 1970. */
  get clock(): Clock {
    return this.#open.clock;
  }

  /** The names of the jobs that this queue can perform. */
  get jobNames(): readonly string[] {
    return [...this.#open.definitions.keys()];
  }

  // Enqueuing ---------------------------------------------------------------------------------------------------------

  /**
   * Stores a job. It will run at least once, unless it expires. With `cron` or `every` among the options it stores a
   * recurring job instead.
   *
   * Calls in one turn of the event loop, as in a `Promise.all`, share requests and cost as much as `enqueueMany`. Each
   * call is still checked separately and gets its own result. One request stores up to 1,000 jobs and 4 MiB; if it
   * fails, every call in it fails.
   *
   * With `children` among the options, it stores these jobs too, in one atomic call, and the job runs once when all of
   * them have finished. It gets `job.children`, and `listChildren` gives their results.
   *
   * @param job a definition, or the name of one: `enqueue<typeof sendEmail>("send_email", payload)` checks it by types
   *   alone.
   * @param payloadAndOptions the payload, which you can leave out if the job takes none, and options.
   * @throws {InvalidPayloadError} if a payload does not fit its schema. Nothing was stored.
   * @throws {TidegateError} `invalid_request` or `payload_too_large`. Nothing was stored. With `children` also
   *   `conflict` if their ids are taken.
   */
  enqueue<Job extends AnyJob | string, const Children extends readonly ChildJob[] = readonly ChildJob[]>(
    job: JobOrName<Job>,
    ...payloadAndOptions: PayloadArguments<Job, EnqueueOptions | RecurringOptions | OneTime<FamilyOptions<Children>>>
  ): Promise<EnqueueResult>;
  async enqueue(
    job: AnyJob | string,
    payload?: unknown,
    options: EnqueueOptions | RecurringOptions | FamilyOptions<readonly ChildJob[]> = {},
  ): Promise<EnqueueResult> {
    checkOptions(options);
    if ("children" in options && options.children !== undefined)
      return enqueueFamily(this.#enqueuer, this.#open, { ...options, job, payload });
    const recurring = options as RecurringOptions;
    if (recurring.cron !== undefined || recurring.every !== undefined)
      return enqueueRecurring(this.schedules, this.#open, job, payload, recurring);
    return this.#enqueuer.one(job, payload, options);
  }

  /**
   * Stores jobs in one atomic call: all of them, or none if one is refused. More than 1,000 are all checked first, and
   * then stored in several such calls. One call stores at most 8 MiB, as it is sent.
   *
   * @returns one result per job, in order.
   * @throws as `enqueue`; the message says which job was refused. `payload_too_large` if the jobs of one call are too
   *   large together: then none is stored.
   */
  async enqueueMany<const Jobs extends readonly (AnyJob | string)[]>(
    jobs: TypedBulk<Jobs> | readonly [],
    options: BulkOptions = {},
  ): Promise<readonly EnqueueResult[]> {
    return this.#enqueuer.many(jobs, options);
  }

  /**
   * Sends a signal: every job that waits for it in `job.waitFor` gets its data, and is due. If none waits, the signal
   * is kept for the first job that will. It reaches each job once, whatever is repeated or lost on the way.
   *
   * It costs 8 commands, for one job or a hundred, and 4 if it is kept. One event keeps up to 256 KiB of signals.
   *
   * @param event 1 to 256 characters, such as "reply-42". Give each thing that a job waits for a name of its own.
   * @param data what `waitFor` returns: any JSON of up to 256 KiB. Default null.
   * @throws {TidegateError} `invalid_request`; `payload_too_large`; `conflict` if too many signals are kept for the
   *   event.
   */
  async signal(event: string, data: unknown = null, options: SignalOptions & ChangedBy = {}): Promise<SignalResult> {
    return changing(this.#open, "sendSignal", event, options, (given) => signal(this.#open, event, data, given));
  }

  // Draining ----------------------------------------------------------------------------------------------------------

  /**
   * Runs the jobs that are due, within limits, and ends. Any number of drains may run at once, or be killed at any
   * point.
   *
   * @throws {TidegateError} `invalid_request` for an invalid option; `store_unavailable`: then jobs that ran but could
   *   not be settled run again when their leases run out.
   */
  async drain(options: DrainOptions = {}): Promise<DrainReport> {
    const limits = drainLimits(options);
    return thenWake([this.#open], limits, () => drainQueue(this.#open, limits));
  }

  /**
   * Keeps every drain from starting jobs and firing schedules, until `resume`. You can still enqueue jobs. A running
   * drain learns of it with its next request to the store.
   */
  async pause(options: PauseOptions & ChangedBy = {}): Promise<void> {
    await changing(this.#open, "pause", null, options, async (given) => {
      pauseOptions.read(given);
      await this.#open.store.setPaused(true);
    });
  }

  /** Ends a pause: drains start jobs and fire schedules again. @returns whether the queue was paused. */
  async resume(options: ChangedBy = {}): Promise<{ resumed: boolean }> {
    const { store, noteAnythingDue } = this.#open;
    return changing(this.#open, "resume", null, onlyBy(options, "resume"), async () => {
      const { paused: resumed } = await store.peek(this.clock());
      await store.setPaused(false);
      await noteAnythingDue();
      return { resumed };
    });
  }

  /**
   * Pauses a job type: drains release its jobs without using an attempt, until `resumeJobs`. What runs continues, and
   * you can still enqueue. At most 20 job types may be paused. While one is, no job of the queue starts eagerly: the
   * next drain starts it.
   *
   * @throws {TidegateError} `invalid_request`; `conflict` if 20 job types are paused.
   */
  async pauseJobs(name: string, options: PauseOptions & ChangedBy = {}): Promise<PausedJobType> {
    const by = Object(options).by ?? null;
    return changing(this.#open, "pauseJobs", name, options, (rest) => pauseJobs(this.#open, name, { ...rest, by }));
  }

  /**
   * Ends the pause of a job type. What drains have released is due when it was. What a drain releases at this very
   * moment may be due an hour later.
   *
   * @returns whether it was paused.
   * @throws {TidegateError} `invalid_request`
   */
  async resumeJobs(name: string, options: ChangedBy = {}): Promise<{ resumed: boolean }> {
    return changing(this.#open, "resumeJobs", name, onlyBy(options, "resumeJobs"), () => resumeJobs(this.#open, name));
  }

  // Reading -----------------------------------------------------------------------------------------------------------

  /**
   * Reads a job in any state; null if no job has the id, or if it completed longer ago than `retention`.
   *
   * With a definition, the payload and the result have its types, as they arrive. It is null as well if the job with
   * the id has another name than the definition, so that an id from outside reads no other jobs.
   *
   * @throws {TidegateError} `conflict` if a newer version has stored the job: only that version can read it.
   */
  getJob(id: string): Promise<JobInfo | null>;
  getJob<Job extends AnyJob>(job: Job, id: string): Promise<JobInfoOf<Job> | null>;
  async getJob(...given: JobAndId<never>): Promise<JobInfo | null> {
    const { id, only } = readJobAndId(given);
    return only(await getJob(this.#open, id));
  }

  /**
   * Waits until a job has completed or is dead. It polls, less and less often; a poll costs two or three commands.
   *
   * With a definition, the payload and the result have its types, as in `getJob`.
   *
   * @param options `timeout`: the longest wait. Default "30s". After that it returns the job as it is: see its `state`.
   * @returns null if no job has the id, or if the job with the id has another name than the definition.
   */
  wait(id: string, options?: WaitOptions): Promise<JobInfo | null>;
  wait<Job extends AnyJob>(job: Job, id: string, options?: WaitOptions): Promise<JobInfoOf<Job> | null>;
  async wait(...given: JobAndId<WaitOptions>): Promise<JobInfo | null> {
    const { id, options = {}, only } = readJobAndId(given);
    const { timeout = "30s" } = knownOptions(options, ["timeout"], "wait");
    const timeoutMs = durationMs(timeout, "timeout");
    const { clock } = this.#open;
    const poll = async () => only(await this.getJob(id));
    return waitForEnd(poll, timeoutMs, clock, (ms) => sleep(clock, ms));
  }

  /**
   * Signs a token with which a browser can watch this one job, and do nothing else: the handler of this queue serves
   * the job's state and progress to it as a stream, `GET /jobs/:id/events`. It stores nothing and sends nothing, so the
   * job need not exist yet. A token cannot be withdrawn before it expires, unless you replace `watchSecret`.
   *
   * ```ts
   * const token = await queue.watchToken(id, { ttl: "1h" });
   * for await (const { state, progress } of watchJob({ url, token })) show(state, progress); // in the browser
   * ```
   *
   * @param options `ttl`: how long it is valid. Default "1h". `results`: whether it also shows the result of the job,
   *   or the error that it died of. Default false.
   * @throws {TidegateError} `invalid_request`, also if the queue has no `watchSecret`.
   */
  async watchToken(id: string, options: WatchTokenOptions = {}): Promise<string> {
    checkText(id, "id", LONGEST_ID);
    return this.#open.watchTokens.sign(this.name, id, options, this.clock());
  }

  /** Lists jobs: waiting and running ones by time, dead and completed ones newest first. */
  async listJobs(options: ListOptions = {}): Promise<JobPage> {
    return listJobs(this.#open, options);
  }

  /**
   * Lists the children of a job, in the order they were given, with their states and results. Children that
   * were cancelled or removed, or completed longer ago than `retention`, are left out: a page may then be short, or
   * empty. Continue while there is a cursor.
   *
   * @throws {TidegateError} `not_found` if no job has the id.
   */
  async listChildren(id: string, options: ChildListOptions = {}): Promise<JobPage> {
    return listChildren(this.#open, id, options);
  }

  /** Lists dead jobs, newest first: all of them, one job type, or one group of failures. */
  async listDeadLetter(options: DeadListOptions = {}): Promise<JobPage<DeadJob>> {
    return listDead(this.#open, options);
  }

  /**
   * Groups dead jobs by name and error: what broke, how often, and since when. A page costs about 2 commands per group,
   * and fewer if the groups are small.
   */
  async getFailures(options: FailuresOptions = {}): Promise<FailurePage> {
    return getFailures(this.#open, options);
  }

  /** Reads one group of failures, and which values the payloads of its latest jobs share; null if none is dead. */
  async getFailure(group: string): Promise<FailureDetails | null> {
    return (await readFailure(this.#open, group)).failure;
  }

  /** Counts the jobs in each state, and what the queue has done since it was created. */
  async getStats(): Promise<QueueStats> {
    return (await this.getActivity()).stats;
  }

  /**
   * Reads the statistics, what the queue did in each of the last 60 minutes, and how long jobs waited and ran. Costs as
   * much as `getStats`.
   */
  async getActivity(): Promise<QueueActivity> {
    return afterLook(this.#open, () => getActivity(this.#open));
  }

  /**
   * Reads metrics for each job type: how jobs ended, and how long they waited and ran, in the last hour and days. With
   * `observe: false` there are none.
   */
  async getFigures(options: FiguresOptions = {}): Promise<QueueFigures> {
    return getFigures(this.#open, options);
  }

  /** Reads metrics for each of the last hours, up to two weeks back. */
  async getHistory(options: HistoryOptions = {}): Promise<QueueHistory> {
    return getHistory(this.#open, options);
  }

  /**
   * Checks that the store replies. Costs one command.
   *
   * @throws {TidegateError} `store_unavailable`
   */
  async ping(): Promise<void> {
    await this.#open.store.peek(this.clock());
    await this.#open.look();
  }

  // Changing ----------------------------------------------------------------------------------------------------------

  /**
   * Removes a waiting job.
   *
   * With `running: true`, it also removes a running job, immediately and for good: the job keeps no result, and is
   * neither retried nor dead. The drain that runs it aborts `job.signal` with a `JobCancelledError` once it learns of
   * this: when the job sends `progress` or `extend`, when the drain settles another job, or when it checks on the job
   * (every 15 s in the first minute, if the queue observes and the budget allows). The store refuses what `perform`
   * returns or throws, and the report counts it as lost. Code that ignores `job.signal` runs on until its timeout.
   *
   * @throws {TidegateError} `not_found`; `conflict` if it has finished, or if it is running and `running` is not true.
   */
  async cancel(id: string, options: CancelOptions & ChangedBy = {}): Promise<void> {
    await changing(this.#open, "cancelJob", id, options, (given) => cancelJob(this.#open, id, given));
  }

  /**
   * Moves a waiting job to another time.
   * @param when a duration from now such as "5m", a `Date`, ISO 8601, or ms since 1970.
   * @throws {TidegateError} `not_found`; `conflict` if it is running or has finished.
   */
  async reschedule(id: string, when: PointInTime | Duration, options: ChangedBy = {}): Promise<JobInfo> {
    return this.update(id, { ...onlyBy(options, "reschedule"), runAt: momentMs(when, this.clock(), "when") });
  }

  /**
   * Changes the time of a waiting job, its payload, or both. A job with a reserved name may keep its payload.
   * @throws {InvalidPayloadError} if the payload does not fit the schema.
   * @throws {TidegateError} `not_found`; `conflict` if it is running, has finished, or changes at the same time.
   */
  async update(id: string, change: JobChange & ChangedBy): Promise<JobInfo> {
    return changing(this.#open, "updateJob", id, change, (given) => updateJob(this.#open, id, given));
  }

  /**
   * Removes the waiting jobs of a selection. Running jobs, and the jobs that they enqueue, stay.
   *
   * One call examines up to 1,000 jobs, or fewer if they are large. Pass its `cursor` to the next call to continue. A
   * dry run only counts, in the same steps.
   *
   * @throws {TidegateError} `invalid_request`
   */
  async cancelPending(selection: PendingSelection, options: PendingOptions & ChangedBy = {}): Promise<CancelledJobs> {
    const cancel = (given: PendingOptions) => cancelPending(this.#open, selection, given);
    return changing(this.#open, "cancelJobs", targetOf(selection), options, cancel);
  }

  /**
   * Moves the waiting jobs of a selection to another time, in the same steps as `cancelPending`. `"0s"` makes them due
   * now.
   *
   * @param when a duration from now such as "5m", a `Date`, ISO 8601, or ms since 1970. With a cursor, pass the `runAt`
   *   of the previous call.
   * @throws {TidegateError} `invalid_request`
   */
  async reschedulePending(
    selection: PendingSelection,
    when: PointInTime | Duration,
    options: PendingOptions & ChangedBy = {},
  ): Promise<RescheduledJobs> {
    const reschedule = (given: PendingOptions) => reschedulePending(this.#open, selection, when, given);
    return changing(this.#open, "rescheduleJobs", targetOf(selection), options, reschedule);
  }

  /**
   * Retries dead jobs with all their retries, due now or spread over a time, and returns how many. It checks the whole
   * selection first: if it throws one of the errors below, no job has changed. A dry run makes the same checks.
   *
   * A dead job stays dead, and is not counted, while another job with its id has not ended, as when an enqueue was
   * delivered twice.
   *
   * @throws {TidegateError} `not_found` if you pass a single id and that job is not dead; `invalid_request` for a new
   *   payload of a job with a reserved name that keeps it.
   * @throws {InvalidPayloadError} if the new payload does not fit the schema of a job in the selection.
   */
  async retryFromDeadLetter(
    selection: string | DeadSelection,
    options: RetryOptions & ChangedBy = {},
  ): Promise<{ retried: number }> {
    const retry = async (given: RetryOptions) => ({ retried: await retryDead(this.#open, selection, given) });
    return changing(this.#open, "retryDeadJobs", targetOf(selection), options, retry);
  }

  /**
   * Removes dead jobs for good, and returns how many.
   *
   * @throws {TidegateError} `not_found` if you pass a single id and that job is not dead.
   */
  async removeFromDeadLetter(
    selection: string | DeadSelection,
    options: DeadLetterOptions & ChangedBy = {},
  ): Promise<{ removed: number }> {
    const remove = async (given: DeadLetterOptions) => ({ removed: await removeDead(this.#open, selection, given) });
    return changing(this.#open, "removeDeadJobs", targetOf(selection), options, remove);
  }

  /**
   * Encrypts a page of what is stored with the current key of `encryption`: jobs in any state, schedules and
   * documents. Call it until `cursor` is null. It is safe beside drains: what changes meanwhile stays as it is, and
   * whatever writes it uses the current key. Signals that are kept stay as they are until they expire.
   *
   * @throws {TidegateError} `invalid_request` if the queue has no `encryption`.
   */
  async rekey(options: RekeyOptions = {}): Promise<RekeyResult> {
    return this.#open.rekey(options);
  }

  /**
   * Removes the jobs of a state: "pending" is scheduled and ready together. Running jobs and schedules stay.
   *
   * @param options `state`: the state to clear. Default "pending".
   * @returns how many jobs it has removed.
   */
  async clear(options: ClearOptions & ChangedBy = {}): Promise<{ cleared: number }> {
    const clear = async (given: ClearOptions) => ({ cleared: await clearJobs(this.#open, given) });
    return changing(this.#open, "clearJobs", options?.state ?? "pending", options, clear);
  }

  /**
   * Lists who paused, resumed, retried, removed, cancelled, cleared, moved or signalled, and who set limits and
   * schedules, newest first: the latest 1,000 changes that were made over HTTP, or in code with `by`.
   */
  async listChanges(options: ChangeListOptions = {}): Promise<ChangePage> {
    return listChanges(this.#open, options);
  }
}
