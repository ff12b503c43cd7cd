import { DAY_MS, HOUR_MS, TEN_MINUTES_MS } from "../../src/core/store/stats.ts";
import type { Outcome, QueueStore } from "../../src/core/store/store.ts";
import { seededRandom } from "./random.ts";

export const JOB_TYPES = 50;
const LONGEST_MS = 3 * HOUR_MS;

export interface Attempt {
  readonly name: string;
  readonly at: number;
  readonly waitedMs: number;
  readonly ranMs: number;
}

/**
 * Settles a day of attempts up to `now`, some in every ten minutes of each of 50 job types. How long each waited and
 * ran is anything from 1 ms to three hours.
 */
export async function settleDay(store: QueueStore, now: number, each = 10): Promise<readonly Attempt[]> {
  const random = seededRandom(59);
  const duration = () => Math.round(LONGEST_MS ** random());
  const all: Attempt[] = [];
  for (let at = now - DAY_MS + TEN_MINUTES_MS; at <= now; at += TEN_MINUTES_MS) {
    const attempts = Array.from({ length: JOB_TYPES * each }, (_, index) => {
      return { name: `job_type_${index % JOB_TYPES}`, at, waitedMs: duration(), ranMs: duration() };
    });
    await settleAll(store, attempts);
    all.push(...attempts);
  }
  return all;
}

/** Settles attempts of one moment, of jobs that are leased when they are enqueued. */
export async function settleAll(store: QueueStore, attempts: readonly Attempt[]): Promise<void> {
  const at = attempts[0]?.at ?? 0;
  const job = { isFreshId: true, runAt: at, record: "1:{}", leaseEndsAt: at + HOUR_MS };
  const leased = await store.enqueue(
    attempts.map((_, index) => ({ ...job, id: `${index}` })),
    at,
  );
  const settle = leased.flatMap(({ lease }, index): Outcome[] => {
    const { name, waitedMs, ranMs } = attempts[index] as Attempt;
    return lease ? [{ to: "completed", lease, record: "1:{}", name, dueAt: at, timing: { waitedMs, ranMs } }] : [];
  });
  await store.settle({ now: at, settle, retentionMs: 0, observe: true });
}
