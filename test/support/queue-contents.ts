import type { StoredDocument } from "../../src/core/store/documents.ts";
import type { FlowState } from "../../src/core/store/flow.ts";
import type { StoredNameMetrics } from "../../src/core/store/stats.ts";
import {
  type JobState,
  jobStates,
  type PageRequest,
  type QueueStore,
  type StoredJob,
} from "../../src/core/store/store.ts";
import { allPages } from "./all-pages.ts";

/** The size of the pages in which a queue is read. */
export type PageSize = Pick<PageRequest, "limit" | "mostBytes">;

/** All that can be read from a queue, in pages. */
export async function everythingIn(
  store: QueueStore,
  now: number,
  { limit = 2, mostBytes = 1_000_000 }: Partial<PageSize> = {},
): Promise<unknown> {
  const [lists, failures, schedules, outlook, stats, flows, documents, figures, pending, history] = await Promise.all([
    Promise.all(jobStates.map((state) => allOf(store, state, now, { limit, mostBytes }))),
    allFailures(store, now, { limit, mostBytes }),
    store.listSchedules(),
    store.peek(now, true),
    Promise.all([store.stats(now), store.stats(now, true)]),
    allFlows(store, now),
    allDocuments(store, now, { limit, mostBytes }),
    store.figures(now, 8),
    store.pending(now),
    store.history(now, 336),
  ]);
  const byState = Object.fromEntries(jobStates.map((state, index) => [state, lists[index]]));
  return {
    byState,
    failures,
    schedules: [...schedules].sort((a, b) => (a.key < b.key ? -1 : 1)),
    outlook,
    stats: [stats[0], { ...stats[1], names: inOrderOfNames(stats[1].names ?? []) }],
    flows,
    documents,
    figures: inOrderOfNames(figures),
    pending: { ...pending, counts: [...pending.counts].sort() },
    history,
  };
}

function inOrderOfNames(names: readonly StoredNameMetrics[]): readonly StoredNameMetrics[] {
  return [...names].sort((a, b) => ((a.name ?? "") < (b.name ?? "") ? -1 : 1));
}

async function allFlows(store: QueueStore, now: number): Promise<readonly FlowState[]> {
  const pages = await allPages((cursor) => store.listFlows({ cursor, limit: 2, now }));
  return pages.flatMap(({ items }) => items).sort((a, b) => (a.key < b.key ? -1 : 1));
}

async function allDocuments(store: QueueStore, now: number, size: PageSize): Promise<readonly StoredDocument[]> {
  const pages = await allPages((cursor) => store.listDocuments({ ...size, kind: "notes", cursor, now }));
  return pages.flatMap(({ items }) => items);
}

/** Every group of failures, with its jobs. */
async function allFailures(store: QueueStore, now: number, size: PageSize): Promise<unknown> {
  const pages = await allPages((cursor) => store.failures({ ...size, cursor, now }));
  const groups: unknown[] = [];
  for (const failures of pages.flatMap(({ items }) => items))
    groups.push({ ...failures, jobs: await allOf(store, "dead", now, { ...size, group: failures.group }) });
  return { groups, ungrouped: pages.at(-1)?.ungrouped };
}

async function allOf(
  store: QueueStore,
  state: JobState,
  now: number,
  size: PageSize & Pick<PageRequest, "group">,
): Promise<readonly StoredJob[]> {
  const pages = await allPages((cursor) => store.list(state, { ...size, cursor, now }));
  const items = pages.flatMap((page) => page.items);
  if (state === "completed")
    return [...items.filter(({ at }) => at > 0), ...inSomeOrder(items.filter(({ at }) => at === 0))];
  // Running jobs are listed by the ends of their leases alone.
  return state === "running" ? inSomeOrder(items) : items;
}

function inSomeOrder(jobs: readonly StoredJob[]): readonly StoredJob[] {
  return [...jobs].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}
