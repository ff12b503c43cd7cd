import { groupScore } from "../../core/store/failures.ts";
import { bucketOf, durationBounds } from "../../core/store/metrics.ts";
import { againScore, leaseScore } from "../../core/store/score.ts";
import { type Outcome, outcomeKinds, possibleLeases } from "../../core/store/store.ts";
import { memberArguments } from "./families.ts";
import { flowHead } from "./flow.ts";

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

/** @param settle the outcomes by their kinds. */
export function outcomeArguments(settle: readonly Outcome[], now: number, retentionMs: number): string[] {
  const counts = [0, 0, 0, 0, 0];
  const args: string[] = [];
  for (const { to } of settle) counts[outcomeKinds[to]] = (counts[outcomeKinds[to]] ?? 0) + 1;
  for (const count of counts) args.push(String(count));
  for (const { lease } of settle) args.push(lease.id);
  pushRuns(args, settle, ({ lease }) => leaseScore(lease));
  pushRuns(args, settle, (outcome) => newScore(outcome, now, retentionMs));
  for (const { record } of settle) args.push(record);
  const more: string[] = [];
  settle.forEach(({ lease: { flow, claimedAt }, timing }, index) => {
    if (!flow) return;
    const unattempted = timing || claimedAt === undefined ? "" : String(claimedAt);
    const ranMs = timing ? String(Math.round(timing.ranMs)) : "";
    more.push(String(index + 1), flowHead(flow), unattempted, ranMs);
  });
  args.push(String(more.length / 4), ...more);
  return args;
}

/** Adds the scores of outcomes, equal ones in a row once, after their number: jobs are claimed and end together. */
function pushRuns(args: string[], settle: readonly Outcome[], scoreOf: (outcome: Outcome) => number | string): void {
  let times = 0;
  let last: number | string = 0;
  for (const outcome of settle) {
    const score = scoreOf(outcome);
    if (times > 0 && score !== last) {
      args.push(String(times), String(last));
      times = 0;
    }
    last = score;
    times++;
  }
  if (times > 0) args.push(String(times), String(last));
}

function newScore(outcome: Outcome, now: number, retentionMs: number): number | string {
  if (outcome.to === "completed") return (outcome.at ?? now) + retentionMs;
  if (outcome.to === "expired") return now;
  if (outcome.to !== "dead") return againScore(outcome);
  return outcome.group === undefined ? outcome.at : `${outcome.at} ${groupScore(outcome.group)}`;
}

/** The jobs that outcomes make, in the order of the outcomes to settle, each with the number of its outcome, from 1. */
export function followUpArguments(sent: readonly SentOutcome[], now: number): string[] {
  const made = sent
    .flatMap(({ followUps = [], index }, place) => followUps.map((job) => ({ ...job, place, index: index ?? place })))
    .sort((one, other) => one.index - other.index);
  const args = made.flatMap(({ place, ...job }) => [String(place + 1), ...memberArguments(job, now)]);
  return [String(made.length), ...args];
}

// The counters of a window, as in lua/_windows.lua: processed, retried and dead jobs, then two histograms. 0 is none.
const COUNTER_OF: Readonly<Record<Outcome["to"], number>> = {
  completed: 1,
  retried: 2,
  snoozed: 0,
  released: 0,
  dead: 3,
  expired: 0,
};
const FIRST_WAITING = 4;
const FIRST_RUNNING = 19;

/** What each counter of a window adds, by its number. */
const noCounts = () => new Uint32Array(FIRST_RUNNING + durationBounds.length + 1);

function countArguments(counts: Uint32Array): string[] {
  const args: string[] = [];
  for (let counter = 1; counter < counts.length; counter++) {
    const count = counts[counter];
    if (count) args.push(String(counter), String(count));
  }
  return [String(args.length / 2), ...args];
}

/**
 * What the outcomes count, as if all were accepted. The script then takes out what it refuses.
 *
 * @param settle the outcomes by their kinds.
 * @param byName whether they count by the names of their jobs too.
 */
export function metricArguments(settle: readonly Outcome[], byName: boolean): readonly string[] {
  const all = noCounts();
  const names = new Map<string, { readonly number: number; readonly counts: Uint32Array }>();
  const namedAs = (name: string) => {
    const named = names.get(name) ?? { number: names.size + 1, counts: noCounts() };
    names.set(name, named);
    return named;
  };
  let [allWaited, allRan, each] = [0, 0, ""];
  for (const { to, name, timing } of settle) {
    const named = name === undefined || !byName ? undefined : namedAs(name);
    const waited = timing ? Math.round(timing.waitedMs) : 0;
    const ran = timing ? Math.round(timing.ranMs) : 0;
    const waiting = timing ? FIRST_WAITING + bucketOf(timing.waitedMs) : 0;
    const running = timing ? FIRST_RUNNING + bucketOf(timing.ranMs) : 0;
    allWaited += waited;
    allRan += ran;
    for (const counts of named ? [all, named.counts] : [all]) {
      for (const counter of [COUNTER_OF[to], waiting, running]) counts[counter] = (counts[counter] ?? 0) + 1;
    }
    each += `${named?.number ?? 0}:${waited}:${ran}:${waiting}:${running};`;
  }
  const named = [...names].flatMap(([name, { counts }]) => [name, ...countArguments(counts)]);
  return [String(allWaited), String(allRan), ...countArguments(all), each, String(names.size), ...named];
}
