/** The queue that all of the benchmark uses. */
export const QUEUE = "bench";
