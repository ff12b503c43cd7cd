import { isSkewed, MOST_PEEKED, momentOf } from "../../core/store/score.ts";
import { MOST_PAUSED, type PausedJobs } from "../../core/store/stats.ts";
import type { NextDue, QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import * as scripts from "./scripts.generated.ts";
import { arrayOf } from "./values.ts";

export function peekCalls(caller: Caller) {
  const { due, manifest } = caller.keys;
  // The mark of a pause is the first member. Those of paused job types follow, and are skipped if there are some.
  const command = ["ZRANGE", due, "0", String(MOST_PEEKED - 1), "WITHSCORES"];
  const behindMarks = ["ZRANGE", due, "0", String(MOST_PEEKED + MOST_PAUSED), "WITHSCORES"];
  const first = async (head: unknown) =>
    String(arrayOf(head).at(-2)).startsWith(PAUSED_JOBS_MEMBER) ? (await caller.plain(behindMarks))[0] : head;
  return {
    async peek(now, withManifest = false) {
      if (!withManifest) return nextDue(await first((await caller.plain(command))[0]), now);
      const [head, active] = await caller.plain(command, ["GET", manifest]);
      return { ...nextDue(await first(head), now), manifest: typeof active === "string" ? active : undefined };
    },
    async setJobsPaused(name, pause) {
      const beginning = pauseMarkStart(name);
      // The name comes first.
      const { reason, by, since } = pause ?? {};
      const mark = pause && PAUSED_JOBS_MEMBER + JSON.stringify({ name, reason, by, since });
      return caller.run(scripts.pauseJobs, { beginning, mark });
    },
    async setPaused(paused) {
      await caller.plain(paused ? ["ZADD", due, "-1", PAUSED_MEMBER] : ["ZREM", due, PAUSED_MEMBER]);
    },
  } satisfies Partial<QueueStore>;
}

export function timeOf(score: string | number | undefined): number | undefined {
  return score === undefined ? undefined : momentOf(Number(score));
}

function nextDue(reply: unknown, now: number): NextDue {
  const head = arrayOf(reply).map(String);
  const paused = head[0] === PAUSED_MEMBER;
  const first = head.findIndex((score, index) => index % 2 === 1 && Number(score) >= 0) - 1;
  if (first < 0) return { paused, nextAt: undefined };
  const nextAt = timeOf(head[first + 1]);
  for (let at = first; at < head.length; at += 2) {
    const isBehind = nextAt !== undefined && nextAt > now;
    if (isBehind && isSkewed(head[at] as string, Number(head[at + 1]), now)) return { paused, nextAt: now };
  }
  return { paused, nextAt };
}

// The members of `due` that only Redis needs. The others are in core/store/score.ts.

/** Begins the member that indexes the lease of a running job. */
export const LEASE_MEMBER = " lease:";
export const PAUSED_MEMBER = " paused";
/** Is there while a job type is paused, and begins the mark of each of them. */
const PAUSED_JOBS_MEMBER = " paused:";

/** How the mark of this job type begins: no other one's does. */
export const pauseMarkStart = (name: string): string =>
  `${PAUSED_JOBS_MEMBER}${JSON.stringify({ name }).slice(0, -1)},`;

export const readPausedJobs = (text: string): PausedJobs => JSON.parse(text);
