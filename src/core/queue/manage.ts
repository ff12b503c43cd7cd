import { type HeldBack, heldBack } from "../flow/held-back.ts";
import type { AnyJob } from "../job/define.ts";
import { LONGEST_ID } from "../job/options.ts";
import {
  type DeadLetterOptions,
  type DeadSelection,
  deadSelection,
  notDead,
  type RetryOptions,
  removeDead,
  retryDead,
} from "../manage/dead-letter.ts";
import { type DeadJob, type JobInfo, jobInfo, type QueueStats, queueStats } from "../manage/job-info.ts";
import { type JobPage, type ListOptions, listJobs } from "../manage/list.ts";
import { type QueueActivity, queueActivity } from "../manage/stats.ts";
import { changeJob, type JobChange, readChange } from "../manage/update.ts";
import { waitForEnd } from "../manage/wait.ts";
import { type Clock, sleep } from "../shared/clock.ts";
import { type Duration, durationMs, momentMs, type PointInTime } from "../shared/duration.ts";
import { conflict, notFound } from "../shared/errors.ts";
import { MOST_LISTED_BYTES } from "../shared/limits.ts";
import { checkKnown, checkText, oneOf } from "../shared/validate.ts";
import { type ClearableState, clearableStates, type QueueStore, type StoredJob } from "../store/store.ts";
import type { Expected } from "./next-due.ts";
import type { QueueSettings } from "./options.ts";

/** Looking after a queue: what has been enqueued is shown, moved, removed and brought back. */
export abstract class QueueUpkeep {
  /** Its name, under which its jobs are stored. */
  readonly name: string;
  /** Tells the queue's time. */
  readonly clock: Clock;
  readonly #jobs: ReadonlyMap<string, AnyJob>;
  readonly #store: QueueStore;
  readonly #reader: QueueStore;
  readonly #expected: Expected;

  /**
   * @internal
   * @param reader the same store, where it is only read: what that costs is counted apart.
   */
  constructor(
    { name, clock, jobs }: Pick<QueueSettings, "name" | "clock" | "jobs">,
    store: QueueStore,
    reader: QueueStore,
    expected: Expected,
  ) {
    this.name = name;
    this.clock = clock;
    this.#jobs = jobs;
    this.#store = store;
    this.#reader = reader;
    this.#expected = expected;
  }

