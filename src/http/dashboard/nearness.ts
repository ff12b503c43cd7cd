import type { JobRow } from "./shown-job.ts";

type Times = Pick<JobRow, "completedAt" | "failedAt" | "startedAt" | "runAt" | "enqueuedAt">;

/** First jobs that ran, the latest first, then those to come, the earliest first. */
export function byNearness(now: number): (one: Times, other: Times) => number {
  const distance = ({ completedAt, failedAt, startedAt, runAt, enqueuedAt }: Times) => {
    const at = (completedAt ?? failedAt ?? startedAt ?? runAt ?? enqueuedAt).getTime();
    return at <= now ? now - at : Number.MAX_SAFE_INTEGER / 2 + at;
  };
  return (one, other) => distance(one) - distance(other);
}
