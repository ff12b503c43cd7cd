import type { FailuresPage, StoredFailures, StoredJob } from "../../core/store/store.ts";

/**
 * Merges a page of the groups of failures of each partition, in the order of their names. What comes after the end of a
 * page that is not the last of its partition is left for later: that partition may have more of those groups.
 */
export function mergedFailures(pages: readonly FailuresPage[], limit: number): FailuresPage {
  const [firstEnd] = pages.flatMap(({ cursor }) => cursor ?? []).sort();
  const groups = new Map<string, StoredFailures>();
  for (const part of pages.flatMap(({ items }) => items)) {
    if (firstEnd !== undefined && part.group > firstEnd) continue;
    const other = groups.get(part.group);
    groups.set(part.group, other ? sumOf(other, part) : part);
  }
  const all = [...groups.values()].sort((a, b) => (a.group < b.group ? -1 : 1));
  const items = all.slice(0, limit);
  const cursor = items.length < all.length ? items.at(-1)?.group : firstEnd;
  return { items, cursor, ungrouped: pages.reduce((sum, { ungrouped }) => sum + ungrouped, 0) };
}

function sumOf(one: StoredFailures, other: StoredFailures): StoredFailures {
  return {
    group: one.group,
    count: one.count + other.count,
    firstAt: Math.min(one.firstAt, other.firstAt),
    sample: isNewer(one.sample, other.sample) ? one.sample : other.sample,
    trend: one.trend.map((deaths, hour) => plus(deaths, other.trend[hour] ?? null)),
  };
}

/** As in a sorted set: of two jobs that died in the same millisecond, the one whose id is greater comes last. */
function isNewer(one: StoredJob, other: StoredJob): boolean {
  return one.at === other.at ? one.id > other.id : one.at > other.at;
}

function plus(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one + other;
}
