/*
 * The sizes of requests. Upstash accepts and returns at most 10 MB (10 * 1024 * 1024 bytes) at once.
 *
 * The bounds count records in bytes of UTF-8. A record is sent as a text within JSON, where quotes and backslashes take
 * twice their bytes. So the records of one request or response stay below 5 MiB. A single record may be larger than its
 * bound, up to `LARGEST_RECORD`. Then it is sent alone.
 */

import { tooLarge } from "./errors.ts";

export const MEBIBYTE = 1024 * 1024;

export const LARGEST_PAYLOAD = 5 * MEBIBYTE;

/** The most jobs that one atomic call stores. */
export const MOST_AT_ONCE = 1_000;

/** The most bytes of records in a request that stores the jobs of several calls, not counting its first. */
export const MOST_ENQUEUED_BYTES = 4 * MEBIBYTE;

/** The most bytes of records, not counting the first, in a request that settles jobs or retries dead ones. */
export const MOST_SETTLED_BYTES = 4 * MEBIBYTE;

/** The most bytes of records, not counting the first, in the firings of one exchange. It may settle jobs as well. */
export const MOST_FIRED_BYTES = 512 * 1024;

/** The largest payload of a recurring job, in bytes. Firing sends it twice: with the schedule and the job. */
export const LARGEST_RECURRING_PAYLOAD = 1 * MEBIBYTE;

/** The most bytes of records, not counting the first, that one claim returns. */
export const MOST_CLAIMED_BYTES = 4 * MEBIBYTE;

/** The most bytes of records after the first on a page: a response holds more, and Vercel's may have 4.5 MB. */
export const MOST_LISTED_BYTES = 3 * MEBIBYTE;

/** The largest record, including what attempts add to it, in bytes as it is sent: as a text within JSON. */
export const LARGEST_RECORD = 8 * MEBIBYTE;

/**
 * The most bytes of records, as they are sent, that one atomic call stores. Upstash takes 10 MiB, which leaves room for
 * the ids, keys and options of 1,000 jobs. A single job may always be stored.
 */
export const MOST_TOGETHER_BYTES = 8 * MEBIBYTE;

export const MOST_BYTES_PER_UNIT = 3;

const encoder = new TextEncoder();
/** Short texts are encoded here to count their bytes: a new array for each costs a fifth of settling a job. */
const scratch = new Uint8Array(4_096 * MOST_BYTES_PER_UNIT);

export function bytesOf(text: string): number {
  const isShort = text.length * MOST_BYTES_PER_UNIT <= scratch.length;
  return isShort ? encoder.encodeInto(text, scratch).written : encoder.encode(text).length;
}

/** Up to this length a text counts with the most bytes that it may have: counting them takes too long. */
const SHORT = 1_024;

/** The most bytes that a text may have: exact, unless it is short. */
export function mostBytesOf(text: string): number {
  return text.length <= SHORT ? text.length * MOST_BYTES_PER_UNIT : bytesOf(text);
}

/** Whether a text has more bytes than `most`. Bytes are counted only if the length does not decide it. */
export function isLarger(text: string, most: number): boolean {
  return text.length * MOST_BYTES_PER_UNIT > most && (text.length > most || bytesOf(text) > most);
}

/** Refuses jobs that one request cannot store. @param what they are. @throws {TidegateError} `payload_too_large` */
export function checkTogether(jobs: readonly { readonly record: string }[], what: string): void {
  const units = jobs.reduce((sum, { record }) => sum + record.length, 0);
  if (units * MOST_BYTES_PER_UNIT <= MOST_TOGETHER_BYTES) return;
  if (firstPiece(jobs, ({ record }) => JSON.stringify(record), MOST_TOGETHER_BYTES).length < jobs.length)
    throw tooLarge(
      `${what} are larger than ${MOST_TOGETHER_BYTES / MEBIBYTE} MiB together, as they are sent. One request stores all of them. Enqueue fewer at once, or store the data elsewhere and enqueue references to it.`,
    );
}

/** Cuts a list into pieces of up to 1,000 items, whose texts have no more bytes than `most`, not counting the first. */
export function* inPieces<Item>(
  items: readonly Item[],
  textOf: (item: Item) => string,
  most: number,
): Generator<readonly Item[]> {
  for (let first = 0; first < items.length; ) {
    const piece = firstPiece(items.slice(first, first + MOST_AT_ONCE), textOf, most);
    yield piece;
    first += piece.length;
  }
}

/** The first items: those whose texts have no more bytes than `most` together, but at least one. */
export function firstPiece<Item>(items: readonly Item[], textOf: (item: Item) => string, most: number) {
  const texts = items.map(textOf);
  const units = texts.reduce((sum, text) => sum + text.length, 0);
  if (units * MOST_BYTES_PER_UNIT <= most) return items;
  let bytes = 0;
  const index = texts.findIndex((text) => {
    bytes += bytesOf(text);
    return bytes > most;
  });
  return index < 0 ? items : items.slice(0, Math.max(1, index));
}
