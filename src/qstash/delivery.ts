/** The name of the job that delivers a message. */
export const DELIVERY = "qstash_deliver";

/** How often a message, or a callback, is retried if nothing says. */
export const DEFAULT_RETRIES = 3;

/** How much longer an attempt may take than its delivery, so that a late delivery is a failure like any other. */
const ATTEMPT_MARGIN_MS = 1_000;

/** How long the attempt of a delivery may take. */
export function attemptTimeoutMs(deliveryMs: number): number {
  return deliveryMs + ATTEMPT_MARGIN_MS;
}
