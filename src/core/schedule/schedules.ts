import { occurrencesFrom } from "../cron/cron.ts";
import { readInterval } from "../cron/every.ts";
import type { QueueContext } from "../enqueue/context.ts";
import { flowOf } from "../enqueue/flow-key.ts";
import type { EnqueueFields, RecurringOptions } from "../enqueue/new-job.ts";
import { checkFits, jobName, resolveJob, storedOptions } from "../enqueue/new-job.ts";
import { whyUnreadable } from "../job/codec.ts";
import type { AnyJob, InputOf, PayloadField } from "../job/define.ts";
import type { EnqueueResult } from "../job/enqueue.ts";
import { innerOf } from "../job/inner-options.ts";
import { lockOf, whyLocked, withLocks } from "../job/lock.ts";
import type { JobOptions, Missed, Overlap, Schedule } from "../job/options.ts";
import { retryFields, ruleOf, scheduleFields, withRule } from "../job/options.ts";
import { refuseReserved } from "../job/reserved.ts";
import { type ChangedBy, changing, onlyBy } from "../observe/changes.ts";
import { conflict, notFound, quote } from "../shared/errors.ts";
import { asJson } from "../shared/json.ts";
import { LARGEST_RECURRING_PAYLOAD } from "../shared/limits.ts";
import { anything, object, type Schema } from "../shared/schema.ts";
import { checkPathText, checkText, wholeNumber } from "../shared/validate.ts";
import { occurrenceJobId } from "../store/occurrence-id.ts";
import type { ScheduleEntry, StoredSchedule } from "../store/schedules.ts";
import { nextOccurrence, occurrenceJob } from "./fire.ts";
import { scheduleEntry } from "./plan.ts";
import { readSchedule, recurrenceOf, type ScheduleRecord } from "./record.ts";

/** What a schedule creates, and when. */
export type ScheduleOptions = Schedule & ScheduledJobOptions;

/** What a schedule creates: a job, and its options. */
export interface ScheduledJobOptions extends Pick<EnqueueFields, keyof JobOptions> {
  /** The job to make: a definition, or its name. */
  readonly job: AnyJob | string;
  /** The payload of each job, of 1 MiB at most as JSON. It must fit the schema. */
  readonly payload?: unknown;
}

/** `ScheduleOptions` whose payload has the type that their job takes. */
export type TypedScheduleOptions<Job extends AnyJob | string, Known extends AnyJob = AnyJob> = Schedule &
  Omit<ScheduledJobOptions, "job" | "payload"> & { readonly job: Job } & PayloadField<"payload", InputOf<Job, Known>>;

/** A schedule as it was when it was read. */
export interface ScheduleInfo {
  /** Its key. A declared schedule has the name of its job. */
  readonly key: string;
  /** The name of the jobs that it makes. */
  readonly name: string;
  /** The payload of each job; null if it has none. */
  readonly payload: unknown;
  /** When it fires: 5 or 6 fields; null if it fires at an interval. */
  readonly cron: string | null;
  /** The interval at which it fires, such as "90s"; null if it has a cron expression. */
  readonly every: string | null;
  /** The IANA zone in which `cron` is read. "UTC" for an interval. */
  readonly timeZone: string;
  /** What the schedule does about occurrences that no drain found in time. */
  readonly missed: Missed;
  /** Whether an occurrence creates a job before an earlier one's has finished. */
  readonly overlap: Overlap;
  /** True if the code declares it, with its job. */
  readonly declared: boolean;
  /** Whether it is paused. Then it does not fire. */
  readonly paused: boolean;
  /** Its next occurrence; null if there is none, and while it is paused. */
  readonly nextRunAt: Date | null;
  /** The last occurrence that fired; null before the first. */
  readonly lastRunAt: Date | null;
  /** The id of the job that it created last; null before the first. */
  readonly lastJobId: string | null;
}

/** The options of a recurring job, except the job itself: code may pass its definition, a request its name. */
export const recurringFields = { payload: anything, ...scheduleFields, ...retryFields };
const recurringOptions = withRule(
  object({ job: anything as Schema<AnyJob | string>, ...recurringFields }, ["job"], "a recurring job"),
);

/** With the time of an occurrence, a key makes a job id of at most 256 characters. */
export const LONGEST_KEY = 200;

type ScheduleContext = Pick<QueueContext, "store" | "definitions" | "clock" | "noteDue">;

/** The recurring jobs of a queue. */
export class Schedules {
  readonly #needs: ScheduleContext;

  /** @internal */
  constructor(needs: ScheduleContext) {
    this.#needs = needs;
  }

