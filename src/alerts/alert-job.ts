import { AttemptContext } from "../core/attempt/context.ts";
import { backoffMs } from "../core/job/backoff.ts";
import { type AnyJob, defineJob, type JobContext } from "../core/job/define.ts";
import { type AttemptHost, withInner } from "../core/job/inner-options.ts";
import { own } from "../core/job/reserved.ts";
import { failureGroup, findGroup } from "../core/manage/failures.ts";
import { isGrowing } from "../core/manage/pace.ts";
import { getActivity, type QueueStats } from "../core/manage/stats.ts";
import type { StoredMessage } from "./message.ts";
import { RESPONDS_WITHIN_MS, ReceiverError, type Target } from "./target.ts";

export const ALERT = `${own.name}alert`;

/** It is tried for about a day: after 30 s, 1 minute and so on, then every hour. */
const RETRIES = 30;
const BACKOFF = { base: "30s", max: "1h", jitter: 0.1 } as const;

/** How often the group of a message is looked at. */
export const LOOKS_APART_MS = 3_600_000;

export interface AlertPayload {
  /** The name of the alert. */
  readonly alert: string;
  readonly message: StoredMessage;
  /** For how many hours the silence had lasted that this message ends. Only after the first is it sent. */
  readonly silentHours?: number;
  /** Whether the job looks every hour if the queue still grows, until it does not. */
  readonly looksForGrowth?: boolean;
  /** Distinguishes callers that report the same silence in the same millisecond. */
  readonly sender?: string;
}

export function defineAlert(targets: readonly Target[]): AnyJob {
  const perform = async ({ alert, message, silentHours = 0, looksForGrowth }: AlertPayload, job: JobContext) => {
    const host = AttemptContext.hostOf(job);
    if (silentHours > 0 || (job.attempt > 1 && (await isSuperseded(message, job, host)))) return;
    const target = targets.find(({ name }) => name === alert);
    if (!target) throw new Error(`No alert is named "${alert}" in this deployment. Add it to the alerts of the queue.`);
    const now = host.needs.clock();
    const sending = { queue: job.queue, id: job.id, now, signal: job.signal };
    if (!looksForGrowth) return target.send(message, sending);
    const { stats } = await getActivity(host.needs);
    await target.send(growthMessage(stats, now), { ...sending, id: `${job.id}:${now}` });
    return isGrowing(stats) ? job.snooze(LOOKS_APART_MS) : undefined;
  };
  const definition = {
    name: ALERT,
    maxRetries: RETRIES,
    backoff: waitMs,
    timeout: RESPONDS_WITHIN_MS,
    perform,
  } as const;
  return defineJob(withInner(definition, { isOwn: true }));
}

export function growthMessage(stats: QueueStats, now: number): StoredMessage {
  const { readyCount, oldestReadyAgeMs, pace } = stats;
  return {
    ...{ type: isGrowing(stats) ? "growing" : "over", group: null, name: null, error: null, count: readyCount, pace },
    firstAt: oldestReadyAgeMs === null ? null : new Date(now - oldestReadyAgeMs).toISOString(),
    lastAt: null,
  };
}

/** A receiver that asks for a shorter wait would use up all retries in a minute. */
function waitMs(retry: number, error: unknown): number {
  const asked = error instanceof ReceiverError ? error.waitMs : 0;
  return Math.max(backoffMs(BACKOFF, retry, error, Math.random), asked);
}

/**
 * Whether a message that could not be sent at once would be misleading now, for a later one says more: the watch of a
 * group sends one every hour, and an end is none if jobs have died since.
 */
async function isSuperseded(message: StoredMessage, job: JobContext, host: AttemptHost): Promise<boolean> {
  const { type, group } = message;
  if (group === null) return false;
  if (type === "failures") return host.needs.clock() - job.enqueuedAt.getTime() >= LOOKS_APART_MS;
  const found = await readGroup(group, host);
  return found !== undefined && hasGrown(found, message);
}

/** What somebody has seen of a group of failures. */
export type Seen = Pick<StoredMessage, "count" | "lastAt">;

/** What a message says of a group now; undefined if none of its jobs is dead. */
export async function readGroup(
  group: string,
  { needs }: Pick<AttemptHost, "needs">,
): Promise<StoredMessage | undefined> {
  const now = needs.clock();
  const found = await findGroup(needs.store, group, now);
  if (!found) return undefined;
  const { name, error, count, firstAt, lastAt } = failureGroup(found, now);
  return { type: "failures", group, name, error, count, firstAt: firstAt.toISOString(), lastAt: lastAt.toISOString() };
}

/** Whether jobs have died since. A death may be stored after a later one. */
export function hasGrown(found: Seen, seen: Seen): boolean {
  return found.count > seen.count || (found.lastAt ?? "") > (seen.lastAt ?? "");
}
