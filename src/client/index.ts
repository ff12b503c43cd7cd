/**
 * A client for a queue behind a handler. It needs only `fetch`: for browsers, servers and other Workers.
 *
 * @module tidegate/client
 */

import type { OperationAddress } from "../contract/operations.ts";
import type { DrainOptions } from "../core/drain/options.ts";
import type { DrainedAttempts, DrainReport } from "../core/drain/report.ts";
import type { BulkJob, BulkOptions, TypedBulk } from "../core/enqueue/bulk.ts";
import type { FamilyOptions } from "../core/enqueue/family.ts";
import type { EnqueueFields, EnqueueOptions, RecurringJobOptions, RecurringOptions } from "../core/enqueue/new-job.ts";
import type { FlowControlKey } from "../core/flow/flow-key.ts";
import type { FlowKeys } from "../core/flow/flow-keys.ts";
import type { AnyJob, ChildJob, JobOrName, PayloadArguments } from "../core/job/define.ts";
import type { EnqueueResult, OneTime } from "../core/job/enqueue.ts";
import type { FlowControlLimits } from "../core/job/flow-control.ts";
import type { Schedule } from "../core/job/options.ts";
import type { DeadLetterOptions, RetryOptions } from "../core/manage/dead-letter.ts";
import type { JobInfo, JobInfoOf } from "../core/manage/job-info.ts";
import type { CancelOptions, JobChange } from "../core/manage/jobs.ts";
import type { PausedJobType } from "../core/manage/paused-jobs.ts";
import type { DeadSelection } from "../core/manage/selection.ts";
import type { SignalOptions, SignalResult } from "../core/manage/signal.ts";
import { type WaitOptions, waitForEnd } from "../core/manage/wait.ts";
import type { PauseOptions } from "../core/observe/changes.ts";
import type { Queue } from "../core/queue/queue.ts";
import type { ScheduleInfo, Schedules, TypedScheduleOptions } from "../core/schedule/schedules.ts";
import { type Duration, type PointInTime, readDuration } from "../core/shared/duration.ts";
import { invalidRequest, TidegateError } from "../core/shared/errors.ts";
import type { ClearableState } from "../core/store/store.ts";
import type { Problem } from "../http/contract/requests.ts";
import { asJson, connect, part, plain, type QueueClientOptions, query, read, type Send } from "./transport.ts";

export type { JobEvent, JobEventOf } from "../core/manage/job-event.ts";
export { type WatchJobOptions, watchJob } from "./watch.ts";
export type { QueueClientOptions };

const MOST_AT_ONCE = 1_000;
/** The most characters of jobs in one request: 4.5 MB in any script, which every platform accepts. */
const MOST_CHARACTERS = 1_500_000;

/** The jobs of one turn as JSON, and the reply to all of them. */
type Turn = string[] & { reply?: Promise<TurnReply> };

/** What a response says about one job; the problem, if the handler refused all of them. */
type JobPart = { readonly error?: Problem };
type TurnReply = readonly [status: number, body: (JobPart & { readonly jobs?: readonly JobPart[] }) | null | undefined];

/**
 * A queue behind a handler, with the methods and errors of `Queue`.
 *
 * Every call is sent once. After an error with the code `store_unavailable`, the call may have taken effect. You can
 * safely repeat an enqueue with an `id`.
 *
 * ```ts
 * const queue = new QueueClient({ url: "https://example.com/queue", token });
 * await queue.enqueue("send_email", { to, subject }, { id: `welcome-${to}` });
 * ```
 */
