const units = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;

/** A duration in words, rounded: "3 days", "5 minutes", "0 seconds". */
export function span(ms: number): string {
  // Rounds up to the next unit: when it is shown, a delay of one day is already a little shorter.
  const isReached = (unitMs: number, smallerMs = 0) => ms >= unitMs - smallerMs / 2;
  const [unit, unitMs] =
    units.find(([, each], index) => isReached(each, units[index + 1]?.[1])) ?? (["second", 1_000] as const);
  const value = Math.round(ms / unitMs);
  return `${value.toLocaleString("en-US")} ${unit}${value === 1 ? "" : "s"}`;
}

/** A time relative to now: "in 5 minutes", "3 days ago", "now". */
export function fromNow(time: Date, now: number): string {
  const ms = time.getTime() - now;
  if (Math.abs(ms) < 1_000) return "now";
  return ms > 0 ? `in ${span(ms)}` : `${span(-ms)} ago`;
}

/** An estimate, in the largest unit of which there are two: "76 minutes", "2.5 hours". */
export function estimate(ms: number): string {
  const [unit, unitMs] = largest(ms);
  return `${Number((ms / unitMs).toFixed(ms < 10 * unitMs ? 1 : 0))} ${unit}s`;
}

const largest = (ms: number) => units.find(([, each]) => ms >= 2 * each) ?? (["second", 1_000] as const);

/** A past time in a few letters, in the largest unit of which there are two: "5m ago", "40h ago", "3d ago", "now". */
export function shortAgo(time: Date, now: number): string {
  const ms = Math.max(now - time.getTime(), 0);
  const [unit, unitMs] = largest(ms);
  return ms < 1_000 ? "now" : `${Math.floor(ms / unitMs)}${unit.charAt(0)} ago`;
}

/** A duration in a few letters: "8ms", "2.3s", "12s", "5m". */
export function brief(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)}s`;
  return ms < 120_000 ? `${Math.round(ms / 1_000)}s` : `${Math.round(ms / 60_000)}m`;
}

/** "2026-03-01 12:00:00 UTC" */
export function moment(time: Date, timeZone = "UTC"): string {
  return `${time.toLocaleString("sv-SE", { timeZone })} ${timeZone}`;
}
