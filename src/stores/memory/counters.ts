import type { StoredHour, StoredMinute, StoredNameMetrics } from "../../core/store/stats.ts";
import {
  COUNTERS,
  countersOf,
  DAY_MS,
  DAYS_KEPT,
  HOUR_MS,
  HOURS_KEPT,
  MINUTE_MS,
  MINUTES_KEPT,
  MOST_COUNTED,
  metricsOf,
  NAMES_KEPT,
  outcomeCounts,
  outcomeNames,
  PACES,
  SLOWEST,
  storedMinute,
  TEN_MINUTES_MS,
  TENS_KEPT,
} from "../../core/store/stats.ts";
import type { Outcome } from "../../core/store/store.ts";

type Counts = number[];

function add(counts: Counts, counters: readonly number[]): void {
  for (const counter of counters) counts[counter] = (counts[counter] ?? 0) + 1;
}

function sumOf(all: readonly (readonly [number, Counts])[]): Counts {
  const of = (counter: number) => all.map(([, counts]) => counts[counter] ?? 0);
  const sums = Array.from({ length: SLOWEST }, (_, each) => of(each).reduce((sum, count) => sum + count, 0));
  return [...sums, Math.max(0, ...of(SLOWEST)), Math.max(0, ...of(SLOWEST + 1))];
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
      counts[SLOWEST + which] = Math.max(counts[SLOWEST + which] ?? 0, Math.min(Math.round(ms), MOST_COUNTED));
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
  readonly #tens = new Windows(TEN_MINUTES_MS, TENS_KEPT);
  readonly #days = new Windows(DAY_MS, DAYS_KEPT);
  readonly #total: Counts = [];

  add(counters: readonly number[], now: number, timing: Outcome["timing"]): void {
    add(this.#total, counters);
    this.#tens.add(counters, now, timing);
    this.#days.add(counters, now, timing);
  }

  read(name: string | undefined, now: number, count: number): StoredNameMetrics {
    const first = Math.floor(now / DAY_MS) - count + 1;
    const known = new Map(this.#days.last(count, now));
    return {
      name,
      total: outcomeCounts(this.#total),
      hour: metricsOf(sumOf(this.#tens.last(TENS_KEPT, now))),
      days: Array.from({ length: count }, (_, index) => metricsOf(known.get(first + index) ?? [])),
    };
  }
}

export class Tally {
  readonly total: Counts = [];
  waitedMs = 0;
  ranMs = 0;
  readonly #minutes = new Windows(MINUTE_MS, MINUTES_KEPT);
  readonly #hours = new Windows(HOUR_MS, HOURS_KEPT);
  readonly #names = new Map<string | undefined, NameTally>();

  /** @param observe whether to count by name too. */
  count(accepted: readonly Outcome[], now: number, observe: boolean): void {
    for (const outcome of accepted) {
      const { timing, name } = outcome;
      const all = countersOf(outcome, now);
      const counters = all.filter((counter) => counter < COUNTERS);
      add(this.total, counters);
      this.#minutes.add(
        counters.filter((counter) => counter < outcomeNames.length),
        now,
      );
      for (const pace of all.slice(counters.length).map((counter) => counter - COUNTERS))
        this.#minutes.add([outcomeNames.length + (pace % PACES)], now - Math.floor(pace / PACES) * MINUTE_MS);
      this.#hours.add(counters, now, timing);
      if (observe && name !== undefined && counters.length > 0) this.#tallyOf(name).add(counters, now, timing);
      this.waitedMs += Math.round(timing?.waitedMs ?? 0);
      this.ranMs += Math.round(timing?.ranMs ?? 0);
    }
  }

  #tallyOf(name: string): NameTally {
    const key = this.#names.has(name) || this.#names.size < NAMES_KEPT ? name : undefined;
    const tally = this.#names.get(key) ?? new NameTally();
    this.#names.set(key, tally);
    return tally;
  }

  minutesUntil(now: number): readonly StoredMinute[] {
    return this.#minutes.last(MINUTES_KEPT, now).map(([minute, counts]) => storedMinute(minute, counts));
  }

  hoursUntil(now: number, count: number): readonly StoredHour[] {
    return this.#hours.last(count, now).map(([hour, counts]) => ({ hour, metrics: metricsOf(counts) }));
  }

  names(now: number, days: number): readonly StoredNameMetrics[] {
    return [...this.#names].map(([name, tally]) => tally.read(name, now, days));
  }
}
