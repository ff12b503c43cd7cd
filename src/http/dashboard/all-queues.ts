import { busiestFirst } from "../../core/flow/flow-key.ts";
import { latestFirst } from "../../core/manage/failures.ts";
import { byNearness } from "../../core/manage/list.ts";
import { latestChangeFirst } from "../../core/observe/changes.ts";
import { bySoonest, MOST_NAMED, type Upcoming } from "../../core/queue/upcoming.ts";
import type { Contents, Placed, UpcomingThere } from "./contents.ts";
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

/** Puts the contents of the same view of several queues together. */
export function together(parts: readonly Part[], now: number): Contents {
  const list = <Row>(rowsOf: (contents: Contents) => readonly Row[] | undefined): (Row & Placed)[] =>
    parts.flatMap(({ queue, contents }) => rowsOf(contents)?.map((row) => ({ ...row, queue })) ?? []);
  const sum = (count: (contents: Contents) => number | undefined) =>
    parts.reduce((total, { contents }) => total + (count(contents) ?? 0), 0);
  const has = (name: keyof Contents) => parts.some(({ contents }) => contents[name] !== undefined);
  const rows = list(({ jobs }) => jobs?.rows);
  const failures = list((contents) => contents.failures?.failures);
  const isSearch = parts[0]?.contents.jobs?.examined !== undefined;
  const rest = parts.flatMap(({ queue, contents: { jobs } }) => (jobs?.cursor ? [{ queue, cursor: jobs.cursor }] : []));
  return {
    ...(has("jobs") && {
      jobs: {
        rows: rows
          .sort(byNearness(now))
          .sort(wholeFirst)
          .slice(0, isSearch ? undefined : MOST_ROWS),
        cursor: null,
        ...(isSearch
          ? { examined: sum(({ jobs }) => jobs?.examined), rest }
          : { isCut: rows.length > MOST_ROWS || rest[0] !== undefined }),
      },
    }),
    ...(has("failures") && {
      failures: {
        failures: failures.sort(latestFirst).slice(0, MOST_ROWS),
        cursor: parts.find(({ contents }) => contents.failures?.cursor)?.contents.failures?.cursor ?? null,
        ungrouped: sum((contents) => contents.failures?.ungrouped),
        older: sum((contents) => contents.failures?.older) + Math.max(0, failures.length - MOST_ROWS),
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
    ...(has("changes") && {
      changes: list(({ changes }) => changes)
        .sort(latestChangeFirst)
        .slice(0, MOST_ROWS),
    }),
    ...(has("keys") && { keys: list(({ keys }) => keys).sort(busiestFirst) }),
  };
}

function upcomingOf(all: readonly (Upcoming & Placed)[]): UpcomingThere {
  const minutes = all[0]?.minutes.map(({ at }, index) => {
    const sum = (kind: "jobs" | "retries" | "occurrences") =>
      all.reduce((total, each) => total + (each.minutes[index]?.[kind] ?? 0), 0);
    return { at, jobs: sum("jobs"), retries: sum("retries"), occurrences: sum("occurrences") };
  });
  const next = all.flatMap(({ next, queue = "" }) => next.map((event) => ({ ...event, queue }))).sort(bySoonest);
  return {
    minutes: minutes ?? [],
    more: all.reduce((sum, { more }) => sum + more, Math.max(0, next.length - MOST_NAMED)),
    next: next.slice(0, MOST_NAMED),
    isCut: all.some(({ isCut }) => isCut),
  };
}
