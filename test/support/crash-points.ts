/** Where a process that drains can be killed. */
export const crashPoints = [
  /** Jobs were claimed, and the drain has not heard of it. */
  "claimed",
  /** A job has begun. */
  "performing",
  /** A job has done its work, and the drain has not heard of it. */
  "performed",
  /** Outcomes are about to be handed in. */
  "settling",
  /** They were handed in, and the drain has not heard of it. */
  "settled",
  /** A schedule is about to be fired: its jobs are made and it is moved on in one atomic step, so that nothing lies between. */
  "firing",
  /** It was fired, and the drain has not heard of it. */
  "fired",
] as const;

export type CrashPoint = (typeof crashPoints)[number];
