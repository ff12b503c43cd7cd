const SECOND = 1_000;
const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [SECOND, "s"],
] as const;

export const number = (value: number): string =>
  value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 });

export const plural = (count: number, what: string): string => `${number(count)} ${what}${count === 1 ? "" : "s"}`;

/** With a capital at its beginning. */
export const capital = (text: string): string => text.replace(/^./, (first) => first.toUpperCase());

/** A duration in the largest unit of which there are at least two. */
export function span(ms: number): string {
  const [size, unit] = units.find(([each]) => ms >= 2 * each) ?? (ms < SECOND ? [1, "ms"] : [SECOND, "s"]);
  return `${number(ms / size)} ${unit}`;
}

/** "in 5 min", "5 min ago" */
export function distance(ms: number): string {
  const whole = Math.floor(Math.abs(ms) / SECOND) * SECOND;
  if (whole === 0) return "now";
  const far = span(whole);
  return ms > 0 ? `in ${far}` : `${far} ago`;
}

/** A time in the user's time zone, or in another one. */
export function moment(at: string | number, timeZone?: string): string {
  return new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone });
}

export const hour = (at: string): string =>
  new Date(at).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** @param timeStyle "medium" with seconds */
export const clock = (at: string | number, timeStyle: "short" | "medium" = "short"): string =>
  new Date(at).toLocaleTimeString("en-GB", { timeStyle });
