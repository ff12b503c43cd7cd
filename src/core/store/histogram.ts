/** One count for each of `durationBounds`, and one for everything above. */
export interface StoredHistogram {
  readonly counts: readonly number[];
  readonly sumMs: number;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** The upper bounds of a histogram's counts, in ms. One more count is for everything above them. */
export const durationBounds: readonly number[] = [
  10,
  25,
  50,
  100,
  250,
  500,
  SECOND_MS,
  2_500,
  5 * SECOND_MS,
  10 * SECOND_MS,
  30 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
];

/** Which count of a histogram a duration belongs to. */
export function bucketOf(ms: number): number {
  let bucket = 0;
  while (bucket < durationBounds.length && ms > (durationBounds[bucket] as number)) bucket++;
  return bucket;
}
