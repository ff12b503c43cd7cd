/** Where a process that drains can be killed. */
export const crashPoints = [
  /** Jobs were claimed, and the drain does not know it yet. */
  "claimed",
  /** A job has started. */
  "performing",
  /** A job has done its work, and the drain does not know it yet. */
  "performed",
  /** Outcomes are about to be settled. */
  "settling",
  /** They were settled, and the drain does not know it yet. */
  "settled",
  /** A schedule is about to fire: one atomic step makes its jobs and moves it on, so there is no point in between. */
  "firing",
  /** It fired, and the drain does not know it yet. */
  "fired",
] as const;

export type CrashPoint = (typeof crashPoints)[number];