  /**
   * Stores a schedule, or replaces the one with this key. If the expression and the time zone stay the same, or the
   * interval, so does the next occurrence. A paused schedule stays paused. You can change a declared schedule only in
   * the code, and one with a reserved name only by what owns it.
   *
   * @throws {InvalidPayloadError} if the payload does not fit the schema. Nothing was stored.
   * @throws {TidegateError} `conflict` if a job declares the schedule of this key, or if a newer version has stored it;
   *   `invalid_request`, and the message names the option; `payload_too_large`. Nothing was stored.
   */
  upsert<Job extends AnyJob | string>(
    key: string,
    options: TypedScheduleOptions<Job> & ChangedBy,
  ): Promise<ScheduleInfo> {
    return changing(this.#needs, "putSchedule", key, options, (schedule) => this.#upsert(key, schedule));
  }

  async #upsert<Job extends AnyJob | string>(key: string, options: TypedScheduleOptions<Job>): Promise<ScheduleInfo> {
    checkPathText(key, "key", LONGEST_KEY);
    const given: ScheduleOptions = recurringOptions.read(options, "");
    const { isOwn } = innerOf(options);
    if (!isOwn) refuseReserved({ name: jobName(given.job), id: key });
    const { name, definition } = resolveJob(given.job, this.#needs);
    const record = scheduleRecord(key, name, definition, given, given.payload);
    await checkFits(name, definition, asJson(record.payload, "payload"));
    return this.#put(key, (existing) => {
      if (this.#isDeclared(key, existing))
        throw conflict(
          `The code declares the schedule "${key}" with the job of that name. Change it there, or choose another key.`,
        );
      if (existing) readable(key, existing);
      if (!isOwn) refuseReserved({ name: existing && readSchedule(existing)?.name });
      return renewed(key, record, existing, this.#needs.clock());
    });
  }

  /** A queue without jobs does not know what the code declares, so it relies on what is stored. */
  #isDeclared(key: string, existing: StoredSchedule | undefined): boolean {
    const { definitions } = this.#needs;
    if (definitions.size > 0) return definitions.get(key)?.schedule !== undefined;
    return existing !== undefined && readSchedule(existing)?.declared === true;
  }

  /**
   * Reads a schedule; null if none has the key.
   *
   * @throws {TidegateError} `conflict` if a newer version has stored it.
   */
  async get(key: string): Promise<ScheduleInfo | null> {
    checkText(key, "key", LONGEST_KEY);
    const [stored] = await this.#needs.store.listSchedules(key);
    return stored ? scheduleInfo(stored) : null;
  }

  /**
   * Reads all schedules, in the order of their keys.
   *
   * @throws {TidegateError} `conflict` if a newer version has stored one.
   */
  async list(): Promise<readonly ScheduleInfo[]> {
    const stored = await this.#needs.store.listSchedules();
    return stored.map(scheduleInfo).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Removes a schedule. The jobs that it has made stay. @throws {TidegateError} `not_found` */
  remove(key: string, options: ChangedBy = {}): Promise<void> {
    return this.#changing("remove", key, options, async ({ store }) => {
      if ((await store.listSchedules(key)).length === 0) throw unknownSchedule(key);
      await store.changeSchedules({ remove: [key] });
    });
  }

  /**
   * Keeps a schedule from firing until `resume`, even if you deploy code that declares it again.
   *
   * @throws {TidegateError} `not_found`
   */
  pause(key: string, options: ChangedBy = {}): Promise<ScheduleInfo> {
    const pause = (record: ScheduleRecord) => ({ record: { ...record, paused: true }, next: undefined });
    return this.#changing("pause", key, options, () => this.#change(key, pause));
  }

  /** Ends a pause. The schedule continues with its first occurrence from now. @throws {TidegateError} `not_found` */
  resume(key: string, options: ChangedBy = {}): Promise<ScheduleInfo> {
    return this.#changing("resume", key, options, ({ clock }) =>
      this.#change(key, ({ paused, ...record }, next) => ({
        record,
        next: paused ? nextOccurrence(key, record, clock()) : next,
      })),
    );
  }

  /** Makes a job of the schedule now, in addition to its occurrences. @throws {TidegateError} `not_found` */
  run(key: string, options: ChangedBy = {}): Promise<EnqueueResult> {
    return this.#changing("run", key, options, async ({ store, clock, noteDue }) => {
      const [stored] = await store.listSchedules(key);
      const { record } = opened(key, stored);
      const now = clock();
      const [reply] = await store.enqueue([{ ...occurrenceJob(key, record, now, now), isFreshId: false }], now);
      await noteDue(now);
      return { id: occurrenceJobId(key, now), status: reply?.status ?? "enqueued", runAt: new Date(now) };
    });
  }

  /** Computes the next occurrences of a schedule: 5, or `count` up to 1,000. @throws {TidegateError} `not_found` */
  async preview(key: string, count = 5): Promise<readonly Date[]> {
    wholeNumber(count, "count", 1, 1_000);
    checkText(key, "key", LONGEST_KEY);
    const [stored] = await this.#needs.store.listSchedules(key);
    if (!stored && this.#needs.definitions.get(key)?.schedule)
      throw notFound(`Schedule ${quote(key)} is declared in code, and is not active until the first drain.`);
    const { record, next } = readable(key, stored);
    return occurrencesFrom(next, recurrenceOf(key, record), count).map((at) => new Date(at));
  }

  async #changing<Result>(
    verb: string,
    key: string,
    options: ChangedBy,
    act: (context: ScheduleContext) => Promise<Result>,
  ): Promise<Result> {
    checkText(key, "key", LONGEST_KEY);
    const given = onlyBy(options, `schedules.${verb}`);
    return changing(this.#needs, `${verb}Schedule`, key, given, () => act(this.#needs));
  }

  async #change(
    key: string,
    change: (record: ScheduleRecord, next: number | undefined) => { record: ScheduleRecord; next: number | undefined },
  ): Promise<ScheduleInfo> {
    return this.#put(key, (existing) => {
      const found = opened(key, existing);
      const { record, next } = change(found.record, found.next);
      return scheduleEntry(key, record, next);
    });
  }

  /** Stores what `make` returns. Tries again if a drain or another caller changes the schedule meanwhile. */
  async #put(key: string, make: (existing: StoredSchedule | undefined) => ScheduleEntry): Promise<ScheduleInfo> {
    const { store, noteDue } = this.#needs;
    for (;;) {
      const [existing] = await store.listSchedules(key);
      const stored = make(existing);
      if (!(await store.changeSchedules({ put: [{ ...stored, from: existing }] }))) continue;
      if (stored.next !== undefined) await noteDue(stored.next);
      return scheduleInfo(stored);
    }
  }
}

