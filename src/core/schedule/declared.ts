import type { AnyJob } from "../job/define.ts";
import { issuesText, type Validation, validate, validateAtOnce } from "../job/schema.ts";
import { atMostAWhile } from "../observe/afterwards.ts";
import type { Clock } from "../shared/clock.ts";
import { InvalidPayloadError } from "../shared/errors.ts";
import { fnv1a, OTHER_BASIS } from "../shared/hash.ts";
import { asJson } from "../shared/json.ts";
import { OutOfBudgetError } from "../store/meter.ts";
import type { StoredSchedule } from "../store/schedules.ts";
import type { DueSchedule, ExchangeReply, ExchangeRequest, NextDue, PeekReply, QueueStore } from "../store/store.ts";
import { readDue, readRecurrence, readSchedule, type ScheduleRecord } from "./record.ts";
import { renewed, scheduleRecord } from "./schedules.ts";

/** Marks the code whose declared schedules are active, and when earlier code was replaced. */
interface Manifest {
  readonly current: string;
  readonly replaced: Readonly<Record<string, number>>;
}

/** How long replaced code counts as an older deployment that runs, and changes nothing. Then it is a rollback. */
const STILL_RUNNING_MS = 3_600_000;

/** How long a schedule may be absent, fired by a process with another clock, before it counts as missing. */
const FIRED_ELSEWHERE_MS = 60_000;

/** A missing schedule may be paused, removed or replaced. If so, it is not searched again for this long. */
const SEARCHED_AGAIN_MS = 3_600_000;

/** The schedules that this code declares. The first drain activates them. After that they cost nothing. */
export class DeclaredSchedules {
  readonly #records: ReadonlyMap<string, ScheduleRecord>;
  /** Jobs with an asynchronous schema, which the first drain checks. */
  readonly #unchecked: readonly AnyJob[];
  readonly #clock: Clock;
  readonly #warn: (text: string) => void;
  #isSynced: boolean;
  /** Whether this code has read the manifest, and found or made its schedules active. */
  #isCurrent = false;
  /** Until when this code counts as an older deployment that still runs. */
  #isOlderUntil = 0;
  /** By when something is due at the latest, as long as the schedules of this code are stored. */
  #dueBy = Number.NEGATIVE_INFINITY;
  /** Whether a drain has found nothing due by then. */
  #areMissed = false;
  #notSearchedUntil = Number.NEGATIVE_INFINITY;

  /** @param warn tells of what cannot be activated, and of schedules that were gone. @throws {InvalidPayloadError} */
  constructor(definitions: ReadonlyMap<string, AnyJob>, clock: Clock, warn: (text: string) => void) {
    const declared = [...definitions.values()].filter((job) => job.schedule !== undefined);
    this.#records = new Map(declared.map((job) => [job.name, declaredRecord(job)]));
    this.#unchecked = declared.filter((job) => job.schema && !mustFit(job, validateAtOnce(job.schema, payloadOf(job))));
    this.#clock = clock;
    this.#warn = warn;
    this.#isSynced = this.#records.size === 0;
  }

  get count(): number {
    return this.#records.size;
  }

  /** Whether a drain can start at once. */
  get isSynced(): boolean {
    return this.#isSynced && !this.#areMissed;
  }

