interface Run {
  readonly state: string;
  /** Why its last attempt failed. */
  readonly error?: string | undefined;
}

/** Whether the last job of a schedule that has ended or failed did so with an error. @param runs oldest first. */
export function isFailing(runs: readonly Run[]): boolean {
  return runs.findLast(({ state, error }) => error !== undefined || state === "completed")?.error !== undefined;
}
