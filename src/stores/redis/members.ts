// The members of `due` that only Redis needs. The others are in core/store/score.ts.

/** Begins the member that indexes the lease of a running job. */
export const LEASE_MEMBER = " lease:";
export const PAUSED_MEMBER = " paused";
