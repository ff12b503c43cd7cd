import {
  bucketOf,
  durationBounds,
  MINUTES_KEPT,
  minuteOf,
  type StoredHistogram,
  type StoredMinute,
} from "../../core/store/stats.ts";
import type { Outcome } from "../../core/store/store.ts";

type Counted = "processed" | "retried" | "dead";

function countedAs(to: Outcome["to"]): Counted | undefined {
  if (to === "completed") return "processed";
  return to === "retried" || to === "dead" ? to : undefined;
}

class Times implements StoredHistogram {
  readonly counts: number[] = Array.from({ length: durationBounds.length + 1 }, () => 0);
  sumMs = 0;

  add(ms: number): void {
    const bucket = bucketOf(ms);
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sumMs += Math.round(ms);
  }
}

/** What was settled in each of the last minutes, and how long it took. Only what was accepted counts. */
export class Tally {
  readonly waiting = new Times();
  readonly running = new Times();
  readonly #minutes = new Map<number, Record<Counted, number>>();

  count(accepted: readonly Outcome[], now: number): void {
    const minute = minuteOf(now);
    for (const { to } of accepted) {
      const as = countedAs(to);
      if (!as) continue;
      const counts = this.#minutes.get(minute) ?? { processed: 0, retried: 0, dead: 0 };
      counts[as]++;
      this.#minutes.set(minute, counts);
    }
    for (const old of this.#minutes.keys()) if (old <= minute - MINUTES_KEPT) this.#minutes.delete(old);
    for (const { timing } of accepted) {
      if (!timing) continue;
      this.waiting.add(timing.waitedMs);
      this.running.add(timing.ranMs);
    }
  }

  minutesUntil(now: number): readonly StoredMinute[] {
    const first = minuteOf(now) - MINUTES_KEPT + 1;
    return [...this.#minutes]
      .filter(([minute]) => minute >= first)
      .map(([minute, counts]) => ({ minute, ...counts }))
      .sort((a, b) => a.minute - b.minute);
  }
}
