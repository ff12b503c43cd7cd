/**
 * A client for a queue that is served elsewhere. It uses `fetch` alone, for browsers, servers and other Workers.
 *
 * @module tidegate/client
 */

import type { DrainOptions } from "../core/drain/options.ts";
import type { DrainReport } from "../core/drain/report.ts";
import type { EnqueueOptions, EnqueueResult, RecurringOptions } from "../core/enqueue/new-job.ts";
import type { AnyJob, PayloadArguments } from "../core/job/define.ts";
import type { DeadSelection } from "../core/manage/dead-letter.ts";
import type { DeadJob, JobInfo } from "../core/manage/job-info.ts";
import type { JobPage, ListOptions } from "../core/manage/list.ts";
import type { QueueActivity, QueueStats } from "../core/manage/stats.ts";
import type { JobChange } from "../core/manage/update.ts";
import { waitForEnd } from "../core/manage/wait.ts";
import type { Queue } from "../core/queue/queue.ts";
import type { BulkOptions, TypedBulk } from "../core/queue/send.ts";
import type { ScheduleInfo, Schedules } from "../core/schedule/schedules.ts";
import { type Duration, type PointInTime, readDuration } from "../core/shared/duration.ts";
import { TidegateError } from "../core/shared/errors.ts";
import type { ClearableState } from "../core/store/store.ts";
import { asJson, type Body, part, type QueueClientOptions, query, refusal, Transport } from "./transport.ts";

export type { QueueClientOptions };

/**
 * A queue behind a handler, with the methods and errors of `Queue`.
 *
 * Every call is sent once. After an error with the code `store_unavailable` the call may have taken effect. An enqueue with an
 * `id` is safe to repeat.
 *
 * ```ts
 * const queue = new QueueClient({ url: "https://example.com/queue", token });
 * await queue.enqueue("send_email", { to, subject }, { id: `welcome-${to}` });
 * ```
 */
