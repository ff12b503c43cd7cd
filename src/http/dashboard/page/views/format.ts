const SECOND = 1_000;
const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [SECOND, "s"],
] as const;

// A page shows hundreds of numbers and times. To make a format takes a hundred times as long as to use it.
const integers = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const zones = new Map<string | undefined, Intl.DateTimeFormat>();
const times = {
  short: new Intl.DateTimeFormat("en-GB", { timeStyle: "short" }),
  medium: new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" }),
};
const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const hours = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export const number = (value: number): string => (value < 10 ? tenths : integers).format(value);

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
  const format =
    zones.get(timeZone) ?? new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone });
  zones.set(timeZone, format);
  return format.format(new Date(at));
}

export const hour = (at: string): string => hours.format(new Date(at));

/** @param timeStyle "medium" with seconds */
export const clock = (at: string | number, timeStyle: "short" | "medium" = "short"): string =>
  times[timeStyle].format(new Date(at));

/** A day of UTC. */
export const day = (at: string): string => days.format(new Date(at));
