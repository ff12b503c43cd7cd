import type { QueueContext } from "../enqueue/context.ts";
import { readRecord } from "../job/record.ts";
import { invalidRequest } from "../shared/errors.ts";
import { MOST_LISTED_BYTES } from "../shared/limits.ts";
import { described, limit, optionsOf, string, word } from "../shared/schema.ts";
import { childId, readChildId, totalOf } from "../store/family.ts";
import { type JobState, jobStates } from "../store/store.ts";
import { type JobInfo, jobInfo } from "./job-info.ts";
import { existingJob } from "./jobs.ts";
import type { JobPage, ListOptions } from "./list.ts";

/** A page of children. */
export interface ChildListOptions extends Pick<ListOptions, "cursor" | "limit"> {
  /** Only children in this state. "pending": those that have not ended. Default: all. */
  readonly state?: JobState | "pending" | undefined;
}

const LONGEST_CURSOR = 7;

export const childListOptions = optionsOf<ChildListOptions>("listChildren", {
  state: described(
    word([...jobStates, "pending"]),
    "Only children in this state. pending: those that have not ended. Default: all.",
  ),
  cursor: string(LONGEST_CURSOR),
  limit,
});

export async function listChildren(needs: QueueContext, parent: string, given: ChildListOptions): Promise<JobPage> {
  const { cursor = "0", limit = 100, state } = childListOptions.read(given);
  if (!/^\d+$/.test(cursor)) throw invalidRequest("cursor must be the previous page's cursor.");
  const now = needs.clock();
  const stored = await existingJob(needs, parent, now);
  const total = stored.family ? totalOf(stored.family) : (readRecord(stored).children?.total ?? 0);
  const first = Number(cursor);
  const count = Math.max(0, Math.min(state ? total : limit, total - first));
  const ids = Array.from({ length: count }, (_, index) => childId(parent, first + index));
  const { jobs, rest } = await needs.store.findEach(ids, MOST_LISTED_BYTES, now);
  const found = jobs.flatMap((job): JobInfo | [] => jobInfo(job, needs, now) ?? []).filter(isIn(state));
  const shown = found.slice(0, limit);
  const isCut = shown.length < found.length;
  const next = isCut ? (readChildId(shown.at(-1)?.id ?? "")?.index ?? 0) + 1 : first + ids.length - rest.length;
  return {
    jobs: shown,
    cursor: next < total ? String(next) : null,
  };
}

const isIn =
  (wanted: ChildListOptions["state"]) =>
  ({ state }: JobInfo): boolean =>
    wanted === undefined || state === wanted || (wanted === "pending" && state !== "completed" && state !== "dead");