  /**
   * Notes when a drain has found something due next. If that is later than the next occurrence of a schedule of this
   * code, the schedule is not stored: the next drain reads the manifest, to find out whether the database was emptied.
   */
  noteNext({ nextAt = Number.POSITIVE_INFINITY }: NextDue, now: number): void {
    const after = now + FIRED_ELSEWHERE_MS;
    if (!this.isSynced || nextAt <= Math.max(after, this.#dueBy) || now < this.#notSearchedUntil) return;
    const next = (key: string, record: ScheduleRecord) =>
      readRecurrence(key, record)?.next(after) ?? Number.POSITIVE_INFINITY;
    this.#dueBy = Math.min(...[...this.#records].map(([key, record]) => next(key, record)));
    this.#areMissed = nextAt > this.#dueBy;
  }

  /**
   * Makes an exchange. To keep idle ticks cheap, code that declares no schedule does not read the manifest before it
   * drains, but only when a schedule of other code is due. It then removes schedules that older code has left behind,
   * so that they do not fire.
   */
  async exchange(store: QueueStore, request: ExchangeRequest): Promise<ExchangeReply> {
    const isOlder = () => request.now < this.#isOlderUntil;
    // Until it has read the manifest, the drain gets declared schedules instead of their jobs.
    const claim = request.claim && { ...request.claim, firesDeclared: this.#isCurrent || isOlder() };
    const reply = await store.exchange({ ...request, claim });
    // A schedule that the drain gets stays due.
    if (reply.schedules.length === 0) this.noteNext(reply, request.now);
    if (this.#isCurrent || isOlder() || !reply.schedules.some((due) => this.#isOfOthers(due))) return reply;
    try {
      await this.sync(store, await store.peek(request.now, true), request.now);
    } catch {
      // The jobs of the reply are leased and must run. The schedules stay due, and the next drain reads the manifest.
      this.#isSynced = false;
    }
    return isOlder() ? reply : { ...reply, schedules: reply.schedules.filter((due) => !this.#isOfOthers(due)) };
  }

  #isOfOthers(due: DueSchedule): boolean {
    return !this.#records.has(due.key) && readDue(due)?.declared === true;
  }

  /** Replaces the schedules of earlier code by those of this code. @returns what is due next then. */
  async sync(store: QueueStore, peeked: PeekReply, now: number): Promise<NextDue> {
    if (this.#areMissed) {
      this.#areMissed = false;
      // A process whose code was replaced leaves the schedules of the newer code alone.
      if (peeked.manifest !== undefined) {
        this.#notSearchedUntil = now + SEARCHED_AGAIN_MS;
        return peeked;
      }
      this.#warn(areGone);
    }
    const manifest = peeked.manifest === undefined ? undefined : (JSON.parse(peeked.manifest) as Manifest);
    const own = fingerprint([...this.#records]);
    const replacedAt = manifest?.replaced[own];
    const isCurrent = manifest?.current === own;
    const isOlder = replacedAt !== undefined && now - replacedAt < STILL_RUNNING_MS;
    const declared =
      isCurrent || isOlder
        ? undefined
        : await this.#declare(store, peeked.manifest, own, manifest, now).catch(unlessOutOfBudget);
    // The next drain syncs again if another one was faster, or if the budget had no room for a resend. It also does if
    // this code was replaced: otherwise a long-running process would never learn of a rollback to it.
    this.#isSynced = declared?.isSynced ?? isCurrent;
    this.#isCurrent = this.#isSynced;
    this.#isOlderUntil = isOlder ? replacedAt + STILL_RUNNING_MS : 0;
    const never = Number.POSITIVE_INFINITY;
    const nextAt = Math.min(peeked.nextAt ?? never, declared?.earliest ?? never);
    return { paused: peeked.paused, nextAt: nextAt < never ? nextAt : undefined };
  }

  async #declare(
    store: QueueStore,
    from: string | undefined,
    own: string,
    manifest: Manifest | undefined,
    now: number,
  ): Promise<{ readonly isSynced: boolean; readonly earliest: number }> {
    const existing = new Map((await store.listSchedules()).map((schedule) => [schedule.key, schedule]));
    const held = [...this.#records.keys()].filter((key) => isSetAtRunTime(existing.get(key)));
    for (const key of held)
      this.#warn(
        `The schedule of job "${key}" is not active: a schedule that was set at run time has the same key. Remove that one, or rename the job.`,
      );
    const leftOut = new Set([...held, ...(await this.#unfit())]);
    const put = [...this.#records]
      .filter(([key]) => !leftOut.has(key))
      .map(([key, record]) => {
        const from = existing.get(key);
        return { ...renewed(key, record, from, now), from };
      });
    const remove = [...existing.values()]
      .filter((schedule) => readSchedule(schedule)?.declared && !this.#records.has(schedule.key))
      .map(({ key }) => key);
    const recent = Object.entries(manifest?.replaced ?? {}).filter(([, at]) => now - at < STILL_RUNNING_MS);
    const before = manifest?.current.replace(INCOMPLETE, "") ?? NOTHING_DECLARED;
    const replaced = { ...Object.fromEntries(recent), [before]: now };
    delete replaced[own];
    const next: Manifest = { current: leftOut.size > 0 ? own + INCOMPLETE : own, replaced };
    const isSynced = await store.changeSchedules({ manifest: { from, to: JSON.stringify(next) }, put, remove });
    return { isSynced, earliest: Math.min(...put.map(({ next: at = Number.POSITIVE_INFINITY }) => at)) };
  }

  async #unfit(): Promise<readonly string[]> {
    const unfit: string[] = [];
    const check = async (job: AnyJob) => {
      const validation = await validate(job.schema, payloadOf(job));
      if (!("issues" in validation)) return;
      unfit.push(job.name);
      this.#warn(doesNotFit(job, validation.issues).message);
    };
    if (this.#unchecked.length > 0)
      await atMostAWhile(this.#clock, () => Promise.allSettled(this.#unchecked.map(check)));
    return unfit;
  }
}

/** Ends the mark of code whose schedules are not all active: each of its processes tries again. */
const INCOMPLETE = "!";

const areGone =
  "The schedules that the code declares were gone from the database. They are stored again. Schedules that you set at run time are not: set them again.";

function isSetAtRunTime(stored: StoredSchedule | undefined): boolean {
  const record = stored && readSchedule(stored);
  return record !== undefined && record.declared !== true;
}

function payloadOf({ schedulePayload }: AnyJob): unknown {
  return asJson(schedulePayload, "payload");
}

/** Whether a payload is known to fit. @throws {InvalidPayloadError} if it is known not to. */
function mustFit(job: AnyJob, validation: Validation | undefined): boolean {
  if (validation && "issues" in validation) throw doesNotFit(job, validation.issues);
  return validation !== undefined;
}

function doesNotFit({ name }: AnyJob, issues: InvalidPayloadError["issues"]): InvalidPayloadError {
  return new InvalidPayloadError(
    `The schedulePayload of job "${name}" does not fit its schema: ${issuesText(issues)}.`,
    issues,
  );
}

function unlessOutOfBudget(error: unknown): undefined {
  if (!(error instanceof OutOfBudgetError)) throw error;
}

/** A mark that differs between declarations. Not by `crypto.subtle`: no test clock controls when it resolves. */
function fingerprint(records: readonly (readonly [string, ScheduleRecord])[]): string {
  const text = JSON.stringify([...records].sort());
  return [fnv1a(text), fnv1a(text, OTHER_BASIS)].map((half) => half.toString(16).padStart(8, "0")).join("");
}

/** Code that declares no schedule stores no manifest, but may have run before the first code that does. */
const NOTHING_DECLARED = fingerprint([]);

function declaredRecord(job: AnyJob): ScheduleRecord {
  const { schedule, schedulePayload, name } = job;
  return { ...scheduleRecord(name, name, job, schedule ?? { cron: "" }, schedulePayload), declared: true };
}
