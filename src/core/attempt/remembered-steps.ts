import type { JobRecord } from "../job/record.ts";
import { isOpen, LARGEST_STEPS, type StoredStep } from "../job/steps.ts";
import { bytesOf } from "../shared/limits.ts";
import { waitsOf } from "../store/signals.ts";

/** How large the results in the record of a completed job may be together. Without room for all, it keeps none. */
const MOST_KEPT_BYTES = 8 * 1024;

/** Names a step among all steps, sleeps and waits of a job. */
export const keyOf = ({ kind, name }: Pick<StoredStep, "kind" | "name">): string => `${kind ?? "step"} ${name}`;

/** What a job remembers of its steps, sleeps and waits, by their names: what is stored, and what this attempt adds. */
export class RememberedSteps {
  readonly #steps = new Map<string, StoredStep>();
  /** The keys of what was stored when the job was claimed, in the order in which it ended. */
  readonly #places: ReadonlyMap<string, number>;
  #bytes = 0;
  /** The sleep or the wait that ends this attempt. */
  opened: StoredStep | undefined;
  /** When a step of this attempt ended last: from then on, failures are counted again. ms since 1970 */
  advancedAt: number | undefined;

  /**
   * Whoever has claimed the job decides what it has slept or waited for: its time has come, or the signal. So each
   * attempt that follows sees the same, even if this one is killed.
   */
  constructor({ steps = [], signal }: JobRecord, now: number) {
    for (const step of steps) this.add(isOpen(step) ? ended(step, signal, now) : step);
    this.#places = new Map(steps.map((step, place) => [keyOf(step), place]));
  }

  add(step: StoredStep): void {
    const before = this.#steps.get(keyOf(step));
    this.#bytes += sizeOf(step) - (before ? sizeOf(before) : 0);
    this.#steps.set(keyOf(step), step);
  }

  find(kind: StoredStep["kind"], name: string): StoredStep | undefined {
    const step = this.#steps.get(keyOf({ ...(kind && { kind }), name }));
    return step?.endedAt === undefined ? undefined : step;
  }

  /** How many ended before this one, when the job was claimed. */
  placeOf(step: StoredStep): number {
    return this.#places.get(keyOf(step)) ?? 0;
  }

  hasRoomFor(step: StoredStep): boolean {
    return this.#bytes + sizeOf(step) <= LARGEST_STEPS;
  }

  end(step: StoredStep, now: number): void {
    this.add(step);
    // Earlier attempts of it may have failed before other steps ended.
    this.#steps.delete(keyOf(step));
    this.#steps.set(keyOf(step), step);
    this.advancedAt = now;
  }

  /** What the record says of it. What the job waits for comes last in the record: see core/store/signals.ts. */
  get stored(): Pick<JobRecord, "steps"> {
    const all = [...this.#steps.values(), ...(this.opened ? [this.opened] : [])];
    return all.length > 0 ? { steps: all } : {};
  }

  /** The events that the job waits for from now on, as its record says it; undefined if it waits for none. */
  get waits(): string | undefined {
    return this.opened?.events && waitsOf(this.opened.events);
  }

  /** The same for a job that has completed: nobody asks for results any more, so only small ones stay. */
  get timeline(): Pick<JobRecord, "steps"> {
    const { steps } = this.stored;
    if (!steps || this.#bytes <= MOST_KEPT_BYTES) return this.stored;
    return { steps: steps.map(({ result: _, ...step }) => step) };
  }

  /** The most retries of a step that is tried again by a rule of its own; 0 if there is none. */
  get mostRetries(): number {
    return Math.max(0, ...[...this.#steps.values()].map(({ maxRetries = 0 }) => maxRetries));
  }

  /** The names of stored steps that `perform` has not asked for. @param called the keys of those that it has. */
  unused(called: ReadonlySet<string>): readonly string[] {
    return [...this.#steps.values()].flatMap((step) => {
      return step.endedAt === undefined || called.has(keyOf(step)) ? [] : [step.name];
    });
  }
}

function ended(step: StoredStep, signal: JobRecord["signal"], now: number): StoredStep {
  if (step.kind === "sleep") return { ...step, endedAt: now };
  return signal ? { ...step, endedAt: now, result: signal.data } : { ...step, endedAt: now, hasTimedOut: true };
}

function sizeOf(step: StoredStep): number {
  return bytesOf(JSON.stringify(step));
}
