import { isAstray, MOST_PEEKED, momentOf } from "../../core/store/score.ts";
import type { NextDue, QueueStore } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { arrayOf } from "./values.ts";

export function peekCalls(caller: Caller): Pick<QueueStore, "peek" | "setPaused"> {
  const { due, manifest } = caller.keys;
  // The mark of a pause is the first member.
  const command = ["ZRANGE", due, "0", String(MOST_PEEKED - 1), "WITHSCORES"];
  return {
    async peek(now, withManifest = false) {
      if (!withManifest) return nextDue((await caller.plain(command))[0], now);
      const [head, active] = await caller.plain(command, ["GET", manifest]);
      return { ...nextDue(head, now), manifest: typeof active === "string" ? active : undefined };
    },
    async setPaused(paused) {
      await caller.plain(paused ? ["ZADD", due, "-1", PAUSED_MEMBER] : ["ZREM", due, PAUSED_MEMBER]);
    },
  };
}

/** The time of a score; undefined for none, and for never. */
export function timeOf(score: string | number | undefined): number | undefined {
  return score === undefined ? undefined : momentOf(Number(score));
}

/** Reads the first members of `due`, with their scores. */
function nextDue(reply: unknown, now: number): NextDue {
  const head = arrayOf(reply).map(String);
  const paused = head[0] === PAUSED_MEMBER;
  const first = paused ? 2 : 0;
  const nextAt = timeOf(head[first + 1]);
  for (let at = first; at < head.length; at += 2) {
    const isBehind = nextAt !== undefined && nextAt > now;
    if (isBehind && isAstray(head[at] as string, Number(head[at + 1]), now)) return { paused, nextAt: now };
  }
  return { paused, nextAt };
}

// The members of `due` that only Redis needs. The others are in core/store/score.ts.

/** Begins the member that indexes the lease of a running job. */
export const LEASE_MEMBER = " lease:";
export const PAUSED_MEMBER = " paused";
