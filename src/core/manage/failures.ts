import type { QueueContext } from "../enqueue/context.ts";
import { foldedError } from "../job/failure-group.ts";
import { withLocks } from "../job/lock.ts";
import { nameText } from "../job/options.ts";
import { readRecord } from "../job/record.ts";
import { type Duration, momentBefore, type PointInTime } from "../shared/duration.ts";
import { MOST_LISTED_BYTES } from "../shared/limits.ts";
import { described, flag, formed, limit, optionsOf, orFirst, since } from "../shared/schema.ts";
import { groupPattern, nameBefore } from "../store/failures.ts";
import { DAY_MS } from "../store/stats.ts";
import type { QueueStore, StoredFailures } from "../store/store.ts";
import type { JobError } from "./job-info.ts";

/** Dead jobs of one name with the same error, apart from numbers, ids and quoted parts of its message. */
export interface FailureGroup {
  /** Selects these jobs: pass it to `listDeadLetter`, `retryFromDeadLetter` and `removeFromDeadLetter`. */
  readonly group: string;
  /** The name of the jobs. */
  readonly name: string;
  /** Their error. In the message, # is a number or an id, and "…" is a quoted part. At most 200 characters. */
  readonly error: Omit<JobError, "stack">;
  /** How many are dead now. */
  readonly count: number;
  /** When the first of them died. */
  readonly firstAt: Date;
  /** When the last of them died. */
  readonly lastAt: Date;
  /** The id of that last one. `getJob` shows its full error. */
  readonly sampleId: string;
  /**
   * How many of them were dead-lettered in each of the last 24 hours, oldest first; the last number is for the hour
   * until now. Null for an hour that was not counted: a large group counts at least its last 500 jobs.
   */
  readonly trend: readonly (number | null)[];
  /** "new" if the first of them died within a day, "over" if none has died for half a day; else null. */
  readonly age: "new" | "over" | null;
}

/** One page of the groups of failures. */
export interface FailurePage {
  /** At most `limit`, the largest first; with `latest`, the one in which a job died last. */
  readonly failures: readonly FailureGroup[];
  /** The next page's cursor; null on the last one. */
  readonly cursor: string | null;
  /** How many dead jobs are in no group: they died in a queue with `observe: false`. */
  readonly ungrouped: number;
  /** With `latest` or `name`: how many more groups are among the first 1,000. */
  readonly older?: number;
}

/** Which page of the groups to read. */
export interface FailuresOptions {
  /** The previous page's cursor. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
  /** Only groups in which a job has died since: a time, or how long ago. A page may then be short. */
  readonly since?: PointInTime | Duration | undefined;
  /** The groups with the latest deaths, of the first 1,000 after the cursor. Default: those that come first. */
  readonly latest?: boolean | undefined;
  /** Only groups of this job type, of the first 1,000 after the cursor. */
  readonly name?: string | undefined;
}

const EXAMPLE = "3f1c9a04b7de";
export const groupText = formed(groupPattern, EXAMPLE, `a group of failures, such as "${EXAMPLE}"`);

export const failuresOptions = optionsOf<FailuresOptions>("getFailures", {
  cursor: orFirst(
    described(formed(groupPattern, EXAMPLE, "the previous page's cursor"), "The previous page's cursor."),
  ),
  limit,
  since,
  latest: described(flag, "Only the groups with the latest deaths, of the first 1,000. Default false."),
  name: described(nameText, "Only groups of this job type, of the first 1,000."),
});

export const latestFirst = (one: FailureGroup, other: FailureGroup): number =>
  other.lastAt.getTime() - one.lastAt.getTime() || other.count - one.count;

const largestFirst = (one: FailureGroup, other: FailureGroup): number =>
  other.count - one.count || latestFirst(one, other);

const MOST_GROUPS_READ = 1_000;

export async function getFailures(needs: QueueContext, given: FailuresOptions): Promise<FailurePage> {
  const { cursor, limit = 100, since, latest = false, name } = failuresOptions.read(given);
  const now = needs.clock();
  const sinceMs = momentBefore(since, now);
  const isOfMany = latest || name !== undefined;
  const request = {
    cursor: cursor ?? undefined,
    limit: isOfMany ? MOST_GROUPS_READ : limit,
    mostBytes: MOST_LISTED_BYTES,
    now,
  };
  const page = await needs.store.failures(request);
  const failures = page.items
    .map((each) => failureGroup(each, now))
    .filter((each) => each.lastAt.getTime() >= sinceMs && (name ?? each.name) === each.name);
  failures.sort(latest ? latestFirst : largestFirst);
  const shown = failures.slice(0, limit);
  const older = isOfMany ? { older: failures.length - shown.length } : {};
  return { failures: shown, cursor: page.cursor ?? null, ungrouped: page.ungrouped, ...older };
}

export async function findGroup(
  store: Pick<QueueStore, "failures">,
  group: string,
  now: number,
  slotMs?: number,
): Promise<StoredFailures | undefined> {
  const page = { cursor: nameBefore(group), limit: 1, mostBytes: MOST_LISTED_BYTES, now, slotMs };
  const [found] = (await store.failures(page)).items;
  return found?.group === group ? found : undefined;
}

export function failureGroup({ group, count, firstAt, sample, trend }: StoredFailures, now: number): FailureGroup {
  const { name, end } = readRecord({ ...sample, record: withLocks(sample.record) });
  const { name: errorName = "Error", message = "unknown" } = end?.error ?? {};
  const times = { firstAt: new Date(firstAt), lastAt: new Date(sample.at) };
  const error = foldedError({ name: errorName, message });
  const age = now - firstAt < DAY_MS ? "new" : now - sample.at > DAY_MS / 2 ? "over" : null;
  return { group, name, error, count, ...times, sampleId: sample.id, trend, age };
}
