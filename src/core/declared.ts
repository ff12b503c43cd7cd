import { fnv1a } from "./fnv.ts";
import type { AnyJob } from "./job.ts";
import { decodeSchedule, type ScheduleRecord } from "./schedule.ts";
import { renewed, scheduleRecord } from "./schedules.ts";
import type { Outlook, QueueStore } from "./store.ts";

/** Which code's declared schedules are in force, and which ones were before, with the time at which they were replaced. */
interface Manifest {
  readonly current: string;
  readonly replaced: Readonly<Record<string, number>>;
}

/**
 * For so long code whose schedules were replaced is taken for an older deployment that still runs, and changes nothing. After
 * that it has come back: somebody rolled back to it.
 */
const STILL_RUNNING_MS = 3_600_000;

/** Begins the second half of a mark: 32 bits alone would meet by chance too soon. */
const SECOND_BASIS = 0x9747b28c;

/** The schedules that stand in the code of this deployment. The first drain puts them in force; from then on they cost nothing. */
export class DeclaredSchedules {
  readonly #records: ReadonlyMap<string, ScheduleRecord>;
  #isInForce: boolean;
  #hasLooked = false;

  constructor(jobs: ReadonlyMap<string, AnyJob>) {
    const declared = [...jobs.values()].filter((job) => job.schedule !== undefined);
    this.#records = new Map(declared.map((job) => [job.name, declaredRecord(job)]));
    this.#isInForce = this.#records.size === 0;
  }

  /** Whether nothing is to be done any more. */
  get isInForce(): boolean {
    return this.#isInForce;
  }

  /**
   * Takes note of a schedule that has come due. Code that declares none never looks at the manifest, so that its idle ticks cost
   * nothing more; that others' code declared one tells it to look once, for it may be what an older deployment left.
   */
  meet(key: string, record: string): void {
    if (this.#hasLooked || this.#records.has(key) || !decodeSchedule(record)?.declared) return;
    this.#isInForce = false;
  }

  /** Adds, changes and removes what this code declares otherwise than the code before it; tells what comes next after that. */
  async putInForce(
    store: QueueStore,
    outlook: Outlook & { readonly manifest: string | undefined },
    now: number,
  ): Promise<Outlook> {
    const manifest = outlook.manifest === undefined ? undefined : (JSON.parse(outlook.manifest) as Manifest);
    const own = this.#fingerprint();
    const replacedAt = manifest?.replaced[own];
    const isCurrent = manifest?.current === own;
    const isOlder = replacedAt !== undefined && now - replacedAt < STILL_RUNNING_MS;
    const declared =
      isCurrent || isOlder ? undefined : await this.#declare(store, outlook.manifest, own, manifest, now);
    // Where another drain was faster, with this declaration or by firing a slot, the next drain looks again. So does it where this
    // code was replaced: a process that stays would never learn otherwise that it is the one that was rolled back to.
    this.#isInForce = declared?.isInForce ?? isCurrent;
    this.#hasLooked = this.#isInForce;
    const moments = [outlook.nextAt, declared?.earliest].filter((moment) => moment !== undefined);
    return { paused: outlook.paused, nextAt: moments.length > 0 ? Math.min(...moments) : undefined };
  }

  async #declare(
    store: QueueStore,
    from: string | undefined,
    own: string,
    manifest: Manifest | undefined,
    now: number,
  ): Promise<{ readonly isInForce: boolean; readonly earliest: number | undefined }> {
    const existing = new Map((await store.listSchedules()).map((schedule) => [schedule.key, schedule]));
    const put = [...this.#records].map(([key, record]) => {
      const from = existing.get(key);
      return { ...renewed(key, record, from, now), from };
    });
    const remove = [...existing.values()]
      .filter(({ key, record }) => decodeSchedule(record)?.declared && !this.#records.has(key))
      .map(({ key }) => key);
    const recent = Object.entries(manifest?.replaced ?? {}).filter(([, at]) => now - at < STILL_RUNNING_MS);
    const replaced = { ...Object.fromEntries(recent), [manifest?.current ?? NOTHING_DECLARED]: now };
    delete replaced[own];
    const next: Manifest = { current: own, replaced };
    const isInForce = await store.declare({ from, manifest: JSON.stringify(next), put, remove });
    const earliest = put.reduce<number | undefined>(
      (least, { next: at }) => (at !== undefined && (least === undefined || at < least) ? at : least),
      undefined,
    );
    return { isInForce, earliest };
  }

  #fingerprint(): string {
    return fingerprint([...this.#records]);
  }
}

function fingerprint(records: readonly (readonly [string, ScheduleRecord])[]): string {
  return markOf(JSON.stringify([...records].sort()));
}

/** Tells declarations apart. `crypto.subtle` would answer at a time that no clock of a test sees. */
function markOf(text: string): string {
  return [fnv1a(text), fnv1a(text, SECOND_BASIS)].map((half) => half.toString(16).padStart(8, "0")).join("");
}

/** Of code that declares no schedule, which leaves no manifest: it may have been there before the first that does. */
const NOTHING_DECLARED = fingerprint([]);

function declaredRecord(job: AnyJob): ScheduleRecord {
  const { schedule, schedulePayload, name } = job;
  return { ...scheduleRecord(name, name, schedule ?? { cron: "" }, schedulePayload), declared: true };
}
