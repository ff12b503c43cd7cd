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

/** A time in a few letters: "5m ago", "40h ago", "in 3d", "now". */
export function shortly(time: Date, now: number): string {
  const ms = time.getTime() - now;
  const text = brief(Math.abs(ms)).replace(/\.\d/, "");
  return Math.abs(ms) < 1_000 ? "now" : ms > 0 ? `in ${text}` : `${text} ago`;
}

/** A duration in a few letters, in the largest unit of which there are two: "8ms", "2.3s", "76m", "2.5h". */
export function brief(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const [unit, unitMs] = units.find(([, each]) => ms >= 2 * each) ?? (["second", 1_000] as const);
  return `${Number((ms / unitMs).toFixed(ms < 10 * unitMs ? 1 : 0))}${unit.charAt(0)}`;
}

/** "2026-03-01 12:00:00 UTC" */
export function moment(time: Date, timeZone = "UTC"): string {
  return `${time.toLocaleString("sv-SE", { timeZone })} ${timeZone}`;
}
