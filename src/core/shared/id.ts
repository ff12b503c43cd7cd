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

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** An id in a table: the end of a UUID, since many share the time at its beginning. */
export const shortId = (id: string): string => (uuid.test(id) ? id.slice(-8) : id);
