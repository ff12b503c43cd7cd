import { type Duration, durationMs } from "../shared/duration.ts";
import type { JobRecord } from "./record.ts";

/**
 * When a job expires that has not begun; undefined if it has begun, or never expires.
 *
 * @param expires what its definition says. The record may say something else.
 */
export function expiryOf(
  { expiresMs, snoozed, revivedAt }: JobRecord,
  expires: Duration | undefined,
  runAt: number,
  attempts: number,
): number | undefined {
  const after = expiresMs ?? expires;
  if (after === undefined || attempts > 0 || snoozed || revivedAt !== undefined) return undefined;
  return runAt + durationMs(after, "expires");
}
