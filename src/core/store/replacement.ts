import { CLAIM_CYCLE } from "./store.ts";

// How a newer job replaces one that waits, by the text of their records. As in lua/enqueue.lua.

/** The end of the record of a job that was claimed this often, and released each time before it started. */
export const returnedEnd = (claims: number): string => `,"returned":${claims % CLAIM_CYCLE}}`;

/**
 * Whether a job claimed so often can be replaced: never attempted, and its record has the beginning of `replaces` after
 * the digit of its version.
 */
export function canBeReplaced(record: string, claims: number, beginning: string): boolean {
  return record.startsWith(beginning, 1) && (claims === 0 || record.endsWith(returnedEnd(claims)));
}

/** The record of the new job. Earlier claims stay counted, so that no lease is given twice. */
export function replacement(record: string, claims: number): string {
  return claims === 0 ? record : record.slice(0, -1) + returnedEnd(claims);
}
