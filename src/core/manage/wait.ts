import type { JobInfo } from "./job-info.ts";

// A power of two: half as long again is a whole number each time.
const FIRST_LOOK_MS = 256;
const RAREST_LOOK_MS = 5_000;
// A timer that is set for 2^31 ms or more overflows and rings at once.
const LONGEST_PAUSE_MS = 2e9;

/**
 * Looks at a job until it has ended, ever more rarely and not before its run time: about ten times in 30 s.
 *
 * @returns the job completed or dead, as it stands when the time is over, or null where there is none.
 */
export async function waitForEnd(
  look: () => Promise<JobInfo | null>,
  timeoutMs: number,
  now: () => number,
  sleep: (ms: number) => Promise<void>,
): Promise<JobInfo | null> {
  const end = now() + timeoutMs;
  for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 1.5, RAREST_LOOK_MS)) {
    const job = await look();
    const at = now();
    if (!job || job.completedAt || job.failedAt || !(at < end)) return job; // also where the timeout is no number
    await sleep(Math.min(Math.max(pause, Number(job.runAt) - at), end - at, LONGEST_PAUSE_MS));
  }
}