export class QueueClient
  implements
    Pick<
      Queue,
      | "enqueue"
      | "enqueueMany"
      | "getJob"
      | "wait"
      | "listJobs"
      | "cancel"
      | "reschedule"
      | "update"
      | "getStats"
      | "getActivity"
      | "listDeadLetter"
      | "retryFromDeadLetter"
      | "removeFromDeadLetter"
      | "pause"
      | "resume"
      | "clear"
      | "drain"
    >
{
  readonly #handler: Transport;

  /** Recurring jobs. */
  readonly schedules: Omit<Schedules, never> = {
    upsert: async (key, schedule) => this.#handler.call("PUT", `/schedules${part(key)}`, "key", named(schedule)),
    get: async (key) => this.#handler.find(`/schedules${part(key)}`, "key"),
    list: async () =>
      (await this.#handler.call<{ schedules: ScheduleInfo[] }>("GET", "/schedules", "schedules")).schedules,
    remove: async (key) => this.#handler.call("DELETE", `/schedules${part(key)}`, ""),
    preview: async (key, count) =>
      (await this.#handler.call<{ slots: Date[] }>("GET", `/schedules${part(key)}/preview${query({ count })}`, "slots"))
        .slots,
    pause: async (key) => this.#schedule(key, "pause"),
    resume: async (key) => this.#schedule(key, "resume"),
    run: async (key) => this.#schedule(key, "run", "id"),
  };

  /** @throws {TidegateError} `invalid_request` if the url is missing. Nothing is sent until you call a method. */
  constructor(options: QueueClientOptions) {
    this.#handler = new Transport(options);
  }

  /** Like `Queue.enqueue`. The handler checks the job's schema. */
  enqueue<Job extends AnyJob | string>(
    job: Job,
    ...payloadAndOptions: PayloadArguments<Job, EnqueueOptions | RecurringOptions>
  ): Promise<EnqueueResult>;
  async enqueue(
    job: AnyJob | string,
    payload?: unknown,
    options?: EnqueueOptions | RecurringOptions,
  ): Promise<EnqueueResult> {
    return this.#handler.call("POST", "/jobs", "id", named({ ...options, job, payload }));
  }

  /**
   * Like `Queue.enqueueMany`, but sends 1,000 jobs at a time, and the handler checks each batch when it arrives. An error then
   * says how many jobs were stored before.
   */
  async enqueueMany<const Jobs extends readonly (AnyJob | string)[]>(
    jobs: TypedBulk<Jobs> | readonly [],
    options: BulkOptions = {},
  ): Promise<readonly EnqueueResult[]> {
    const results: EnqueueResult[] = [];
    // A copy, so that later changes by the caller are not sent.
    const left: Body[] = JSON.parse(asJson(() => jobs.map(named)));
    while (left.length > 0) {
      const answer = await this.#handler
        .call<{ jobs: EnqueueResult[] }>("POST", "/jobs", "jobs", left.splice(0, 1_000))
        .catch((error: Error) => {
          if (results.length > 0) error.message = `After ${results.length} stored jobs: ${error.message}`;
          throw error;
        });
      results.push(...answer.jobs);
      options.onProgress?.(results.length);
    }
    return results;
  }

  /** Like `Queue.getJob`. */
  async getJob(id: string): Promise<JobInfo | null> {
    return this.#handler.find(`/jobs${part(id)}`, "id");
  }

  /**
   * Like `Queue.wait`. Sends about ten requests in 30 s.
   *
   * @param options `timeout`: the longest wait. Default "30s".
   */
  async wait(id: string, { timeout = 30_000 }: { readonly timeout?: Duration } = {}): Promise<JobInfo | null> {
    const timeoutMs = Number(readDuration(timeout));
    if (!(timeoutMs >= 0)) throw refusal("timeout is not a duration.");
    const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
    return waitForEnd(() => this.getJob(id), timeoutMs, Date.now, pause);
  }

  /** Like `Queue.listJobs`. */
  listJobs(options: ListOptions = {}): Promise<JobPage> {
    return this.#handler.call("GET", `/jobs${query(options)}`, "jobs");
  }

  /** Like `Queue.cancel`. */
  async cancel(id: string): Promise<void> {
    await this.#handler.call("DELETE", `/jobs${part(id)}`, "");
  }

  /** Like `Queue.reschedule`. */
  reschedule(id: string, when: PointInTime | Duration): Promise<JobInfo> {
    const isDuration = typeof when === "string" && Number(readDuration(when)) >= 0;
    return this.update(id, isDuration ? { delay: when as Duration } : { runAt: when });
  }

  /** Like `Queue.update`. */
  async update(id: string, change: JobChange): Promise<JobInfo> {
    return this.#handler.call("PATCH", `/jobs${part(id)}`, "id", { ...change });
  }

  /** Like `Queue.getStats`. */
  getStats(): Promise<QueueStats> {
    return this.#handler.call("GET", "/stats", "paused");
  }

  /** Like `Queue.getActivity`. */
  getActivity(): Promise<QueueActivity> {
    return this.#handler.call("GET", "/activity", "stats");
  }

  /** Like `Queue.listDeadLetter`. */
  listDeadLetter(options: Omit<ListOptions, "state"> = {}): Promise<JobPage<DeadJob>> {
    return this.#handler.call("GET", `/dead-letter${query(options)}`, "jobs");
  }

  /** Like `Queue.retryFromDeadLetter`. */
  retryFromDeadLetter(
    selection: string | DeadSelection,
    options?: { readonly payload?: unknown; readonly dryRun?: boolean },
  ): Promise<{ retried: number }> {
    return this.#dead("retry", "retried", selection, options);
  }

  /** Like `Queue.removeFromDeadLetter`. */
  removeFromDeadLetter(
    selection: string | DeadSelection,
    options?: { readonly dryRun?: boolean },
  ): Promise<{ removed: number }> {
    return this.#dead("remove", "removed", selection, options);
  }

  /** Like `Queue.pause`. */
  async pause(): Promise<void> {
    await this.#handler.call("POST", "/pause", "paused");
  }

  /** Like `Queue.resume`. */
  async resume(): Promise<void> {
    await this.#handler.call("POST", "/resume", "paused");
  }

  /**
   * Like `Queue.clear`.
   *
   * @param options `state`: the state to clear. Default "pending".
   */
  clear(options: { readonly state?: ClearableState } = {}): Promise<{ cleared: number }> {
    return this.#handler.call("DELETE", `/jobs${query({ state: "pending", ...options })}`, "cleared");
  }

  /** Like `Queue.drain`, in an invocation of the handler. The handler's own bounds replace missing ones. */
  drain(options: Omit<DrainOptions, "signal"> = {}): Promise<DrainReport> {
    return this.#handler.call("POST", "/drain", "claimed", { ...options });
  }

  #schedule<Answer>(key: string, action: string, field = "key"): Promise<Answer> {
    return this.#handler.call("POST", `/schedules${part(key)}/${action}`, field);
  }

  async #dead<Counts extends Readonly<Record<string, number>>>(
    what: "retry" | "remove",
    count: string,
    selection: string | DeadSelection,
    options: object = {},
  ): Promise<Counts> {
    const isOne = typeof selection === "string";
    const body = { ...options, ...(isOne ? { ids: [selection] } : selection) };
    const counts = await this.#handler.call<Counts>("POST", `/dead-letter/${what}`, count, body);
    if (isOne && counts[count] === 0) throw new TidegateError("not_found", `No dead job has the id "${selection}".`);
    return counts;
  }
}

type Given = EnqueueOptions & { readonly job: AnyJob | string; readonly payload?: unknown };

/**
 * A job travels by its name. The handler refuses unknown options. The client refuses only those that would overwrite another
 * field or get lost.
 */
function named({ job, ...rest }: Given): Body {
  if ("name" in rest || typeof rest.backoff === "function") throw refusal("A name or a function cannot be sent.");
  return { ...rest, name: typeof job === "string" ? job : job?.name };
}
