const DAY_MS = 24 * 3_600_000;
/** For how long nothing must have died of a group until it counts as over. */
const OVER_MS = 12 * 3_600_000;

/** Whether a group of failures is new or over: it began within a day, or nothing has died of it for half a day. */
export function failureAge(firstAtMs: number, lastAtMs: number, now: number): "new" | "over" | undefined {
  if (now - firstAtMs < DAY_MS) return "new";
  return now - lastAtMs > OVER_MS ? "over" : undefined;
}
