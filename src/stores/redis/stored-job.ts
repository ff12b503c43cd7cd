import { unpack, WAITS_FOR_CHILDREN_AT } from "../../core/store/score.ts";
import type { JobState, StoredJob } from "../../core/store/store.ts";
import { readFlow } from "./flow.ts";

/** A job that was found in one of the sets. `score` is when a job has completed, 0 for unknown, or has become dead. */
export function storedJob(
  set: "due" | "completed" | "dead",
  { id, score, record }: { readonly id: string; readonly score: number; readonly record: string },
  now: number,
): StoredJob {
  if (set === "due") return dueJob(id, score, record, now);
  if (set === "dead") return deadJob(id, score, record);
  return { id, state: "completed", record: readFlow(record).record, at: score, claims: 0 };
}

/** A live job. It is ready again once its lease has run out. */
function dueJob(id: string, score: number, record: string, now: number): StoredJob {
  const { at, claims, isLeased } = unpack(score);
  const ahead: JobState = isLeased ? "running" : "scheduled";
  const job = { id, state: at <= now ? ("ready" as const) : ahead, at, claims };
  // A parent is not in the line of its key yet.
  return at === WAITS_FOR_CHILDREN_AT ? { ...job, record: readFlow(record).record } : { ...job, ...readFlow(record) };
}

export function deadJob(id: string, at: number, record: string): StoredJob {
  return { id, state: "dead", at, claims: 0, ...readFlow(record) };
}
