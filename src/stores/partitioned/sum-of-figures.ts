import {
  noFigures,
  type StoredFigures,
  type StoredHour,
  type StoredNameFigures,
  sumOfCounts,
  sumOfFigures,
} from "../../core/store/figures.ts";
import type { StoredPending } from "../../core/store/pending.ts";

/** The figures of each name in a queue that is spread over several places, from those in each. */
export function sumOfNames(parts: readonly (readonly StoredNameFigures[])[]): readonly StoredNameFigures[] {
  const sums = new Map<string | undefined, StoredNameFigures>();
  for (const each of parts.flat()) {
    const sum = sums.get(each.name);
    sums.set(each.name, sum ? sumOfOne(sum, each) : each);
  }
  return [...sums.values()];
}

function sumOfOne(a: StoredNameFigures, b: StoredNameFigures): StoredNameFigures {
  return {
    name: a.name,
    total: sumOfCounts(a.total, b.total),
    hour: sumOfFigures([a.hour, b.hour]),
    days: a.days.map((day, index) => sumOfFigures([day, b.days[index] ?? noFigures])),
  };
}

export function sumOfHours(parts: readonly (readonly StoredHour[])[]): readonly StoredHour[] {
  const sums = new Map<number, StoredFigures>();
  for (const { hour, figures } of parts.flat()) sums.set(hour, sumOfFigures([sums.get(hour) ?? noFigures, figures]));
  return [...sums].map(([hour, figures]) => ({ hour, figures })).sort((a, b) => a.hour - b.hour);
}

export function sumOfPending(parts: readonly StoredPending[]): StoredPending {
  const counts = new Map<string, number>();
  for (const [name, count] of parts.flatMap((part) => [...part.counts]))
    counts.set(name, (counts.get(name) ?? 0) + count);
  return { counts, isEstimated: parts.some(({ isEstimated }) => isEstimated) };
}
