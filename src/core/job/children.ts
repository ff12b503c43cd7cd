import type { ChildCounts } from "../store/family.ts";

/** What has become of the children of a job, as they were when it stopped waiting, or as they are while it waits. */
export interface JobChildren {
  /** How many it has. */
  readonly total: number;
  /** How many have not ended. */
  readonly pending: number;
  /** How many have completed. */
  readonly completed: number;
  /** How many are in the dead-letter queue. */
  readonly dead: number;
  /** How many were cancelled or cleared, have expired, or were removed from the dead-letter queue. */
  readonly dropped: number;
}

export function childrenInfo({ total, completed, dead, dropped }: ChildCounts): JobChildren {
  return { total, pending: total - completed - dead - dropped, completed, dead, dropped };
}
