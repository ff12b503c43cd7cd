import { CLAIM_CYCLE } from "./store.ts";

/**
 * How often drains have claimed a job that has never begun, and handed it back: the record of such a job ends with it.
 * So a job has begun if it was claimed more often than that: a store compares the two. As in lua/_prelude.lua.
 */
export function returnsOf(record: string): number {
  const [, returned] = /,"returned":(\d+)\}$/.exec(record) ?? [];
  return returned === undefined ? 0 : Number(returned) || CLAIM_CYCLE;
}

/** The record of a job that has never begun, and was claimed this often. */
export function withReturns(record: string, claims: number): string {
  return claims === 0 ? record : `${record.slice(0, -1)},"returned":${claims % CLAIM_CYCLE}}`;
}