/** Stores a schedule for a call of `enqueue`. @throws as `Schedules.upsert` */
export async function enqueueRecurring(
  schedules: Schedules,
  needs: Parameters<typeof resolveJob>[1],
  job: AnyJob | string,
  payload: unknown,
  { id, ...schedule }: RecurringOptions,
): Promise<EnqueueResult> {
  refuseReserved({ name: jobName(job) });
  const snapshot = asJson(payload, "payload");
  const key = id ?? resolveJob(job, needs).name;
  const existing = await schedules.get(key);
  const { nextRunAt } = await schedules.upsert(key, { ...schedule, job, payload: snapshot });
  return { id: key, status: existing ? "duplicate" : "enqueued", runAt: nextRunAt };
}

/** @throws {TidegateError} `not_found`; `conflict` if it cannot be read. */
function readable(key: string, stored: ScheduleEntry | undefined) {
  if (!stored) throw unknownSchedule(key);
  const record = readSchedule(stored);
  if (!record) throw conflict(whyUnreadable(`Schedule ${quote(key)}`, stored.record));
  return { record, next: stored.next };
}

/** The same, with its payload. @throws {TidegateError} `conflict` also if this queue cannot decrypt it. */
function opened(key: string, stored: ScheduleEntry | undefined) {
  const lock = stored && lockOf(stored.record);
  if (lock !== undefined) throw conflict(whyLocked(`Schedule ${quote(key)}`, lock));
  return readable(key, stored);
}

/** Builds what is stored of a schedule. @throws {TidegateError} `invalid_request`, `payload_too_large` above 1 MiB. */
export function scheduleRecord(
  key: string,
  name: string,
  definition: AnyJob | undefined,
  options: Schedule & Omit<ScheduledJobOptions, "job">,
  given: unknown,
): ScheduleRecord {
  const rule = ruleOf(options, key);
  const payload = asJson(given, "payload", LARGEST_RECURRING_PAYLOAD);
  const flow = flowOf(definition, undefined, payload);
  refuseReserved({ flowKey: flow?.key });
  return {
    name,
    ...(payload !== undefined && { payload }),
    ...rule,
    missed: options.missed ?? "once",
    overlap: options.overlap ?? "allow",
    job: storedOptions(options, LARGEST_RECURRING_PAYLOAD),
    ...(flow && { flow }),
  };
}

/** A schedule that replaces the stored one. It keeps its past, and its next occurrence if its rule is the same. */
export function renewed(
  key: string,
  record: ScheduleRecord,
  existing: StoredSchedule | undefined,
  now: number,
): ScheduleEntry {
  const before = existing && readSchedule(existing);
  const past = before && { paused: before.paused, lastOccurrence: before.lastOccurrence, lastJobId: before.lastJobId };
  const isSame = before?.cron === record.cron && before.timeZone === record.timeZone;
  const next =
    isSame || before?.paused
      ? existing?.next
      : nextOccurrence(key, { ...record, lastOccurrence: before?.lastOccurrence } as ScheduleRecord, now);
  return scheduleEntry(key, { ...record, ...past } as ScheduleRecord, next);
}

/** A stored schedule, as users see it. @throws {TidegateError} `conflict` if it cannot be read. */
function scheduleInfo(stored: ScheduleEntry): ScheduleInfo {
  const { record } = readable(stored.key, { ...stored, record: withLocks(stored.record) });
  const { name, payload = null, timeZone, missed, overlap, lastOccurrence, lastJobId = null } = record;
  const { declared = false, paused = false } = record;
  const nextRunAt = stored.next === undefined ? null : new Date(stored.next);
  const lastRunAt = lastOccurrence === undefined ? null : new Date(lastOccurrence);
  const every = readInterval(record.cron)?.interval ?? null;
  const rule = { cron: every === null ? record.cron : null, every, timeZone, missed, overlap };
  return { key: stored.key, name, payload, ...rule, declared, paused, nextRunAt, lastRunAt, lastJobId };
}

function unknownSchedule(key: string): Error {
  return notFound(`No schedule has the key "${key}".`);
}
