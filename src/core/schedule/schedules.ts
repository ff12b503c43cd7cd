import { flowOf } from "../enqueue/flow-key.ts";
import { checkFits, type EnqueueOptions, type EnqueueResult, resolveJob, storedOptions } from "../enqueue/new-job.ts";
import type { AnyJob, InputOf, PayloadField } from "../job/define.ts";
import { checkSchedule, type Schedule, scheduleNames } from "../job/options.ts";
import type { Clock } from "../shared/clock.ts";
import { conflict, notFound } from "../shared/errors.ts";
import { asJson } from "../shared/json.ts";
import { LARGEST_RECURRING_PAYLOAD } from "../shared/limits.ts";
import { checkKnown, checkPathText, checkText, wholeNumber } from "../shared/validate.ts";
import { slotJobId } from "../store/occurrence-id.ts";
import type { ScheduleEntry, StoredSchedule } from "../store/schedules.ts";
import type { QueueStore } from "../store/store.ts";
import { cronOf, decodeSchedule, encodeSchedule, nextSlot, type ScheduleRecord, slotJob } from "./fire.ts";

/** What a schedule makes, and when. */
export interface ScheduleOptions extends Schedule, Pick<EnqueueOptions, "maxRetries" | "backoff" | "timeout"> {
  /** The job to make: a definition, or its name. */
  readonly job: AnyJob | string;
  /** The payload of each job, of 1 MiB at most as JSON. It must fit the schema. */
  readonly payload?: unknown;
}

/** `ScheduleOptions` whose payload has the type that their job takes. */
export type TypedScheduleOptions<Job extends AnyJob | string> = Omit<ScheduleOptions, "job" | "payload"> & {
  readonly job: Job;
} & PayloadField<"payload", InputOf<Job>>;

/** A schedule as it stood when it was looked at. */
export interface ScheduleInfo {
  /** What it is found by. A declared one has the name of its job. */
  readonly key: string;
  /** The name of the job that it makes. */
  readonly name: string;
  /** The payload of each job; null where it has none. */
  readonly payload: unknown;
  /** When it fires: 5 or 6 fields. */
  readonly cron: string;
  /** The IANA zone in which `cron` is read. */
  readonly timeZone: string;
  /** What becomes of slots that nobody drained. */
  readonly missed: "once" | "skip" | "all";
  /** Whether a slot makes a job while an earlier one is not finished. */
  readonly overlap: "allow" | "skip";
  /** True where it stands in the code, with its job. */
  readonly declared: boolean;
  /** While it is paused it fires at no slot. */
  readonly paused: boolean;
  /** Its next slot; null where none comes any more, and while it is paused. */
  readonly nextRunAt: Date | null;
  /** The last slot that fired; null before the first. */
  readonly lastRunAt: Date | null;
  /** The id of the job that it made last; null before the first. */
  readonly lastJobId: string | null;
}

const optionNames = ["job", "payload", ...scheduleNames, "maxRetries", "backoff", "timeout"];

/** A key and a slot make a job id of at most 256 characters. */
export const LONGEST_KEY = 200;

/** The recurring jobs of a queue. */
export class Schedules {
  readonly #store: QueueStore;
  readonly #reader: QueueStore;
  readonly #jobs: ReadonlyMap<string, AnyJob>;
  readonly #clock: Clock;
  readonly #expect: (runAt: number) => void;

  /**
   * @internal
   * @param reader the same store, where it is only read: what that costs is counted apart.
   * @param expect is told when something will be due.
   */
  constructor(
    store: QueueStore,
    reader: QueueStore,
    jobs: ReadonlyMap<string, AnyJob>,
    clock: Clock,
    expect: (runAt: number) => void,
  ) {
    this.#store = store;
    this.#reader = reader;
    this.#jobs = jobs;
    this.#clock = clock;
    this.#expect = expect;
  }

