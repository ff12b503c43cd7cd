import type { Clock } from "./clock.ts";
import { parseCron } from "./cron.ts";
import { checkFits, type EnqueueOptions, resolveJob, storedOptions } from "./enqueue.ts";
import { conflict, notFound } from "./errors.ts";
import type { AnyJob, Schedule } from "./job.ts";
import { checkSchedule, checkText, wholeNumber } from "./options.ts";
import { decodeSchedule, encodeSchedule, type ScheduleRecord } from "./schedule.ts";
import type { QueueStore, StoredSchedule } from "./store.ts";

/** What a schedule makes, and when. */
export interface ScheduleOptions extends Schedule, Pick<EnqueueOptions, "maxRetries" | "backoff" | "timeout"> {
  /** The job to make: a definition, or its name. */
  readonly job: AnyJob | string;
  readonly payload?: unknown;
}

/** A schedule as it stood when it was looked at. */
export interface ScheduleInfo {
  readonly key: string;
  /** The name of the job that it makes. */
  readonly name: string;
  readonly payload: unknown;
  readonly cron: string;
  readonly timeZone: string;
  readonly missed: "once" | "skip" | "all";
  readonly overlap: "allow" | "skip";
  /** True where it stands in the code, with its job. */
  readonly declared: boolean;
  readonly nextRunAt: Date | null;
  readonly lastRunAt: Date | null;
  readonly lastJobId: string | null;
}

/** A key and a slot make a job id of at most 256 characters. */
export const LONGEST_KEY = 200;

/** The recurring jobs of a queue. */
export class Schedules {
  readonly #store: QueueStore;
  readonly #jobs: ReadonlyMap<string, AnyJob>;
  readonly #clock: Clock;
  readonly #expect: (runAt: number) => void;

  /** @param expect is told when something will be due. */
  constructor(store: QueueStore, jobs: ReadonlyMap<string, AnyJob>, clock: Clock, expect: (runAt: number) => void) {
    this.#store = store;
    this.#jobs = jobs;
    this.#clock = clock;
    this.#expect = expect;
  }

  /**
   * Stores a schedule, in place of one with the same key. Where expression and zone stay the same, so does its next slot.
   *
   * @throws {InvalidPayloadError} where the payload does not fit the schema. Nothing was stored.
   * @throws {TidegateError} `invalid_request`; the message names the option. Nothing was stored.
   */
  async upsert(key: string, options: ScheduleOptions): Promise<ScheduleInfo> {
    checkText(key, "key", LONGEST_KEY);
    const { name, definition } = resolveJob(options.job, this.#jobs);
    const record = scheduleRecord(name, options, options.payload);
    await checkFits(name, definition, options.payload);
    const stored = renewed(key, record, await this.#store.findSchedule(key), this.#clock());
    await this.#store.putSchedule(stored);
    if (stored.next !== undefined) this.#expect(stored.next);
    return scheduleInfo(stored) as ScheduleInfo;
  }

  async get(key: string): Promise<ScheduleInfo | null> {
    checkText(key, "key", LONGEST_KEY);
    const stored = await this.#store.findSchedule(key);
    return (stored && scheduleInfo(stored)) ?? null;
  }

  /** All schedules, in the order of their keys. */
  async list(): Promise<readonly ScheduleInfo[]> {
    const stored = await this.#store.listSchedules();
    return stored.flatMap((schedule) => scheduleInfo(schedule) ?? []).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Removes a schedule. The jobs that it made stay. @throws {TidegateError} `not_found` */
  async remove(key: string): Promise<void> {
    checkText(key, "key", LONGEST_KEY);
    if (!(await this.#store.removeSchedule(key))) throw unknownSchedule(key);
  }

  /** The next slots of a schedule: 5, or `count` up to 1,000. @throws {TidegateError} `not_found` */
  async preview(key: string, count = 5): Promise<readonly Date[]> {
    wholeNumber(count, "count", 1, 1_000);
    checkText(key, "key", LONGEST_KEY);
    const stored = await this.#store.findSchedule(key);
    if (!stored) throw unknownSchedule(key);
    const record = decodeSchedule(stored.record);
    if (!record) throw conflict(`Schedule "${key}" was stored by a newer version, which alone can read it.`);
    const cron = parseCron(record.cron, record.timeZone);
    const slots: Date[] = [];
    for (let slot = stored.next; slot !== undefined && slots.length < count; slot = cron.next(slot))
      slots.push(new Date(slot));
    return slots;
  }
}

/** Builds what is stored of a schedule. @throws {TidegateError} `invalid_request` */
export function scheduleRecord(name: string, options: Omit<ScheduleOptions, "job">, payload: unknown): ScheduleRecord {
  checkSchedule(options);
  return {
    name,
    ...(payload !== undefined && { payload }),
    cron: options.cron,
    timeZone: options.timeZone ?? "UTC",
    missed: options.missed ?? "once",
    overlap: options.overlap ?? "allow",
    job: storedOptions(options),
  };
}

/** A schedule in place of the one stored: it keeps its slot and its past where it recurs as before. */
export function renewed(
  key: string,
  record: ScheduleRecord,
  existing: StoredSchedule | undefined,
  now: number,
): StoredSchedule {
  const before = existing && decodeSchedule(existing.record);
  const past = before && { lastSlot: before.lastSlot, lastJobId: before.lastJobId };
  const isSame = before?.cron === record.cron && before.timeZone === record.timeZone;
  const next = isSame ? existing?.next : parseCron(record.cron, record.timeZone).next(now);
  return { key, record: encodeSchedule({ ...record, ...past } as ScheduleRecord), next };
}

function scheduleInfo(stored: StoredSchedule): ScheduleInfo | undefined {
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
    lastSlot,
    lastJobId = null,
  } = record;
  const nextRunAt = stored.next === undefined ? null : new Date(stored.next);
  const lastRunAt = lastSlot === undefined ? null : new Date(lastSlot);
  return { key: stored.key, name, payload, cron, timeZone, missed, overlap, declared, nextRunAt, lastRunAt, lastJobId };
}

function unknownSchedule(key: string): Error {
  return notFound(`No schedule has the key "${key}".`);
}