export class QueueClient<Jobs extends AnyJob = AnyJob>
  implements
    Omit<
      Queue,
      | "name"
      | "clock"
      | "jobNames"
      | "watchToken"
      | "ping"
      | "enqueue"
      | "schedules"
      | "flowControl"
      | "cancelPending"
      | "reschedulePending"
    >
{
  readonly #send: Send;
  /** The calls of one turn that share a request, and how many more characters fit: 0 after the turn. */
  #turn: Turn = [];
  #room = 0;

  /** Recurring jobs. The token says who makes a change, so there is no `by`. */
  readonly schedules: Pick<Schedules, "get" | "list" | "preview"> & {
    /** Like `Schedules.upsert`. */
    upsert<Job extends Jobs | Jobs["name"]>(
      key: string,
      schedule: TypedScheduleOptions<Job, Jobs>,
    ): Promise<ScheduleInfo>;
    /** Like `Schedules.remove`. */
    remove(key: string): Promise<void>;
    /** Like `Schedules.pause`. */
    pause(key: string): Promise<ScheduleInfo>;
    /** Like `Schedules.resume`. */
    resume(key: string): Promise<ScheduleInfo>;
    /** Like `Schedules.run`. */
    run(key: string): Promise<EnqueueResult>;
  } = {
    upsert: async (key, schedule) =>
      this.#call("PUT /schedules/:key", "key", { target: key, body: () => named(schedule) }),
    get: async (key) => this.#call("GET /schedules/:key", "key", { target: key, orNull: true }),
    list: async () => (await this.#call<{ schedules: ScheduleInfo[] }>("GET /schedules", "schedules")).schedules,
    remove: this.#changing("DELETE /schedules/:key", ""),
    preview: async (key, count) => {
      const given = { target: key, query: { count } };
      return (await this.#call<{ occurrences: Date[] }>("GET /schedules/:key/preview", "occurrences", given))
        .occurrences;
    },
    pause: this.#changing("POST /schedules/:key/pause", "key"),
    resume: this.#changing("POST /schedules/:key/resume", "key"),
    run: this.#changing("POST /schedules/:key/run", "id"),
  };

  /** Flow control keys. Here too, the token says who makes a change. */
  readonly flowControl: Pick<FlowKeys, "get" | "list"> & {
    /** Like `FlowKeys.set`. */
    set(key: string, limits: FlowControlLimits): Promise<FlowControlKey>;
    /** Like `FlowKeys.unset`. */
    unset(key: string): Promise<void>;
    /** Like `FlowKeys.pause`. */
    pause(key: string, options?: PauseOptions): Promise<void>;
    /** Like `FlowKeys.resume`. */
    resume(key: string): Promise<{ resumed: boolean }>;
  } = {
    get: async (key) => this.#call("GET /flow-control/:key", "key", { target: key, orNull: true }),
    list: async (options) => this.#call("GET /flow-control", "keys", { query: options }),
    // The handler takes no body for no limit, and refuses an array.
    set: async (key: string, limits: FlowControlLimits, query?: object) =>
      this.#call("PUT /flow-control/:key", "key", { target: key, query, body: () => limits ?? [] }),
    unset: this.#changing("DELETE /flow-control/:key", ""),
    pause: async (target: string, options?: PauseOptions) =>
      void (await this.#call<{ paused: boolean }>("POST /flow-control/:key/pause", "paused", {
        target,
        body: () => options,
      })),
    resume: this.#changing("POST /flow-control/:key/resume", "resumed"),
  };

  /** @throws {TidegateError} `invalid_request` if the url is missing. Nothing is sent until you call a method. */
  constructor(options: QueueClientOptions) {
    this.#send = connect(options);
  }

  /**
   * Like `Queue.enqueue`. The handler checks the job's schema.
   *
   * Up to 1,000 calls in one turn of the event loop share a request, and each gets its own result.
   *
   * With `children`, a child may have children of its own, but no further ones.
   *
   * Only the name of a definition is sent: the handler's definition sets the options that you leave out.
   *
   * @throws {TidegateError} `forbidden` for options that the token may not choose: with the scope `enqueue` these are
   *   `maxRetries`, `backoff`, `timeout`, the limits of `flowControl`, and times beyond the handler's `enqueueLimits`.
   *   See `HandlerOptions.enqueueOptions`.
   */
  enqueue<Job extends Jobs | Jobs["name"], const Children extends readonly ChildJob[] = readonly ChildJob[]>(
    job: JobOrName<Job>,
    ...payloadAndOptions: PayloadArguments<
      Job,
      EnqueueOptions | RecurringOptions | OneTime<FamilyOptions<Children, Jobs>>,
      Jobs
    >
  ): Promise<EnqueueResult>;
  async enqueue(
    job: AnyJob | string,
    payload?: unknown,
    options?: Partial<EnqueueFields & Schedule & RecurringJobOptions & Family>,
  ): Promise<EnqueueResult> {
    // Encoded at once, so that later changes by the caller are not sent.
    const json = asJson(() => named({ ...options, job, payload }));
    this.#room -= json.length;
    if (this.#room < 0 || this.#turn.length === MOST_AT_ONCE) {
      this.#turn = [];
      this.#room = MOST_CHARACTERS - json.length;
    }
    const turn: Turn = options?.cron || options?.every || options?.children ? [] : this.#turn;
    const at = turn.push(json) - 1;
    await 0;
    this.#room = 0;
    if (turn[1]) {
      turn.reply ??= this.#send("POST", "/jobs?each=true", `[${turn}]`) as Promise<TurnReply>;
      const [status, body] = await turn.reply;
      const own = body?.jobs?.[at] ?? body;
      // Too large for this handler: each is sent alone.
      if (status !== 413) return read("id", [status, own?.error ?? own]);
    }
    return read("id", this.#send("POST", "/jobs", json));
  }

  /**
   * Like `Queue.enqueueMany`, but sends 1,000 jobs at a time, and the handler checks each batch when it arrives. An
   * error says how many jobs were stored before.
   */
  async enqueueMany<const Given extends readonly (Jobs | Jobs["name"])[]>(
    jobs: TypedBulk<Given, Jobs> | readonly [],
    options: BulkOptions = {},
  ): Promise<readonly EnqueueResult[]> {
    const results: EnqueueResult[] = [];
    const { onProgress } = options;
    if (onProgress !== undefined && typeof onProgress !== "function")
      throw invalidRequest("onProgress must be a function.");
    // A copy, so that later changes by the caller are not sent.
    const unsent: object[] = JSON.parse(asJson(() => (jobs as readonly BulkJob[]).map(named)));
    while (unsent.length > 0) {
      const sent = this.#call<{ jobs: EnqueueResult[] }>("POST /jobs", "jobs", {
        body: () => unsent.splice(0, MOST_AT_ONCE),
      });
      const stored = await sent.catch((error: Error) => {
        if (results.length > 0) error.message = `After ${results.length} stored jobs: ${error.message}`;
        throw error;
      });
      results.push(...stored.jobs);
      onProgress?.(results.length);
    }
    return results;
  }

  /** Like `Queue.getJob`. */
  getJob(id: string): Promise<JobInfo | null>;
  getJob<Job extends AnyJob>(job: Job, id: string): Promise<JobInfoOf<Job> | null>;
  async getJob(job: AnyJob | string, id = job as string): Promise<JobInfo | null> {
    const found: JobInfo | null = await this.#call("GET /jobs/:id", "id", { target: id, orNull: true });
    return typeof job === "string" || job.name === found?.name ? found : null;
  }

  /** Like `Queue.wait`. Sends about ten requests in 30 s. @param options `timeout`: the longest wait. Default "30s". */
  wait(id: string, options?: WaitOptions): Promise<JobInfo | null>;
  wait<Job extends AnyJob>(job: Job, id: string, options?: WaitOptions): Promise<JobInfoOf<Job> | null>;
  async wait(job: AnyJob | string, ...rest: unknown[]): Promise<JobInfo | null> {
    const [id, { timeout = 30_000 } = {}] = (typeof job === "string" ? [job, ...rest] : rest) as [string, WaitOptions?];
    const timeoutMs = Number(readDuration(timeout));
    if (!(timeoutMs >= 0)) throw invalidRequest("timeout is not a duration.");
    const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
    return waitForEnd(() => this.getJob(job as AnyJob, id), timeoutMs, Date.now, pause);
  }

  /** Like `Queue.listJobs`. */
  readonly listJobs: Queue["listJobs"] = async (query) => this.#call("GET /jobs", "jobs", { query });

  /** Like `Queue.listChildren`. */
  readonly listChildren: Queue["listChildren"] = async (id, query) =>
    this.#call("GET /jobs/:id/children", "jobs", { target: id, query });

  /** Like `Queue.signal`. The token needs the scope `signal`. */
  async signal(event: string, data?: unknown, options?: SignalOptions): Promise<SignalResult> {
    return this.#call("POST /signals/:event", "woken", { target: event, body: () => ({ ...options, data }) });
  }

  /** Like `Queue.cancel`. */
  async cancel(id: string, options?: CancelOptions): Promise<void> {
    return this.#call("DELETE /jobs/:id", "", { target: id, query: options });
  }

  /** Like `Queue.reschedule`. */
  reschedule(id: string, when: PointInTime | Duration): Promise<JobInfo> {
    // A duration ends with its unit, and no point in time ends with one of these letters.
    return this.update(id, /[smhd]$/.test(`${when}`) ? { delay: when as Duration } : { runAt: when });
  }

  /** Like `Queue.update`. */
  async update(id: string, change: JobChange): Promise<JobInfo> {
    return this.#call("PATCH /jobs/:id", "id", { target: id, body: () => change });
  }

  /** Like `Queue.getStats`. */
  readonly getStats: Queue["getStats"] = () => this.#call("GET /stats", "paused");

  /** Like `Queue.getActivity`. */
  readonly getActivity: Queue["getActivity"] = () => this.#call("GET /activity", "stats");

  /** Like `Queue.getFigures`. */
  readonly getFigures: Queue["getFigures"] = async (query) => this.#call("GET /figures", "names", { query });

  /** Like `Queue.getHistory`. */
  readonly getHistory: Queue["getHistory"] = async (query) => this.#call("GET /history", "hours", { query });

  /** Like `Queue.getFailures`. */
  readonly getFailures: Queue["getFailures"] = async (query) => this.#call("GET /failures", "failures", { query });

  /** Like `Queue.getFailure`. */
  readonly getFailure: Queue["getFailure"] = async (group) =>
    this.#call("GET /failures/:group", "group", { target: group, orNull: true });

  /** Like `Queue.listDeadLetter`. */
  readonly listDeadLetter: Queue["listDeadLetter"] = async (query) => this.#call("GET /dead-letter", "jobs", { query });

  /** Like `Queue.retryFromDeadLetter`. */
  retryFromDeadLetter(
    selection: string | DeadSelection,
    options?: Omit<RetryOptions, "onProgress">,
  ): Promise<{ retried: number }> {
    return this.#dead("POST /dead-letter/retry", "retried", selection, options);
  }

  /** Like `Queue.removeFromDeadLetter`. */
  removeFromDeadLetter(
    selection: string | DeadSelection,
    options?: Omit<DeadLetterOptions, "onProgress">,
  ): Promise<{ removed: number }> {
    return this.#dead("POST /dead-letter/remove", "removed", selection, options);
  }

  /** Like `Queue.listChanges`. */
  readonly listChanges: Queue["listChanges"] = async (query) => this.#call("GET /changes", "changes", { query });

  /** Like `Queue.pause`. */
  async pause(options: PauseOptions = {}): Promise<void> {
    await this.#call("POST /pause", "paused", { body: () => options });
  }

  /** Like `Queue.resume`. */
  async resume(): Promise<{ resumed: boolean }> {
    const { resumed } = await this.#call<{ resumed: boolean }>("POST /resume", "resumed");
    return { resumed };
  }

  /** Like `Queue.rekey`. */
  readonly rekey: Queue["rekey"] = async (options) =>
    this.#call("POST /rekey", "rekeyed", { body: () => options ?? {} });

  /** Like `Queue.pauseJobs`. */
  async pauseJobs(name: string, options: PauseOptions = {}): Promise<PausedJobType> {
    return this.#call("POST /job-types/:name/pause", "name", { target: name, body: () => options });
  }

  /** Like `Queue.resumeJobs`. */
  async resumeJobs(name: string): Promise<{ resumed: boolean }> {
    return this.#call("POST /job-types/:name/resume", "resumed", { target: name });
  }

  /** Like `Queue.clear`. @param options `state`: the state to clear. Default "pending". */
  async clear(options: { readonly state?: ClearableState | undefined } = {}): Promise<{ cleared: number }> {
    const { state = "pending" } = options;
    return this.#call("DELETE /jobs", "cleared", { query: { ...plain(options), state } });
  }

  /**
   * Like `Queue.drain`, in an invocation of the handler. The handler sets the limits that you leave out.
   *
   * @param options `attempts`: whether the report also lists how the last attempts of this drain ended, at most 1,000.
   *   This needs a token that also has the scope `read` or `admin`. Default false.
   */
  drain(
    options: Omit<DrainOptions, "signal" | "checkEvery" | "onProgress"> & {
      readonly attempts?: boolean | undefined;
    } = {},
  ): Promise<DrainReport & Partial<DrainedAttempts>> {
    return this.#call("POST /drain", "claimed", { body: () => options });
  }

  /** The handler refuses a second argument: the token says who makes the change. */
  #changing<Body>(address: OperationAddress, field: "" | (keyof NonNullable<Body> & string)) {
    return (key: string, query?: object): Promise<Body> => this.#call(address, field, { target: key, query });
  }

  async #call<Body>(
    address: OperationAddress,
    field: "" | (keyof NonNullable<Body> & string),
    given: Given = {},
  ): Promise<Body> {
    const { target = "", body = () => undefined, orNull } = given;
    const [method = "", path = ""] = address.split(" ");
    const search = "query" in given ? query(given.query) : "";
    const at = path.replace(/\/:\w+/, () => part(target)) + search;
    return read(field, this.#send(method, at, asJson(body)), orNull);
  }

  async #dead<Counts extends Readonly<Record<string, number>>>(
    address: OperationAddress,
    count: string,
    selection: string | DeadSelection,
    options?: object,
  ): Promise<Counts> {
    const isOne = typeof selection === "string";
    const body = { ...options, ...(isOne ? { ids: [selection] } : selection) };
    const counts = await this.#call<Counts>(address, count, { body: () => body });
    if (isOne && !counts[count]) throw new TidegateError("not_found", `No dead job has the id "${selection}".`);
    return { [count]: counts[count] } as Counts;
  }
}

interface Given {
  readonly target?: string;
  readonly query?: object | undefined;
  /** Encoded at once. */
  readonly body?: () => unknown;
  /** Whether something that does not exist is null. */
  readonly orNull?: boolean;
}

type NewJob = EnqueueFields & { readonly job: AnyJob | string; readonly payload?: unknown };
type Family = Pick<FamilyOptions<readonly []>, "waitFor"> & { readonly children: readonly ChildJob[] };

/** The job, by its name. The handler refuses unknown options, so only what would be lost is refused here. */
function named({ job, children, ...rest }: NewJob & { readonly children?: readonly ChildJob[] | undefined }): object {
  if (("name" in rest && rest.name !== undefined) || typeof rest.backoff === "function")
    throw invalidRequest("A name or a function cannot be sent.");
  return {
    ...rest,
    name: typeof job === "string" ? job : job?.name,
    ...(children && { children: children.map(named) }),
  };
}