  /**
   * Stores a schedule, in place of one with the same key. Where expression and zone stay the same, so does its next slot. One
   * that is paused stays so. One that stands in the code is changed there alone.
   *
   * @throws {InvalidPayloadError} where the payload does not fit the schema. Nothing was stored.
   * @throws {TidegateError} `conflict` where a job declares the schedule of this key; `invalid_request`, where the message names the
   *   option; `payload_too_large`. Nothing was stored.
   */
  async upsert<Job extends AnyJob | string>(key: string, options: TypedScheduleOptions<Job>): Promise<ScheduleInfo> {
    checkPathText(key, "key", LONGEST_KEY);
    checkKnown(options, optionNames, "a recurring job");
    const { name, definition } = resolveJob(options.job, this.#jobs);
    const record = scheduleRecord(key, name, definition, options, options.payload);
    checkPlace(key, record, this.#store);
    await checkFits(name, definition, asJson(record.payload, "payload"));
    return this.#put(key, (existing) => {
      if (this.#isDeclared(key, existing)) throw standsInCode(key);
      return renewed(key, record, existing, this.#clock());
    });
  }

  /** A queue without jobs cannot tell what the code declares: what is stored tells it. */
  #isDeclared(key: string, existing: StoredSchedule | undefined): boolean {
    if (this.#jobs.size > 0) return this.#jobs.get(key)?.schedule !== undefined;
    return existing !== undefined && decodeSchedule(existing.record)?.declared === true;
  }

  /** Shows a schedule; null where none has the key. */
  async get(key: string): Promise<ScheduleInfo | null> {
    checkText(key, "key", LONGEST_KEY);
    const stored = await this.#reader.findSchedule(key);
    return (stored && scheduleInfo(stored)) ?? null;
  }

  /** All schedules, in the order of their keys. */
  async list(): Promise<readonly ScheduleInfo[]> {
    const stored = await this.#reader.listSchedules();
    return stored.flatMap((schedule) => scheduleInfo(schedule) ?? []).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Removes a schedule. The jobs that it made stay. @throws {TidegateError} `not_found` */
  async remove(key: string): Promise<void> {
    checkText(key, "key", LONGEST_KEY);
    if (!(await this.#store.removeSchedule(key))) throw unknownSchedule(key);
  }

  /** Keeps a schedule from firing until `resume`, also when code that declares it is deployed anew. @throws {TidegateError} `not_found` */
  pause(key: string): Promise<ScheduleInfo> {
    return this.#change(key, (record) => ({ record: { ...record, paused: true }, next: undefined }));
  }

  /** Ends a pause: the schedule goes on with its first slot from now. @throws {TidegateError} `not_found` */
  resume(key: string): Promise<ScheduleInfo> {
    return this.#change(key, ({ paused, ...record }, next) => ({
      record,
      next: paused ? nextSlot(key, record, this.#clock()) : next,
    }));
  }

  /** Makes the job of a schedule now, beside those of its slots, which stay as they are. @throws {TidegateError} `not_found` */
  async run(key: string): Promise<EnqueueResult> {
    const { record } = await this.#find(key);
    const now = this.#clock();
    const [reply] = await this.#store.enqueue([{ ...slotJob(key, record, now, now), isFreshId: false }], now);
    this.#expect(now);
    return { id: slotJobId(key, now), status: reply?.status ?? "enqueued", runAt: new Date(now) };
  }

  /** The next slots of a schedule: 5, or `count` up to 1,000. @throws {TidegateError} `not_found` */
  async preview(key: string, count = 5): Promise<readonly Date[]> {
    wholeNumber(count, "count", 1, 1_000);
    const { record, next } = await this.#find(key, this.#reader);
    const cron = cronOf(key, record);
    const slots: Date[] = [];
    for (let slot = next; slot !== undefined && slots.length < count; slot = cron.next(slot))
      slots.push(new Date(slot));
    return slots;
  }

  async #change(
    key: string,
    change: (record: ScheduleRecord, next: number | undefined) => { record: ScheduleRecord; next: number | undefined },
  ): Promise<ScheduleInfo> {
    checkText(key, "key", LONGEST_KEY);
    return this.#put(key, (existing) => {
      const found = readable(key, existing);
      const { record, next } = change(found.record, found.next);
      return { key, record: encodeSchedule(record), next };
    });
  }

