import { busiestFirst } from "../../core/flow/busiest-keys.ts";
import type { FailureGroup } from "../../core/manage/failures.ts";
import type { QueueBrief, QueueStats } from "../../core/manage/stats.ts";
import type { Contents, Placed } from "./contents.ts";
import { byNearness } from "./find-jobs.ts";
import { bySoonest, MOST_NAMED, type Upcoming } from "./read-schedules.ts";
import type { JobRow } from "./shown-job.ts";

// A view of all queues together. Its rows name their queue. It has no second page: that is what one queue is for.

const MOST_ROWS = 100;

interface Part {
  readonly queue: string;
  readonly contents: Contents;
}

/** Of what a search has found, jobs that have its text as a whole value. */
export const wholeFirst = (one: JobRow, other: JobRow): number =>
  Number(other.isWhole ?? false) - Number(one.isWhole ?? false);

/** What broke last stands first. */
export const latestFirst = (one: FailureGroup, other: FailureGroup): number =>
  other.lastAt.getTime() - one.lastAt.getTime() || other.count - one.count;

/** Puts the contents of the same view of several queues together. */
export function together(parts: readonly Part[], now: number): Contents {
  const list = <Row>(rowsOf: (contents: Contents) => readonly Row[] | undefined): readonly (Row & Placed)[] =>
    parts.flatMap(({ queue, contents }) => rowsOf(contents)?.map((row) => ({ ...row, queue })) ?? []);
  const sum = (count: (contents: Contents) => number | undefined) =>
    parts.reduce((total, { contents }) => total + (count(contents) ?? 0), 0);
  const has = (name: keyof Contents) => parts.some(({ contents }) => contents[name] !== undefined);
  const rows = list(({ jobs }) => jobs?.rows);
  const failures = list((contents) => contents.failures?.failures);
  return {
    ...(has("jobs") && {
      jobs: {
        rows: [...rows].sort(byNearness(now)).sort(wholeFirst).slice(0, MOST_ROWS),
        cursor: null,
        isCut: rows.length > MOST_ROWS || parts.some(({ contents }) => contents.jobs?.cursor),
        ...(parts[0]?.contents.jobs?.examined !== undefined && { examined: sum(({ jobs }) => jobs?.examined) }),
      },
    }),
    ...(has("failures") && {
      failures: {
        failures: [...failures].sort(latestFirst).slice(0, MOST_ROWS),
        cursor: parts.find(({ contents }) => contents.failures?.cursor)?.contents.failures?.cursor ?? null,
        ungrouped: sum((contents) => contents.failures?.ungrouped),
        kinds: sum((contents) => contents.failures?.kinds),
      },
    }),
    ...(has("figures") && {
      figures: {
        names: list(({ figures }) => figures && [...figures.names, ...(figures.other ? [figures.other] : [])]),
        other: null,
      },
    }),
    ...(has("schedules") && { schedules: list(({ schedules }) => schedules) }),
    ...(has("upcoming") && { upcoming: upcomingOf(list(({ upcoming }) => upcoming && [upcoming])) }),
    ...(has("keys") && { keys: [...list(({ keys }) => keys)].sort(busiestFirst) }),
  };
}

/** What the next hour brings to several queues. */
export function upcomingOf(all: readonly (Upcoming & Placed)[]): Upcoming {
  const minutes = all[0]?.minutes.map(({ at }, index) => {
    const sum = (kind: "jobs" | "retries" | "occurrences") =>
      all.reduce((total, each) => total + (each.minutes[index]?.[kind] ?? 0), 0);
    return { at, jobs: sum("jobs"), retries: sum("retries"), occurrences: sum("occurrences") };
  });
  return {
    minutes: minutes ?? [],
    next: all
      .flatMap(({ next, queue = "" }) => next.map((event) => ({ ...event, queue })))
      .sort(bySoonest)
      .slice(0, MOST_NAMED),
    isCut: all.some(({ isCut }) => isCut),
  };
}

/** The statistics of several queues together, at least one. They are paused if all queues are. */
export function sumOfStats(all: readonly QueueStats[]): QueueStats {
  const next = all.flatMap(({ nextRunAt }) => nextRunAt?.getTime() ?? []);
  const ages = all.flatMap(({ oldestReadyAgeMs }) => oldestReadyAgeMs ?? []);
  const [first] = all as readonly [QueueStats];
  const counts = Object.entries(first).filter(([, value]) => typeof value === "number");
  const sum = (name: string) => all.reduce((total, stats) => total + Number(stats[name as keyof QueueStats]), 0);
  return {
    ...first,
    ...Object.fromEntries(counts.map(([name]) => [name, sum(name)])),
    nextRunAt: next[0] === undefined ? null : new Date(Math.min(...next)),
    oldestReadyAgeMs: ages[0] === undefined ? null : Math.max(...ages),
    paused: all.every(({ paused }) => paused),
  };
}

/** Several queues together, as another row of their list. */
export function totalOf(queues: readonly QueueBrief[]): QueueBrief {
  const ended = queues[0]?.ended.map((_, minute) => queues.reduce((sum, each) => sum + (each.ended[minute] ?? 0), 0));
  return { queue: "all queues", stats: sumOfStats(queues.map(({ stats }) => stats)), ended: ended ?? [] };
}
