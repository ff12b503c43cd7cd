// The members of `due` that only Redis needs: memory knows without them what they say. The others are in
// core/store/score.ts.

/** Begins the member that indexes the lease of a running job. */
export const LEASE_MEMBER = " lease:";
export const PAUSED_MEMBER = " paused";
/**
 * Counts the names of jobs that have a place for their figures (lua/_windows.lua), and begins the members that say
 * which. It stays once the queue was used: a queue that has lost it was emptied.
 */
export const NAMES_MEMBER = " name:";
/** The score of that count while there are none. */
export const NO_NAMES = 2 ** 55;
