import { groupScore } from "../../core/store/failures.ts";
import { againScore, leaseScore } from "../../core/store/score.ts";
import { COUNTERS, countersOf, SLOWEST } from "../../core/store/stats.ts";
import { type Outcome, possibleLeases } from "../../core/store/store.ts";
import { countsText, RAN, WAITED } from "./counters.ts";
import { memberRow } from "./families.ts";
import { flowPrefix } from "./flow.ts";
import { pauseMarkStart } from "./peek.ts";

// The arguments of exchange.lua for outcomes: in columns, so that a plain job takes little more than two of them.

/**
 * Repeats an outcome for each lease that may be stored: the script accepts one. `acceptedBy` says which of the outcomes
 * were accepted, by the replies for those that were sent.
 */
export function toSend(settle: readonly Outcome[]) {
  if (settle.every(({ lease }) => lease.mayEndAt === undefined))
    return { sent: settle, acceptedBy: (replies: readonly boolean[]) => replies };
  const sent = settle.flatMap((outcome, index) =>
    possibleLeases(outcome.lease).map((lease) => ({ ...outcome, lease, index })),
  );
  return {
    sent,
    acceptedBy: (replies: readonly boolean[]) => {
      const accepted = new Set(sent.flatMap(({ index }, position) => (replies[position] ? index : [])));
      return settle.map((_, index) => accepted.has(index));
    },
  };
}

const none: never[] = [];

const kinds = {
  completed: "completed",
  retried: "retried",
  snoozed: "returned",
  released: "returned",
  dead: "dead",
  expired: "expired",
} as const satisfies Readonly<Record<Outcome["to"], string>>;

export function settledArguments(sent: readonly Outcome[], now: number, retentionMs: number) {
  return {
    outcomes: sent.map((outcome) => ({
      kind: "held" in outcome && outcome.held ? ("held" as const) : kinds[outcome.to],
      id: outcome.lease.id,
      lease: leaseScore(outcome.lease),
      score: String(newScore(outcome, now, retentionMs)),
      record: outcome.record,
    })),
    keyed: sent.flatMap(({ lease: { flow, claimedAt }, timing }, index) => {
      if (!flow) return none;
      const attempt = timing ? { ranMs: Math.round(timing.ranMs) } : { claimedAt };
      return { outcome: index + 1, prefix: flowPrefix(flow), ...attempt };
    }),
    followUps: sent.flatMap(({ followUps = none }, index) =>
      followUps.map((job) => ({ outcome: index + 1, ...memberRow(job, now) })),
    ),
  };
}

function newScore(outcome: Outcome, now: number, retentionMs: number): number | string {
  if (outcome.to === "completed") return (outcome.at ?? now) + retentionMs;
  if (outcome.to === "expired") return now;
  if (outcome.to === "retried") return againScore(outcome);
  if (outcome.to === "dead")
    return outcome.group === undefined ? outcome.at : `${outcome.at} ${groupScore(outcome.group)}`;
  const { held } = outcome;
  if (!held) return againScore(outcome);
  const resumedScore = againScore({ ...outcome, runAt: held.dueAt });
  return `${againScore(outcome)} ${resumedScore} ${pauseMarkStart(held.name)}`;
}

/** What the outcomes count, as if all were accepted, and what each of them counts: see lua/_metrics.lua. */
export function metricArguments(settle: readonly Outcome[], byName: boolean, now: number) {
  const all = new Float64Array(RAN + 1);
  const names = new Map<string, { readonly number: number; readonly counts: Float64Array }>();
  const namedAs = (name: string) => {
    const known = names.get(name);
    if (known) return known;
    const named = { number: names.size + 1, counts: new Float64Array(COUNTERS) };
    names.set(name, named);
    return named;
  };
  let each = "";
  for (const outcome of settle) {
    const { name, timing } = outcome;
    const named = name === undefined || !byName ? undefined : namedAs(name);
    const both = named ? [all, named.counts] : [all];
    const waited = Math.round(timing?.waitedMs ?? 0);
    const ran = Math.round(timing?.ranMs ?? 0);
    each += `${named?.number ?? 0}:${waited}:${ran}:`;
    for (const counter of countersOf(outcome, now)) {
      // A job type has no pace: an array of numbers ignores what is behind its end.
      for (const counts of both) counts[counter] = (counts[counter] ?? 0) + 1;
      each += `${counter},`;
    }
    each += ";";
    all[WAITED] = (all[WAITED] ?? 0) + waited;
    all[RAN] = (all[RAN] ?? 0) + ran;
    for (const counts of both) {
      counts[SLOWEST] = Math.max(counts[SLOWEST] ?? 0, waited);
      counts[SLOWEST + 1] = Math.max(counts[SLOWEST + 1] ?? 0, ran);
    }
  }
  const text = countsText(all);
  if (text === "") return { metrics: "", each };
  let metrics = `${text} \n`;
  for (const [name, { counts }] of names) metrics += `${countsText(counts)} ${name}\n`;
  return { metrics, each };
}

/** The outcomes of jobs that wait, or have waited, each with its number, from 1: see lua/_waits.lua. */
export function waitRows(settle: readonly Outcome[]) {
  return settle.flatMap(({ waits = "", lease }, index) =>
    waits === "" && lease.waits === undefined
      ? none
      : { outcome: index + 1, nowWaits: waits, hasWaited: lease.waits ?? "" },
  );
}