  /** Stores what is made of a schedule as it stands: once more where a drain fires it, or another caller moves it, meanwhile. */
  async #put(key: string, make: (existing: StoredSchedule | undefined) => ScheduleEntry): Promise<ScheduleInfo> {
    for (;;) {
      const existing = await this.#store.findSchedule(key);
      const stored = make(existing);
      if (!(await this.#store.putSchedule({ ...stored, from: existing }))) continue;
      if (stored.next !== undefined) this.#expect(stored.next);
      return scheduleInfo(stored) as ScheduleInfo;
    }
  }

  async #find(key: string, store = this.#store): Promise<ReadableSchedule> {
    checkText(key, "key", LONGEST_KEY);
    return readable(key, await store.findSchedule(key));
  }
}

interface ReadableSchedule {
  readonly record: ScheduleRecord;
  readonly next: number | undefined;
}

/** @throws {TidegateError} `not_found`; `conflict` where a newer version alone can read it. */
function readable(key: string, stored: StoredSchedule | undefined): ReadableSchedule {
  if (!stored) throw unknownSchedule(key);
  const record = decodeSchedule(stored.record);
  if (!record) throw conflict(`Schedule "${key}" was stored by a newer version, which alone can read it.`);
  return { record, next: stored.next };
}

/** Builds what is stored of a schedule. @throws {TidegateError} `invalid_request`, `payload_too_large` above 1 MiB. */
export function scheduleRecord(
  key: string,
  name: string,
  definition: AnyJob | undefined,
  options: Omit<ScheduleOptions, "job">,
  given: unknown,
): ScheduleRecord {
  checkSchedule(key, options);
  const payload = asJson(given, "payload", LARGEST_RECURRING_PAYLOAD);
  const flow = flowOf(definition, undefined, payload);
  return {
    name,
    ...(payload !== undefined && { payload }),
    cron: options.cron,
    timeZone: options.timeZone ?? "UTC",
    missed: options.missed ?? "once",
    overlap: options.overlap ?? "allow",
    job: storedOptions(options),
    ...(flow && { flow }),
  };
}

/**
 * Checks that the store can keep the jobs of a schedule. In partitions these all lie in one, and their key of flow control may lie in
 * another.
 *
 * @throws {TidegateError} `invalid_request`
 */
export function checkPlace(key: string, { flow }: ScheduleRecord, { local }: Pick<QueueStore, "local">): void {
  local.partitionOf({ id: slotJobId(key, 0), isFreshId: false, runAt: 0, ...(flow && { flow }) });
}

/** A schedule in place of the one stored: it keeps its slot and its past where it recurs as before. */
export function renewed(
  key: string,
  record: ScheduleRecord,
  existing: StoredSchedule | undefined,
  now: number,
): ScheduleEntry {
  const before = existing && decodeSchedule(existing.record);
  const past = before && { paused: before.paused, lastSlot: before.lastSlot, lastJobId: before.lastJobId };
  const isSame = before?.cron === record.cron && before.timeZone === record.timeZone;
  const next =
    isSame || before?.paused
      ? existing?.next
      : nextSlot(key, { ...record, lastSlot: before?.lastSlot } as ScheduleRecord, now);
  return { key, record: encodeSchedule({ ...record, ...past } as ScheduleRecord), next };
}

function scheduleInfo(stored: ScheduleEntry): ScheduleInfo | undefined {
  const record = decodeSchedule(stored.record);
  if (!record) return undefined;
  const {
    name,
    payload = null,
    cron,
    timeZone,
    missed,
    overlap,
    declared = false,
    paused = false,
    lastSlot,
    lastJobId = null,
  } = record;
  const nextRunAt = stored.next === undefined ? null : new Date(stored.next);
  const lastRunAt = lastSlot === undefined ? null : new Date(lastSlot);
  const rule = { cron, timeZone, missed, overlap };
  return { key: stored.key, name, payload, ...rule, declared, paused, nextRunAt, lastRunAt, lastJobId };
}

function standsInCode(key: string): Error {
  return conflict(
    `The schedule "${key}" stands in the code, with the job of that name. Change it there, or choose another key.`,
  );
}

function unknownSchedule(key: string): Error {
  return notFound(`No schedule has the key "${key}".`);
}
