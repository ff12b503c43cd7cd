import { durationMs, durationText, LATEST_TIME_MS } from "../shared/duration.ts";
import { invalidRequest } from "../shared/errors.ts";
import type { Recurrence } from "./cron.ts";

// How an interval is stored: in place of a cron expression, of which none begins like this.
const PREFIX = "@every ";

const SHORTEST_MS = 1_000;

export function intervalText(every: unknown): string {
  const ms = durationMs(every, "every");
  if (ms < SHORTEST_MS) throw invalidRequest('every must be at least a second: "1s".');
  return PREFIX + durationText(ms);
}

/**
 * Reads what `intervalText` has written: it fires at each multiple of the interval since 1970, so that all processes
 * agree, whenever they start. Undefined if the text is a cron expression.
 */
export function readInterval(text: string): (Recurrence & { readonly interval: string }) | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const interval = text.slice(PREFIX.length);
  const ms = durationMs(interval, "every");
  return {
    interval,
    next(afterMs) {
      const at = (Math.floor(afterMs / ms) + 1) * ms;
      return at <= LATEST_TIME_MS ? at : undefined;
    },
  };
}
