import { groupScore } from "../../core/store/failures.ts";
import { againScore, leaseScore } from "../../core/store/score.ts";
import { COUNTERS, countersOf, outcomeKinds } from "../../core/store/stats.ts";
import { type Outcome, possibleLeases } from "../../core/store/store.ts";
import { memberRow } from "./families.ts";
import { flowPrefix } from "./flow.ts";

// The arguments of exchange.lua for outcomes: in columns, so that a plain job takes little more than two of them.

/** An outcome, and its place among those to settle if the store gets them in another order. */
type SentOutcome = Outcome & { readonly index?: number };

interface Sent {
  readonly sent: readonly SentOutcome[];
  /** Which of the outcomes were accepted, by the replies for those that were sent. */
  readonly acceptedBy: (replies: readonly boolean[]) => readonly boolean[];
}

/** Sorts outcomes by kind, and repeats one for each lease that may be stored: the script accepts one. */
export function toSend(settle: readonly Outcome[]): Sent {
  const isReady = settle.every(({ to, lease }, index) => {
    const before = settle[index - 1];
    return lease.mayEndAt === undefined && (!before || outcomeKinds[before.to] <= outcomeKinds[to]);
  });
  if (isReady) return { sent: settle, acceptedBy: (replies) => replies };
  const sent = settle
    .flatMap((outcome, index) => possibleLeases(outcome.lease).map((lease) => ({ ...outcome, lease, index })))
    .sort((one, other) => outcomeKinds[one.to] - outcomeKinds[other.to]);
  return {
    sent,
    acceptedBy: (replies) => {
      const accepted = new Set(sent.flatMap(({ index }, position) => (replies[position] ? index : [])));
      return settle.map((_, index) => accepted.has(index));
    },
  };
}

/** @param sent the outcomes by their kinds. */
export function settledArguments(sent: readonly SentOutcome[], now: number, retentionMs: number) {
  return {
    outcomes: sent.map((outcome) => ({
      kind: outcome.to === "snoozed" || outcome.to === "released" ? ("returned" as const) : outcome.to,
      ...{ id: outcome.lease.id, lease: leaseScore(outcome.lease), score: String(newScore(outcome, now, retentionMs)) },
      record: outcome.record,
    })),
    keyed: sent.flatMap(({ lease: { flow, claimedAt }, timing }, index) => {
      if (!flow) return [];
      const attempt = timing ? { ranMs: Math.round(timing.ranMs) } : { claimedAt };
      return { outcome: index + 1, prefix: flowPrefix(flow), ...attempt };
    }),
    followUps: followUpRows(sent, now),
  };
}

function newScore(outcome: Outcome, now: number, retentionMs: number): number | string {
  if (outcome.to === "completed") return (outcome.at ?? now) + retentionMs;
  if (outcome.to === "expired") return now;
  if (outcome.to !== "dead") return againScore(outcome);
  return outcome.group === undefined ? outcome.at : `${outcome.at} ${groupScore(outcome.group)}`;
}

/** The jobs that outcomes make, in the order of the outcomes to settle, each with the number of its outcome, from 1. */
function followUpRows(sent: readonly SentOutcome[], now: number) {
  return sent
    .flatMap(({ followUps = [], index }, place) => followUps.map((job) => ({ job, place, index: index ?? place })))
    .sort((one, other) => one.index - other.index)
    .map(({ job, place }) => ({ outcome: place + 1, ...memberRow(job, now) }));
}

/** What each counter adds, by its number. */
const noCounts = () => new Uint32Array(COUNTERS);

function countText(counts: Uint32Array): string {
  let text = "";
  for (const [counter, count] of counts.entries()) if (count > 0) text += `${counter}=${count},`;
  return text;
}

/**
 * What the outcomes count, as if all were accepted. The script then takes out what it refuses.
 *
 * @param settle the outcomes by their kinds.
 * @param byName whether they count by the names of their jobs too.
 */
export function metricArguments(settle: readonly Outcome[], byName: boolean) {
  const all = noCounts();
  const names = new Map<string, { readonly number: number; readonly counts: Uint32Array }>();
  const namedAs = (name: string) => {
    const named = names.get(name) ?? { number: names.size + 1, counts: noCounts() };
    names.set(name, named);
    return named;
  };
  let [allWaited, allRan, each] = [0, 0, ""];
  for (const outcome of settle) {
    const { name, timing } = outcome;
    const named = name === undefined || !byName ? undefined : namedAs(name);
    const waited = Math.round(timing?.waitedMs ?? 0);
    const ran = Math.round(timing?.ranMs ?? 0);
    const counters = countersOf(outcome);
    allWaited += waited;
    allRan += ran;
    for (const counts of named ? [all, named.counts] : [all])
      for (const counter of counters) counts[counter] = (counts[counter] ?? 0) + 1;
    each += `${named?.number ?? 0}:${waited}:${ran}:${counters.join()};`;
  }
  const named = [...names].map(([text, { counts }]) => ({ text, counts: countText(counts) }));
  return { waitedMs: allWaited, ranMs: allRan, counts: countText(all), each, names: named };
}
