/** How long a job takes, in tenths of a ms: a whole number, so that all stores compute the same pace. */
export function tenthsOf(ms: number): number {
  return Math.round(ms * 10);
}
