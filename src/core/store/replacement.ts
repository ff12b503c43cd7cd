// What a store knows of the text of records when a newer job replaces one that waits. It reads no JSON.

/**
 * The end of the record of a job that was claimed this often, and released each time before it started. As in
 * lua/enqueue.lua.
 */
export const returnedEnd = (claims: number): string => `,"returned":${claims}}`;

/**
 * Whether a job that waits can be replaced: it has never been attempted, and its record begins as it must.
 *
 * @param claims how often it was claimed.
 * @param beginning as in `NewJob.dedupe.replaces`.
 */
export function canBeReplaced(record: string, claims: number, beginning: string): boolean {
  return record.startsWith(beginning) && (claims === 0 || record.endsWith(returnedEnd(claims)));
}

/**
 * The record of the job in its place. A claim that was made stays counted, because its lease must never be given again.
 */
export function replacement(record: string, claims: number): string {
  return claims === 0 ? record : record.slice(0, -1) + returnedEnd(claims);
}
