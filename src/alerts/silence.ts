import { encodeRecord } from "../core/job/record.ts";
import { own } from "../core/job/reserved.ts";
import { getActivity, type QueueActivity } from "../core/manage/stats.ts";
import { atMostAWhile } from "../core/observe/afterwards.ts";
import type { SilenceNeeds } from "../core/observe/alerts.ts";
import { logWarning } from "../core/observe/log.ts";
import { alarm } from "../core/shared/clock.ts";
import { MINUTE_MS } from "../core/store/stats.ts";
import { ALERT, type AlertPayload } from "./alert-job.ts";
import type { StoredMessage } from "./message.ts";
import { RESPONDS_WITHIN_MS, type Target } from "./target.ts";

const LOOKS_APART_MS = 60_000;
const HOUR_MS = 3_600_000;

/** A silence: something is due, and nothing has drained the queue since. Times are ms since 1970. */
interface Silence {
  readonly since: number;
  readonly message: StoredMessage;
}

/** Looks whether anything drains a queue. If nothing does, no job would run, so whoever looks sends the message. */
export class SilenceWatch {
  readonly #targets: readonly Target[];
  readonly #shortestMs: number;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(targets: readonly Target[]) {
    this.#targets = targets;
    this.#shortestMs = Math.min(...targets.map(({ silentForMs }) => silentForMs));
  }

  look(needs: SilenceNeeds): Promise<void> | undefined {
    if (this.#shortestMs === Number.POSITIVE_INFINITY) return undefined;
    const now = needs.clock();
    // The absolute distance, because a clock can be set back.
    if (Math.abs(now - this.#lookedAt) < LOOKS_APART_MS) return undefined;
    this.#lookedAt = now;
    // Whoever looks wants something else of the store, and learns from that if it does not respond. They do not wait
    // for a receiver that hangs.
    return atMostAWhile(needs.clock, () => this.#lookNow(needs, now));
  }

  async #lookNow(needs: SilenceNeeds, now: number): Promise<void> {
    const silence = await this.#silenceOf(needs, now);
    if (!silence) return;
    const lasts = now - silence.since;
    const waiting = this.#targets.filter(({ silentForMs }) => lasts >= silentForMs);
    await Promise.all(waiting.map((target) => send(target, silence, needs, now)));
  }

  async #silenceOf(needs: SilenceNeeds, now: number): Promise<Silence | undefined> {
    const { nextAt, paused } = await needs.store.peek(now);
    if (paused || nextAt === undefined || now - nextAt < this.#shortestMs) return undefined;
    const activity = await getActivity(needs);
    const lastAt = lastEndOf(activity, now);
    const { readyCount, runningCount } = activity.stats;
    if (runningCount > 0) return undefined;
    return {
      since: Math.max(nextAt, lastAt ?? 0),
      message: {
        ...{ type: "silent", group: null, name: null, error: null, count: readyCount },
        firstAt: new Date(nextAt).toISOString(),
        lastAt: lastAt === undefined ? null : new Date(lastAt).toISOString(),
      },
    };
  }
}

/** The end of the last minute in which an attempt ended; undefined if none did in the last hour. */
function lastEndOf({ minutes }: QueueActivity, now: number): number | undefined {
  const last = minutes.filter(({ processed, retried, dead }) => processed + retried + dead > 0).at(-1);
  return last && Math.min(last.at.getTime() + MINUTE_MS, now);
}

/**
 * Sends the message of a silence to one receiver, unless another caller has done so within the hour. The job that it
 * stores first says that, and the drain that ends the silence performs it.
 */
async function send(target: Target, { since, message }: Silence, needs: SilenceNeeds, now: number): Promise<void> {
  const { queue, clock, store, logger } = needs;
  const silentHours = Math.floor((now - since - target.silentForMs) / HOUR_MS);
  const id = `${own.id}silent:${target.name}:${silentHours}`;
  const over: StoredMessage = { ...message, type: "over", count: 0 };
  const payload: AlertPayload = { alert: target.name, message: over, silentHours, sender: crypto.randomUUID() };
  const record = encodeRecord({ name: ALERT, payload, enqueuedAt: now });
  const [reply] = await store.enqueue([{ id, isFreshId: true, runAt: now, record }], now);
  if (reply?.status !== "enqueued") return;
  const late = new AbortController();
  const cancelAlarm = alarm(clock, RESPONDS_WITHIN_MS, () => late.abort());
  try {
    await target.send(message, { queue, id: `${id}:${since}`, now, signal: late.signal });
  } catch (error) {
    // The next caller tries again.
    await store.cancel([id], now);
    logWarning(logger, (error as Error).message);
  } finally {
    cancelAlarm();
  }
}