  /** Shows a job in whatever state it is; null where no job has the id, or it completed longer ago than `retention`. */
  async getJob(id: string): Promise<JobInfo | null> {
    checkText(id, "id", LONGEST_ID);
    const now = this.clock();
    const stored = await this.#reader.find(id, now);
    const info = stored && this.#info(stored, now);
    const held = info && (await this.#heldBack(stored, now));
    return held ? { ...info, heldBack: held } : (info ?? null);
  }

  /**
   * Waits until a job has completed or died, with few looks; a look costs two or three commands.
   *
   * @param options `timeout`: how long at most. Default "30s". Then the job is given as it stands: see its `state`.
   * @returns null where no job has the id.
   */
  async wait(id: string, options: { readonly timeout?: Duration } = {}): Promise<JobInfo | null> {
    checkKnown(options, ["timeout"], "wait");
    const { timeout = "30s" } = options;
    const timeoutMs = durationMs(timeout, "timeout");
    return waitForEnd(
      () => this.getJob(id),
      timeoutMs,
      this.clock,
      (ms) => sleep(this.clock, ms),
    );
  }

  /** Lists jobs: waiting and running ones in the order of their times, dead ones newest first, completed ones in no order. */
  async listJobs(options: ListOptions = {}): Promise<JobPage> {
    const now = this.clock();
    return listJobs(this.#reader, options, now, (stored) => this.#info(stored, now));
  }

  /**
   * Removes a waiting job.
   * @throws {TidegateError} `not_found`; `conflict` where it is running or has finished.
   */
  async cancel(id: string): Promise<void> {
    checkText(id, "id", LONGEST_ID);
    const now = this.clock();
    const status = await this.#store.cancel(id, now);
    if (status === "running") throw conflict(`Job "${id}" is running and cannot be cancelled.`);
    if (status === "missing") await this.#mustWait(id, now);
  }

  /**
   * Moves a waiting job to another time.
   * @param when a duration from now such as "5m", a `Date`, ISO 8601, or ms since 1970.
   * @throws {TidegateError} `not_found`; `conflict` where it is running or has finished.
   */
  async reschedule(id: string, when: PointInTime | Duration): Promise<JobInfo> {
    return this.update(id, { runAt: momentMs(when, this.clock(), "when") });
  }

  /**
   * Changes the time of a waiting job, its payload, or both.
   * @throws {InvalidPayloadError} where the payload does not fit the schema.
   * @throws {TidegateError} `not_found`; `conflict` where it is running, has finished, or changes at the same time.
   */
  async update(id: string, change: JobChange): Promise<JobInfo> {
    checkText(id, "id", LONGEST_ID);
    const now = this.clock();
    const asked = readChange(change);
    const changed = await changeJob(this.#store, this.#jobs, await this.#mustWait(id, now), asked, now);
    this.#expected.add(changed.at);
    return this.#info(changed, now) as JobInfo;
  }

  /** Makes sure that the store answers, at the cost of one command. @throws {TidegateError} `store_unavailable` */
  async ping(): Promise<void> {
    await this.#store.peek();
  }

  /** Counts what waits, runs, has completed and has died, and what ever did. */
  async getStats(): Promise<QueueStats> {
    const now = this.clock();
    return queueStats(await this.#reader.stats(now), now);
  }

  /** The stats, what was done in each of the last 60 minutes, and how long jobs waited and ran. Costs what `getStats` costs. */
  async getActivity(): Promise<QueueActivity> {
    const now = this.clock();
    return queueActivity(await this.#reader.stats(now), now);
  }

  /** Lists dead jobs, newest first. */
  async listDeadLetter(options: Omit<ListOptions, "state"> = {}): Promise<JobPage<DeadJob>> {
    const page = await this.listJobs({ ...options, state: "dead" });
    return page as JobPage<DeadJob>;
  }

  /**
   * Makes dead jobs live again, due now and with all their retries; tells how many. All of the selection is checked first: when this
   * throws one of these errors, no job has changed. A dry run checks as well.
   *
   * A dead job stays dead while another job with its id has not ended, as when an enqueue was delivered twice: it counts as not retried.
   *
   * @throws {TidegateError} `not_found` where a single id is given that is not dead.
   * @throws {InvalidPayloadError} where the new payload does not fit the schema of a job in the selection.
   */
  async retryFromDeadLetter(
    selection: string | DeadSelection,
    options: RetryOptions = {},
  ): Promise<{ retried: number }> {
    const now = this.clock();
    const retried = await retryDead(this.#store, this.#jobs, deadSelection(selection), options, now);
    if (typeof selection === "string" && retried === 0) await this.#mustBeDead(selection);
    if (retried > 0 && !options.dryRun) this.#expected.add(now);
    return { retried };
  }

  /** Removes dead jobs for good; tells how many. @throws {TidegateError} `not_found` where a single id is given that is not dead. */
  async removeFromDeadLetter(
    selection: string | DeadSelection,
    options: DeadLetterOptions = {},
  ): Promise<{ removed: number }> {
    const removed = await removeDead(this.#store, deadSelection(selection), options, this.clock());
    if (typeof selection === "string" && removed === 0) throw notDead(selection);
    return { removed };
  }

  /**
   * Keeps every drain from starting jobs and firing schedules, until `resume`. Jobs can still be enqueued. A drain at work
   * learns of it with its next exchange.
   */
  async pause(): Promise<void> {
    await this.#store.setPaused(true);
  }

  /** Ends a pause: drains start jobs and fire schedules again. Without one it changes nothing. */
  async resume(): Promise<void> {
    await this.#store.setPaused(false);
    this.#expected.add(this.clock());
    this.#expected.at = undefined;
  }

  /**
   * Removes the jobs of a state: "pending" is scheduled and ready together. Running jobs and schedules stay.
   *
   * @param options `state`: which. Default "pending".
   * @returns how many there were.
   */
  async clear(options: { readonly state?: ClearableState } = {}): Promise<{ cleared: number }> {
    checkKnown(options, ["state"], "clear");
    const { state = "pending" } = options;
    oneOf(state, clearableStates, "state");
    const now = this.clock();
    let cleared = 0;
    let from: string | undefined;
    do {
      const piece = await this.#store.clear(state, now, from);
      cleared += piece.cleared;
      from = piece.next;
    } while (from !== undefined);
    return { cleared };
  }

  async #mustBeDead(id: string): Promise<void> {
    const { jobs } = await this.#store.findDead([id], MOST_LISTED_BYTES);
    if (jobs.length === 0) throw notDead(id);
  }

  #info(stored: StoredJob, now: number): JobInfo | undefined {
    return jobInfo(stored, this.name, this.#jobs, now);
  }

  async #heldBack(stored: StoredJob, now: number): Promise<HeldBack | undefined> {
    if (stored.state !== "ready" || !stored.flow) return undefined;
    const key = await this.#reader.findFlow(stored.flow.key, now);
    return key && heldBack(stored, key, now);
  }

  async #mustWait(id: string, now: number): Promise<StoredJob> {
    const stored = await this.#store.find(id, now);
    if (!stored || !this.#info(stored, now)) throw notFound(`No job has the id "${id}".`);
    if (stored.state !== "scheduled" && stored.state !== "ready")
      throw conflict(`Job "${id}" does not wait: it is ${stored.state}.`);
    return stored;
  }
}
