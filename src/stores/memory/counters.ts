import * as stats from "../../core/store/stats.ts";
import type { Outcome } from "../../core/store/store.ts";

type Counts = number[];

function add(counts: Counts, counters: readonly number[]): void {
  for (const counter of counters) counts[counter] = (counts[counter] ?? 0) + 1;
}

function sumOf(windows: readonly (readonly [number, Counts])[]): Counts {
  const of = (counter: number) => windows.map(([, counts]) => counts[counter] ?? 0);
  return Array.from({ length: stats.COUNTERS }, (_, counter) =>
    of(counter).reduce((sum, count) => (counter < stats.SLOWEST ? sum + count : Math.max(sum, count)), 0),
  );
}

/** Counts in windows of time, by the number of the window since 1970. The last few are kept. */
class Windows {
  readonly #counts = new Map<number, Counts>();
  readonly #ms: number;
  readonly #kept: number;

  constructor(ms: number, kept: number) {
    this.#ms = ms;
    this.#kept = kept;
  }

  add(counters: readonly number[], now: number, { waitedMs, ranMs } = { waitedMs: 0, ranMs: 0 }): void {
    if (counters.length === 0) return;
    const current = Math.floor(now / this.#ms);
    const counts = this.#counts.get(current) ?? [];
    add(counts, counters);
    for (const [which, ms] of [waitedMs, ranMs].entries())
      counts[stats.SLOWEST + which] = Math.max(counts[stats.SLOWEST + which] ?? 0, Math.round(ms));
    this.#counts.set(current, counts);
    for (const old of this.#counts.keys()) if (old <= current - this.#kept) this.#counts.delete(old);
  }

  /** The last windows in which something was settled, in order. */
  last(count: number, now: number): readonly (readonly [number, Counts])[] {
    const current = Math.floor(now / this.#ms);
    return [...this.#counts]
      .filter(([number]) => number > current - count && number <= current)
      .sort(([a], [b]) => a - b);
  }
}

class NameTally {
  readonly #tens = new Windows(stats.TEN_MINUTES_MS, stats.TENS_KEPT);
  readonly #days = new Windows(stats.DAY_MS, stats.DAYS_KEPT);
  readonly #total: Counts = [];

  add(counters: readonly number[], now: number, timing: Outcome["timing"]): void {
    add(this.#total, counters);
    this.#tens.add(counters, now, timing);
    this.#days.add(counters, now, timing);
  }

  read(name: string | undefined, now: number, count: number): stats.StoredNameMetrics {
    const first = Math.floor(now / stats.DAY_MS) - count + 1;
    const known = new Map(this.#days.last(count, now));
    return {
      name,
      total: stats.outcomeCounts(this.#total),
      hour: stats.metricsOf(sumOf(this.#tens.last(stats.TENS_KEPT, now))),
      days: Array.from({ length: count }, (_, index) => stats.metricsOf(known.get(first + index) ?? [])),
    };
  }
}

export class Tally {
  readonly total: Counts = [];
  waitedMs = 0;
  ranMs = 0;
  readonly #minutes = new Windows(stats.MINUTE_MS, stats.MINUTES_KEPT);
  readonly #hours = new Windows(stats.HOUR_MS, stats.HOURS_KEPT);
  readonly #names = new Map<string | undefined, NameTally>();

  /** @param observe whether to count by name too. */
  count(accepted: readonly Outcome[], now: number, observe: boolean): void {
    for (const outcome of accepted) {
      const { timing, name } = outcome;
      const all = stats.countersOf(outcome, now);
      const counters = all.filter((counter) => counter < stats.COUNTERS);
      add(this.total, counters);
      const outcomes = counters.filter((counter) => counter < stats.outcomeNames.length);
      this.#minutes.add(outcomes, now);
      for (const pace of all.slice(counters.length).map((counter) => counter - stats.COUNTERS))
        this.#minutes.add(
          [stats.outcomeNames.length + (pace % stats.PACES)],
          now - Math.floor(pace / stats.PACES) * stats.MINUTE_MS,
        );
      this.#hours.add(counters, now, timing);
      if (observe && name !== undefined && counters.length > 0) this.#tallyOf(name).add(counters, now, timing);
      this.waitedMs += Math.round(timing?.waitedMs ?? 0);
      this.ranMs += Math.round(timing?.ranMs ?? 0);
    }
  }

  #tallyOf(name: string): NameTally {
    const key = this.#names.has(name) || this.#names.size < stats.NAMES_KEPT ? name : undefined;
    const tally = this.#names.get(key) ?? new NameTally();
    this.#names.set(key, tally);
    return tally;
  }

  minutesUntil(now: number): readonly stats.StoredMinute[] {
    return this.#minutes.last(stats.MINUTES_KEPT, now).map(([minute, counts]) => stats.storedMinute(minute, counts));
  }

  hoursUntil(now: number, count: number): readonly stats.StoredHour[] {
    return this.#hours.last(count, now).map(([hour, counts]) => ({ hour, metrics: stats.metricsOf(counts) }));
  }

  names(now: number, days: number): readonly stats.StoredNameMetrics[] {
    return [...this.#names].map(([name, tally]) => tally.read(name, now, days));
  }
}
