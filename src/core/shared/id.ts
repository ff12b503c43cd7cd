import type { Clock } from "./clock.ts";

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");

/**
 * Makes a source of UUIDv7 ids (RFC 9562). They sort in the order in which they are made, even within one millisecond,
 * so that jobs that are due at the same time run in the order in which they were enqueued.
 */
export function timeOrderedIds(clock: Clock): () => string {
  let lastMs = -1;
  let sequence = 0;
  return () => {
    const ms = Math.trunc(clock());
    sequence = ms === lastMs ? sequence + 1 : 0;
    lastMs = ms;
    const time = hex(ms, 12);
    // 26 bits count, in the two groups that begin with the version and the variant. The last group is random.
    const [high, low] = [hex(sequence >> 14, 3), hex(0x8000 | (sequence & 0x3fff), 4)];
    const random = crypto.getRandomValues(new Uint8Array(6)).reduce((all, byte) => all * 256 + byte, 0);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${high}-${low}-${hex(random, 12)}`;
  };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** An id in a table: the end of a UUID, since many share the time at its beginning. */
export const shortId = (id: string): string => (uuid.test(id) ? id.slice(-8) : id);
