import { encodeRecord } from "../core/job/record.ts";
import { own } from "../core/job/reserved.ts";
import { isGrowing } from "../core/manage/pace.ts";
import { getActivity, type QueueActivity } from "../core/manage/stats.ts";
import { atMostAWhile } from "../core/observe/afterwards.ts";
import type { Alerting, LookNeeds } from "../core/observe/alerts.ts";
import { logWarning } from "../core/observe/log.ts";
import { alarm } from "../core/shared/clock.ts";
import { HOUR_MS, MINUTE_MS } from "../core/store/stats.ts";
import { ALERT, type AlertPayload, growthMessage } from "./alert-job.ts";
import type { StoredMessage } from "./message.ts";
import { RESPONDS_WITHIN_MS, type Target } from "./target.ts";

/** A silence: something is due, and nothing has drained the queue since. Times are ms since 1970. */
interface Silence {
  readonly since: number;
  readonly message: StoredMessage;
}

/** Looks whether anything drains a queue, and whether it grows. If nothing does, whoever looks sends the message. */
export function queueWatch(targets: readonly Target[]): Alerting["look"] {
  const shortestMs = Math.min(...targets.flatMap(({ silentForMs, growingForMs }) => [silentForMs, growingForMs]));
  let lookedAt = Number.NEGATIVE_INFINITY;

  const lookNow = async (needs: LookNeeds, now: number): Promise<void> => {
    const { nextAt, paused } = await needs.store.peek(now);
    if (paused || nextAt === undefined || now - nextAt < shortestMs) return;
    const activity = await getActivity(needs);
    const silence = silenceOf(activity, nextAt, now);
    const lasts = silence ? now - silence.since : 0;
    const { stats } = activity;
    const growsFor = isGrowing(stats) ? (stats.oldestReadyAgeMs ?? 0) : 0;
    await Promise.all(
      targets.map(async (target) => {
        if (silence && lasts >= target.silentForMs) await sendSilence(target, silence, needs, now);
        else if (growsFor >= target.growingForMs) await sendGrowth(target, growthMessage(stats, now), needs, now);
      }),
    );
  };

  return (needs) => {
    const now = needs.clock();
    // The absolute distance, because a clock can be set back.
    if (shortestMs === Number.POSITIVE_INFINITY || Math.abs(now - lookedAt) < MINUTE_MS) return undefined;
    lookedAt = now;
    // Whoever looks wants something else of the store, and learns from that if it does not respond. They do not wait
    // for a receiver that hangs.
    return atMostAWhile(needs.clock, () => lookNow(needs, now));
  };
}

function silenceOf(activity: QueueActivity, nextAt: number, now: number): Silence | undefined {
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

/** The end of the last minute in which an attempt ended; undefined if none did in the last hour. */
function lastEndOf({ minutes }: QueueActivity, now: number): number | undefined {
  const last = minutes.filter(({ processed, retried, dead }) => processed + retried + dead > 0).at(-1);
  return last && Math.min(last.at.getTime() + MINUTE_MS, now);
}

/** The drain that ends a silence performs the job that says so. */
async function sendSilence(target: Target, { since, message }: Silence, needs: LookNeeds, now: number) {
  const silentHours = Math.floor((now - since - target.silentForMs) / HOUR_MS);
  const over: StoredMessage = { ...message, type: "over", count: 0 };
  const payload = { message: over, silentHours };
  await send(target, message, { id: `silent:${target.name}:${silentHours}`, since, runAt: now, payload }, needs, now);
}

/** A job looks every hour until the queue no longer grows. */
async function sendGrowth(target: Target, message: StoredMessage, needs: LookNeeds, now: number) {
  const follower = { id: `growing:${target.name}`, since: now, runAt: now + HOUR_MS };
  await send(target, message, { ...follower, payload: { message, looksForGrowth: true } }, needs, now);
}

interface Follower {
  readonly id: string;
  /** Since when there is what the message says. ms since 1970 */
  readonly since: number;
  readonly runAt: number;
  readonly payload: Omit<AlertPayload, "alert" | "sender">;
}

/** Sends a message to one receiver, unless another caller has done so: the job that it stores first says that. */
async function send(
  target: Target,
  message: StoredMessage,
  follower: Follower,
  needs: LookNeeds,
  now: number,
): Promise<void> {
  const { queue, clock, store, logger } = needs;
  const id = own.id + follower.id;
  const payload: AlertPayload = { alert: target.name, ...follower.payload, sender: crypto.randomUUID() };
  const record = encodeRecord({ name: ALERT, payload, enqueuedAt: now });
  const [reply] = await store.enqueue([{ id, isFreshId: true, runAt: follower.runAt, record }], now);
  if (reply?.status !== "enqueued") return;
  const late = new AbortController();
  const cancelAlarm = alarm(clock, RESPONDS_WITHIN_MS, () => late.abort());
  try {
    await target.send(message, { queue, id: `${id}:${follower.since}`, now, signal: late.signal });
  } catch (error) {
    // The next caller tries again.
    await store.cancel([id], now);
    logWarning(logger, (error as Error).message);
  } finally {
    cancelAlarm();
  }
}
