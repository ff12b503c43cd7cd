/** The bits of the number that identifies a group of failures: a score of a sorted set holds it exactly. */
const GROUP_BITS = 48;

/** The number of a group as its name: 12 hexadecimal digits, so that names sort as the numbers do. */
export function groupName(number: number): string {
  return number.toString(16).padStart(GROUP_BITS / 4, "0");
}

/** The name just before that of a group, as a cursor; undefined for the first. */
export function nameBefore(group: string): string | undefined {
  const number = Number.parseInt(group, 16);
  return number === 0 ? undefined : groupName(number - 1);
}

export const groupPattern = /^[0-9a-f]{12}$/;

/** In the sorted set of dead jobs, groups of failures have scores below zero. Times do not. */
export function groupScore(group: string): number {
  return Number.parseInt(group, 16) - 2 ** GROUP_BITS;
}

export function groupAt(score: number): string {
  return groupName(score + 2 ** GROUP_BITS);
}

/** How many jobs of a group are read for what their payloads have in common: the newest. */
export const MOST_EXAMINED = 100;

export const TREND_SLOT_MS = 3_600_000;
const TREND_MS = 24 * TREND_SLOT_MS;

/** How many jobs became dead in each slot of the last 24 hours, oldest first. The last slot ends now. */
export function trendOf(deadSince: readonly number[], now: number, slotMs = TREND_SLOT_MS): number[] {
  const trend = Array.from({ length: TREND_MS / slotMs }, () => 0);
  for (const at of deadSince) {
    const slot = trend.length - 1 - Math.max(0, Math.floor((now - at) / slotMs));
    if (slot >= 0) trend[slot] = (trend[slot] ?? 0) + 1;
  }
  return trend;
}
