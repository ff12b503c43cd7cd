/** The bits of the number that identifies a group of failures. Redis keeps it in the score of a sorted set, exactly. */
const GROUP_BITS = 48;

/** The number of a group as its name: 12 hexadecimal digits, so that names sort as the numbers do. */
export function groupName(number: number): string {
  return number.toString(16).padStart(GROUP_BITS / 4, "0");
}

/** What every name of a group matches. */
export const groupPattern = /^[0-9a-f]{12}$/;

/** Groups of failures stand in the sorted set of dead jobs below zero, where no time does. */
export function groupScore(group: string): number {
  return Number.parseInt(group, 16) - 2 ** GROUP_BITS;
}

/** The name of the group that stands at a score. */
export function groupAt(score: number): string {
  return groupName(score + 2 ** GROUP_BITS);
}

/** How many hours a trend has. */
export const TREND_HOURS = 24;
const HOUR_MS = 3_600_000;

/** How many of some deaths fell into each of the last hours, oldest first. The last one ends now. */
export function trendOf(deaths: readonly number[], now: number): number[] {
  const trend = Array.from({ length: TREND_HOURS }, () => 0);
  for (const at of deaths) {
    const hour = TREND_HOURS - 1 - Math.max(0, Math.floor((now - at) / HOUR_MS));
    if (hour >= 0) trend[hour] = (trend[hour] ?? 0) + 1;
  }
  return trend;
}
