import { unpack, WAITS_FOR_CHILDREN_AT } from "../../core/store/score.ts";
import type { JobState, StoredJob } from "../../core/store/store.ts";
import { readFlow } from "./flow.ts";

/** A live job. It is ready again once its lease has run out. */
export function dueJob(id: string, score: number, record: string, now: number): StoredJob {
  const { at, claims, isLeased } = unpack(score);
  const ahead: JobState = isLeased ? "running" : "scheduled";
  const job = { id, state: at <= now ? ("ready" as const) : ahead, at, claims };
  // A parent is not in the line of its key yet.
  return at === WAITS_FOR_CHILDREN_AT ? { ...job, record: readFlow(record).record } : { ...job, ...readFlow(record) };
}

export function deadJob(id: string, at: number, record: string): StoredJob {
  return { id, state: "dead", at, claims: 0, ...readFlow(record) };
}

/** A job that was found in one of the sets. */
export function foundJob(
  { id, set, score, record }: { id: string; set: "due" | "done" | "dead"; score: number; record: string },
  now: number,
): StoredJob {
  if (set === "done") return { id, state: "completed", record: readFlow(record).record, at: 0, claims: 0 };
  return set === "due" ? dueJob(id, score, record, now) : deadJob(id, score, record);
}

/** A completed job of a list: none if it has expired. */
export function completedJob(id: string, at: number, record: string): readonly StoredJob[] {
  return record === "" ? [] : [{ id, state: "completed", record: readFlow(record).record, at, claims: 0 }];
}
