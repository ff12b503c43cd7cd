import { firstPiece } from "../../core/shared/limits.ts";
import type { FailuresPage, Page, PageRequest, StoredFailures, StoredJob } from "../../core/store/store.ts";
import { type Cursor, readCursor, readUnordered } from "../cursor.ts";

/**
 * Merges a page of each partition, newest first. It stops at the first end of a page that is not the last of its
 * partition: that partition may have newer jobs than the others.
 *
 * @returns the jobs, and where the next page begins; undefined if no partition has more in this order.
 */
export function mergedPages(
  pages: readonly Page<StoredJob>[],
  { limit, mostBytes }: Pick<PageRequest, "limit" | "mostBytes">,
): { readonly items: readonly StoredJob[]; readonly last: Cursor | undefined } {
  const ends = pages.flatMap(({ cursor }) => (readUnordered(cursor) === undefined ? (readCursor(cursor) ?? []) : []));
  const [firstEnd] = ends.sort((a, b) => order(a, b));
  const all = pages.flatMap(({ items }) => items).sort((a, b) => order(placeOf(a), placeOf(b)));
  const known = firstEnd ? all.filter((job) => order(placeOf(job), firstEnd) <= 0) : all;
  const items = firstPiece(known.slice(0, limit), ({ record }) => record, mostBytes);
  const lastItem = items.at(-1);
  if (items.length < known.length) return { items, last: lastItem && placeOf(lastItem) };
  return { items, last: firstEnd };
}

const placeOf = ({ at, id }: StoredJob): Cursor => ({ score: at, id });

/** Below 0 if the first comes first: the newer, else the greater id, as in a reversed sorted set. */
function order(a: Cursor, b: Cursor): number {
  if (a.score !== b.score) return b.score - a.score;
  if (a.id === b.id) return 0;
  return a.id > b.id ? -1 : 1;
}

/** Merges a page of the groups of failures of each partition, in the order of their names. It stops as above. */
export function mergedFailures(pages: readonly FailuresPage[], limit: number): FailuresPage {
  const [firstEnd] = pages.flatMap(({ cursor }) => cursor ?? []).sort();
  const groups = new Map<string, StoredFailures>();
  for (const part of pages.flatMap(({ items }) => items)) {
    if (firstEnd !== undefined && part.group > firstEnd) continue;
    const other = groups.get(part.group);
    groups.set(part.group, other ? sumOfGroup(other, part) : part);
  }
  const all = [...groups.values()].sort((a, b) => (a.group < b.group ? -1 : 1));
  const items = all.slice(0, limit);
  const cursor = items.length < all.length ? items.at(-1)?.group : firstEnd;
  return { items, cursor, ungrouped: pages.reduce((sum, { ungrouped }) => sum + ungrouped, 0) };
}

function sumOfGroup(one: StoredFailures, other: StoredFailures): StoredFailures {
  return {
    group: one.group,
    count: one.count + other.count,
    firstAt: Math.min(one.firstAt, other.firstAt),
    sample: isNewer(one.sample, other.sample) ? one.sample : other.sample,
    trend: one.trend.map((deaths, hour) => plus(deaths, other.trend[hour] ?? null)),
  };
}

/** As in a sorted set: of two jobs of the same millisecond, the one with the greater id comes last. */
function isNewer(one: StoredJob, other: StoredJob): boolean {
  return one.at === other.at ? one.id > other.id : one.at > other.at;
}

function plus(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one + other;
}
