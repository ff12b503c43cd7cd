import type { Duration } from "../shared/duration.ts";
import type { JobInfo } from "./job-info.ts";

/** Options of `wait`. */
export interface WaitOptions {
  /** The longest wait. Default "30s". */
  readonly timeout?: Duration | undefined;
}

/** The first wait between two polls. Each one is half as long again: a power of two keeps the first whole numbers. */
const FIRST_WAIT_MS = 256;
const LONGEST_WAIT_MS = 5_000;
/** A timer for 2^31 ms or more overflows and fires at once. */
const LONGEST_TIMER_MS = 2e9;

/** Polls a job less and less often, and not before its run time, until it has ended or the time is over. */
export async function waitForEnd(
  poll: () => Promise<JobInfo | null>,
  timeoutMs: number,
  now: () => number,
  sleep: (ms: number) => Promise<void>,
): Promise<JobInfo | null> {
  const end = now() + timeoutMs;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
    const job = await poll();
    const at = now();
    if (!job || job.completedAt || job.failedAt || !(at < end)) return job; // also if the timeout is not a number
    await sleep(Math.min(Math.max(wait, Number(job.runAt) - at), end - at, LONGEST_TIMER_MS));
  }
}
