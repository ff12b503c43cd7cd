import {
  bucketOf,
  DAY_MS,
  DAYS_KEPT,
  durationBounds,
  HOUR_MS,
  HOURS_KEPT,
  NAMES_KEPT,
  noMetrics,
  type OutcomeCounts,
  type StoredHistogram,
  type StoredHour,
  type StoredMetrics,
  type StoredNameMetrics,
  sumOfMetrics,
  TEN_MINUTES_MS,
  TENS_KEPT,
} from "../../core/store/metrics.ts";
import { MINUTE_MS, MINUTES_KEPT, type StoredMinute } from "../../core/store/stats.ts";
import type { Outcome } from "../../core/store/store.ts";

type Counted = keyof OutcomeCounts;

function countedAs(to: Outcome["to"]): Counted | undefined {
  if (to === "completed") return "processed";
  return to === "retried" || to === "dead" ? to : undefined;
}

function noTimes(): number[] {
  return Array.from({ length: durationBounds.length + 1 }, () => 0);
}

function addTo(counts: number[], ms: number): void {
  const bucket = bucketOf(ms);
  counts[bucket] = (counts[bucket] ?? 0) + 1;
}

class Times implements StoredHistogram {
  readonly counts = noTimes();
  sumMs = 0;

  add(ms: number): void {
    addTo(this.counts, ms);
    this.sumMs += Math.round(ms);
  }
}

class Metrics implements StoredMetrics {
  processed = 0;
  retried = 0;
  dead = 0;
  readonly waiting = noTimes();
  readonly running = noTimes();

  add({ to, timing }: Outcome): void {
    const as = countedAs(to);
    if (as) this[as]++;
    if (!timing) return;
    addTo(this.waiting, timing.waitedMs);
    addTo(this.running, timing.ranMs);
  }
}

/** Metrics in windows of time, by the number of the window since 1970. The last few are kept. */
class Windows {
  readonly #metrics = new Map<number, Metrics>();
  readonly #ms: number;
  readonly #kept: number;

  constructor(ms: number, kept: number) {
    this.#ms = ms;
    this.#kept = kept;
  }

  add(outcome: Outcome, now: number): void {
    const current = Math.floor(now / this.#ms);
    const metrics = this.#metrics.get(current) ?? new Metrics();
    metrics.add(outcome);
    if (this.#metrics.has(current)) return;
    this.#metrics.set(current, metrics);
    for (const old of this.#metrics.keys()) if (old <= current - this.#kept) this.#metrics.delete(old);
  }

  /** The last windows in which something was settled, in order. Some may be ahead, by the clock of another caller. */
  last(count: number, now: number): readonly (readonly [number, StoredMetrics])[] {
    const first = Math.floor(now / this.#ms) - count + 1;
    return [...this.#metrics].filter(([number]) => number >= first).sort(([a], [b]) => a - b);
  }

  /** The same without those that are ahead. */
  until(count: number, now: number): readonly (readonly [number, StoredMetrics])[] {
    return this.last(count, now).filter(([number]) => number * this.#ms <= now);
  }
}

class NameTally {
  readonly #tens = new Windows(TEN_MINUTES_MS, TENS_KEPT);
  readonly #days = new Windows(DAY_MS, DAYS_KEPT);
  readonly #total: Record<Counted, number> = { processed: 0, retried: 0, dead: 0 };

  add(outcome: Outcome, now: number): void {
    const as = countedAs(outcome.to);
    if (as) this.#total[as]++;
    this.#tens.add(outcome, now);
    this.#days.add(outcome, now);
  }

  read(name: string | undefined, now: number, count: number): StoredNameMetrics {
    const hour = sumOfMetrics(this.#tens.until(TENS_KEPT, now).map(([, metrics]) => metrics));
    const today = Math.floor(now / DAY_MS);
    const known = new Map(this.#days.until(count, now));
    const days = Array.from({ length: count }, (_, index) => known.get(today - count + 1 + index) ?? noMetrics);
    return { name, total: { ...this.#total }, hour, days };
  }
}

/** Counts accepted outcomes: when, of which job type, and how long they took. */
export class Tally {
  readonly waiting = new Times();
  readonly running = new Times();
  readonly #minutes = new Windows(MINUTE_MS, MINUTES_KEPT);
  readonly #hours = new Windows(HOUR_MS, HOURS_KEPT);
  readonly #names = new Map<string | undefined, NameTally>();

  /** @param observe whether to count by name too. */
  count(accepted: readonly Outcome[], now: number, observe: boolean): void {
    for (const outcome of accepted) {
      const { to, timing, name } = outcome;
      if (!countedAs(to) && !timing) continue;
      this.#minutes.add(outcome, now);
      this.#hours.add(outcome, now);
      if (observe && name !== undefined) this.#tallyOf(name).add(outcome, now);
      if (!timing) continue;
      this.waiting.add(timing.waitedMs);
      this.running.add(timing.ranMs);
    }
  }

  #tallyOf(name: string): NameTally {
    const key = this.#names.has(name) || this.#names.size < NAMES_KEPT ? name : undefined;
    const tally = this.#names.get(key) ?? new NameTally();
    this.#names.set(key, tally);
    return tally;
  }

  minutesUntil(now: number): readonly StoredMinute[] {
    return this.#minutes
      .last(MINUTES_KEPT, now)
      .map(([minute, { processed, retried, dead }]) => ({ minute, processed, retried, dead }))
      .filter(({ processed, retried, dead }) => processed + retried + dead > 0);
  }

  hoursUntil(now: number, count: number): readonly StoredHour[] {
    return this.#hours.until(count, now).map(([hour, metrics]) => ({ hour, metrics }));
  }

  names(now: number, days: number): readonly StoredNameMetrics[] {
    return [...this.#names].map(([name, tally]) => tally.read(name, now, days));
  }
}
