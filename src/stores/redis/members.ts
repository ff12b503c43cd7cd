// The members of `due` that only Redis needs. The others are in core/store/score.ts.

/** Begins the member that indexes the lease of a running job. */
export const LEASE_MEMBER = " lease:";
export const PAUSED_MEMBER = " paused";
/**
 * Counts the job types that have a place for their metrics (lua/_windows.lua), and begins the members that name them.
 * It stays after the first use: a used queue without it was emptied.
 */
export const NAMES_MEMBER = " name:";
/** The score of that count while there are none. */
export const NO_NAMES = 2 ** 55;
