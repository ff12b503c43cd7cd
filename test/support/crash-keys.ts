import type { FlowControlOptions } from "../../src/index.ts";

// Keys of flow control for the jobs of crash trials, and what the log of their attempts says about the limits. Nothing
// here asks the store.

/**
 * Longer than a trial, and shorter than the time by which the clock jumps between two trials: so each trial has one
 * window.
 */
const PERIOD_MS = 30_000;

const keys: readonly (FlowControlOptions & { readonly key: string })[] = [
  { key: "one at a time", concurrency: 1 },
  { key: "two at a time", concurrency: 2 },
  { key: "three in a window", rate: 3, period: PERIOD_MS },
  { key: "in order", ordered: true },
];

/** The key of the job with this number. Each trial has jobs of every key, and some without. */
export function keyOf(number: number): (typeof keys)[number] | undefined {
  return keys[number % (keys.length + 1)];
}

/** An attempt, as the process that made it has recorded it. */
interface Attempt {
  readonly number: number;
  readonly claimedAt: number;
  readonly endsAt: number;
  hasEnded: boolean;
}

/** What the log of one queue says about the limits of its keys. */
export interface LimitFigures {
  /** Attempts that began under a key. */
  readonly attempts: number;
  readonly breaches: readonly string[];
}

/** @param log `start ID ATTEMPT CLAIMED_AT ENDS_AT` and `end ID ATTEMPT`, in the order in which they happened. */
export function checkLimits(log: readonly string[]): LimitFigures {
  const attempts = new Map<string, Attempt[]>();
  const breaches: string[] = [];
  for (const line of log) {
    const [kind, id = "", , claimedAt, endsAt] = line.split(" ");
    const number = /^job-(\d+)$/.exec(id)?.[1];
    const limits = number === undefined ? undefined : keyOf(Number(number));
    if (!limits) continue;
    const before = attempts.get(limits.key) ?? [];
    attempts.set(limits.key, before);
    const last = before.findLast((each) => each.number === Number(number));
    if (kind === "end" && last) last.hasEnded = true;
    if (kind !== "start") continue;
    const attempt = { number: Number(number), claimedAt: Number(claimedAt), endsAt: Number(endsAt), hasEnded: false };
    breaches.push(...breachesOf(limits, before, attempt).map((breach) => `${id} of "${limits.key}" ${breach}`));
    before.push(attempt);
  }
  return { attempts: [...attempts.values()].flat().length, breaches };
}

function breachesOf(limits: FlowControlOptions, before: readonly Attempt[], attempt: Attempt): readonly string[] {
  const { claimedAt, number } = attempt;
  const { ordered = false, concurrency = ordered ? 1 : undefined, rate } = limits;
  const breaches: string[] = [];
  // One whose process was killed holds its place until its lease is over.
  const running = before.filter(({ hasEnded, endsAt }) => !hasEnded && endsAt > claimedAt).length;
  if (concurrency !== undefined && running >= concurrency) breaches.push(`started beside ${running} others`);
  const inWindow = before.filter((other) => claimedAt - other.claimedAt < PERIOD_MS).length;
  if (rate !== undefined && inWindow >= rate) breaches.push(`started behind ${inWindow} others in a window`);
  const hasRun = (job: number) => before.some((each) => each.number === job && each.hasEnded);
  // Jobs of a run that ended before a kill, and were not settled, run again: the whole run in its order.
  const isOpen = ({ number: other }: Attempt) => (other > number ? !hasRun(number) : other < number && !hasRun(other));
  if (ordered && before.some(isOpen)) breaches.push("started out of order");
  return breaches;
}
