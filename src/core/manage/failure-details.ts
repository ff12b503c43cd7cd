import type { QueueContext } from "../enqueue/context.ts";
import { isObject } from "../shared/schema.ts";
import { MOST_EXAMINED } from "../store/failures.ts";
import { MINUTE_MS } from "../store/stats.ts";
import type { StoredFailures } from "../store/store.ts";
import { type FailureGroup, failureGroup, findGroup, groupText } from "./failures.ts";
import type { DeadJob } from "./job-info.ts";
import { listDead } from "./list.ts";

/** A group of failures, and what its jobs have in common. */
export interface FailureDetails extends FailureGroup {
  /**
   * How many of them were dead-lettered in each of the last 60 minutes, oldest first; the last number is for the minute
   * until now. Null for a minute that was not counted, as in `trend`.
   */
  readonly byMinute: readonly (number | null)[];
  /** The fields in the payloads of its latest 100 jobs. First come those in which most jobs have the same value. */
  readonly affected: readonly AffectedField[];
}

/** A field of payloads, and its most frequent values. */
export interface AffectedField {
  /** Its name; "user.email" inside of another field, and "" for a payload that is no object. */
  readonly field: string;
  /** At most five, the most frequent first. */
  readonly values: readonly { readonly value: string | number | boolean; readonly count: number }[];
  /** How many of the jobs have the field. */
  readonly of: number;
}

const MOST_FIELDS = 10;
const MOST_VALUES = 5;
const DEEPEST = 3;
const LONGEST_VALUE = 200;

/**
 * Reads one group, null if none of its jobs is dead any more, and the page of its jobs that was read for it.
 *
 * @param cursor of a later page: then of its jobs and not of the latest
 */
export async function readFailure(needs: QueueContext, group: string, cursor?: string) {
  groupText.read(group, "group");
  const now = needs.clock();
  const [found, page] = await Promise.all([
    findGroup(needs.store, group, now, MINUTE_MS),
    listDead(needs, { group, cursor, limit: MOST_EXAMINED }),
  ]);
  return { failure: found ? detailsOf(found, page.jobs, now) : null, page };
}

/** @param found with a trend by the minute */
function detailsOf(found: StoredFailures, latest: readonly DeadJob[], now: number): FailureDetails {
  const { trend: minutes } = found;
  const trend = Array.from({ length: minutes.length / 60 }, (_, hour) => {
    const known = minutes.slice(hour * 60, hour * 60 + 60).filter((each) => each !== null);
    return known[0] === undefined ? null : known.reduce((sum, each) => sum + each);
  });
  return { ...failureGroup({ ...found, trend }, now), byMinute: minutes.slice(-60), affected: affectedBy(latest) };
}

function affectedBy(jobs: readonly DeadJob[]): readonly AffectedField[] {
  const fields = new Map<string, Map<string | number | boolean, number>>();
  const see = (value: unknown, path: readonly string[]): void => {
    if (isObject(value) && path.length < DEEPEST)
      for (const [name, inner] of Object.entries(value)) see(inner, [...path, name]);
    if (typeof value === "string" ? value.length > LONGEST_VALUE : !/number|boolean/.test(typeof value)) return;
    const field = path.join(".");
    const counts = fields.get(field) ?? new Map();
    fields.set(field, counts.set(value, (counts.get(value) ?? 0) + 1));
  };
  for (const { payload } of jobs) see(payload, []);
  const affected = [...fields].map(([field, counts]): AffectedField => {
    const values = [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
    const of = values.reduce((sum, { count }) => sum + count, 0);
    return { field, values: values.slice(0, MOST_VALUES), of };
  });
  const top = ({ values: [first] }: AffectedField) => first?.count ?? 0;
  return affected.sort((one, other) => top(other) - top(one)).slice(0, MOST_FIELDS);
}
