import type { AttemptHost } from "../core/job/inner-options.ts";
import { encodeRecord } from "../core/job/record.ts";
import { own } from "../core/job/reserved.ts";
import { LOOKS_APART_MS } from "./alert-job.ts";
import type { StoredMessage } from "./message.ts";

// If each failure is a group of its own, a message for each would be a flood, and receivers refuse floods. So after
// some first messages within an hour, the watches of other groups send none. One job sends one message for all of them.

/** How many groups an isolate reports within an hour before it asks whether there is a flood. */
const FREE = 5;
/** How many first messages one isolate sends within an hour. */
const MOST = 20;
/** How long after its beginning a flood is reported: it is counted then. */
const REPORTED_AFTER_MS = 10_000;

const FLOOD_ID = `${own.id}flood`;

/**
 * Counts what the watches of one isolate have reported.
 *
 * @returns whether the watch of a group may send its first message. Else the flood is reported.
 */
export function firstMessages(watch: string) {
  let sentAt: readonly number[] = [];
  return async ({ needs }: Pick<AttemptHost, "needs">): Promise<boolean> => {
    const { clock, store } = needs;
    const now = clock();
    sentAt = sentAt.filter((at) => Math.abs(now - at) < LOOKS_APART_MS);
    const sent = sentAt.length;
    // Counted before the store replies: the watches of other groups ask at the same time.
    sentAt = [...sentAt, now];
    if (sent < FREE || (sent < MOST && !(await isFlood(store, now)))) return true;
    sentAt = sentAt.slice(0, -1);
    const record = encodeRecord({ name: watch, payload: { group: null }, enqueuedAt: now });
    await store.enqueue([{ id: FLOOD_ID, isFreshId: true, runAt: now + REPORTED_AFTER_MS, record }], now);
    return false;
  };
}

async function isFlood(store: AttemptHost["needs"]["store"], now: number): Promise<boolean> {
  const found = await store.find(FLOOD_ID, now);
  // One that has ended is kept for a while.
  return found !== undefined && found.state !== "completed";
}

export async function floodMessage({ needs }: Pick<AttemptHost, "needs">): Promise<StoredMessage> {
  const { dead } = await needs.store.stats(needs.clock());
  return { type: "failures", group: null, name: null, error: null, count: dead, firstAt: null, lastAt: null };
}
