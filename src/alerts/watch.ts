import { AttemptContext } from "../core/attempt/context.ts";
import { type AnyJob, defineJob, type JobContext, type Snooze } from "../core/job/define.ts";
import { type AttemptHost, withInner } from "../core/job/inner-options.ts";
import { MOST_RETRIES } from "../core/job/options.ts";
import { encodeRecord } from "../core/job/record.ts";
import { own } from "../core/job/reserved.ts";
import { isStoreFailure } from "../core/store/meter.ts";
import type { FollowUpJob } from "../core/store/store.ts";
import { type AlertPayload, hasGrown, LOOKS_APART_MS, readGroup, type Seen } from "./alert-job.ts";
import { firstMessages, floodMessage } from "./flood.ts";
import type { StoredMessage } from "./message.ts";

// A group of failures that somebody should hear of has a watch: one job, whose id is that of the group. A death stores
// it with its outcome, unless it is there. So a storm of deaths stores one, and it lives for as long as the group
// grows: it sends its alert, sleeps for an hour, and looks again. An hour after the last death it reports the end, and
// ends.

export const WATCH = `${own.name}watch`;

/** A storm begins with one death: after this time, the first message counts more of them. */
const FIRST_LOOK_AFTER_MS = 10_000;
/** A group still grows if one of its jobs has died in this time. What died in a storm an hour ago is no news. */
const STILL_GROWS_MS = 1_800_000;
/** How long a watch waits if the budget of the drain has no room for its look, or the store does not respond. */
const POSTPONED = "5s";

const nothing = { count: 0, lastAt: null };

interface WatchPayload {
  /** Null for a flood of groups. */
  readonly group: string | null;
  /** What the watch that has ended had seen. Default: nothing. */
  readonly seen?: Seen;
}

interface LastLook extends StoredMessage {
  /** Whether it was not sent, since there was a flood of groups. */
  readonly isUntold?: boolean;
}

function watchId(group: string): string {
  return `${own.id}watch:${group}`;
}

export function watchJob(group: string, at: number): FollowUpJob {
  const payload: WatchPayload = { group };
  const record = encodeRecord({ name: WATCH, payload, enqueuedAt: at });
  return { id: watchId(group), runAt: at + FIRST_LOOK_AFTER_MS, record };
}

export function defineWatch(names: readonly string[], alert: AnyJob): AnyJob {
  const maySendFirst = firstMessages(WATCH);

  const perform = async ({ group, seen = nothing }: WatchPayload, job: JobContext) => {
    const host = AttemptContext.hostOf(job);
    try {
      if (group === null) return await reportFlood(host, job);
      if (job.id === watchId(group)) return await look(group, host, job);
      return await startAgain(group, seen, host);
    } catch (error) {
      if (isStoreFailure(error)) return job.snooze(POSTPONED);
      throw error;
    }
  };

  async function look(group: string, host: AttemptHost, job: JobContext): Promise<Snooze | undefined> {
    const last = host.job.record.progress as LastLook | undefined;
    const found = await readGroup(group, host);
    const now = host.needs.clock();
    const quietMs = found ? now - Date.parse(found.lastAt ?? "") : Number.POSITIVE_INFINITY;
    const sent = last?.isUntold ? undefined : last;
    if (found && (!last || (hasGrown(found, last) && quietMs < STILL_GROWS_MS))) {
      const isUntold = !sent && !(await maySendFirst(host));
      if (!isUntold) send(found, job);
      host.keepProgress({ ...found, ...(isUntold && { isUntold }) } satisfies LastLook);
      return job.snooze(LOOKS_APART_MS);
    }
    if (quietMs < LOOKS_APART_MS) return job.snooze(LOOKS_APART_MS - quietMs);
    if (sent) send({ ...(found ?? sent), type: "over", count: found?.count ?? 0 }, job);
    // What dies until the outcome of this attempt is stored still finds the watch, and stores none.
    job.enqueue(WATCH, { group, seen: found ?? nothing }, withInner({}, { isOwn: true }));
    return undefined;
  }

  /** While this job is there, no other one reports a flood. */
  async function reportFlood(host: AttemptHost, job: JobContext): Promise<Snooze | undefined> {
    if (host.job.record.progress) return undefined;
    const message = await floodMessage(host);
    send(message, job);
    host.keepProgress(message);
    return job.snooze(LOOKS_APART_MS);
  }

  function send(message: StoredMessage, job: JobContext): void {
    for (const name of names)
      job.enqueue(alert, { alert: name, message } satisfies AlertPayload, withInner({}, { isOwn: true }));
  }

  // A crash costs an attempt, and the watch lives long.
  const definition = {
    name: WATCH,
    maxRetries: MOST_RETRIES,
    backoff: { type: "fixed", base: "10s" },
    perform,
  } as const;
  return defineJob(withInner(definition, { isOwn: true }));
}

/** Starts the watch of a group if jobs have died that it has not seen. */
async function startAgain(group: string, seen: Seen, { needs }: AttemptHost): Promise<undefined> {
  const found = await readGroup(group, { needs });
  if (!found || !hasGrown(found, seen)) return;
  const now = needs.clock();
  const { id, record } = watchJob(group, now);
  await needs.store.enqueue([{ id, isFreshId: true, runAt: now, record }], now);
}
