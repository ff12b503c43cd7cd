import { v7 } from "uuid";
import type { Clock } from "./clock.ts";

/**
 * Makes a source of UUIDv7 ids (RFC 9562). They sort in the order in which they are made, even within one millisecond,
 * so that jobs that are due at the same time run in the order in which they were enqueued.
 */
export function timeOrderedIds(clock: Clock): () => string {
  let lastMs = -1;
  let sequence = 0;
  return () => {
    const msecs = clock();
    sequence = msecs === lastMs ? sequence + 1 : 0;
    lastMs = msecs;
    return v7({ msecs, seq: sequence });
  };
}
