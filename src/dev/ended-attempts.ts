import type { DrainedAttempt } from "../core/drain/report.ts";
import { withLocks } from "../core/job/lock.ts";
import { type AttemptError, attemptOf, decodeRecord, LEASE_EXPIRED } from "../core/job/record.ts";
import { storedPages } from "../core/manage/pages.ts";
import { MOST_LISTED_BYTES } from "../core/shared/limits.ts";
import { outcomeCounts, type StoredStats } from "../core/store/stats.ts";
import type { JobState, QueueStore, StoredJob } from "../core/store/store.ts";

/** An attempt as the record of its job shows it, wherever it ran. */
export interface EndedAttempt extends Pick<DrainedAttempt, "id" | "name" | "attempt" | "endedAt" | "runAt" | "error"> {
  readonly outcome: "completed" | "retried" | "snoozed" | "dead";
  /** Undefined if the record does not say it: the job's definition does. */
  readonly maxRetries: number | undefined;
  readonly ranMs: number | undefined;
}

export interface Ended {
  /** Oldest first. */
  readonly attempts: readonly EndedAttempt[];
  /** How many more there were. Their jobs are no longer stored, or there were too many to list. */
  readonly others: number;
  readonly stats: StoredStats;
}

const MOST_READ = 1_000;
/** How many more it reads than were counted: what ends in between takes the place of what ended before. */
const LATE = 20;
/** How many attempts it remembers, so as to return none twice. */
const MOST_SEEN = 20_000;

/** The attempts that end in a queue. Its counters say that there are some, and the records of its jobs which. */
export class EndedAttempts {
  readonly #store: QueueStore;
  readonly #seen = new Set<string>();
  #counts = { ...outcomeCounts([]), ran: 0 };

  constructor(store: QueueStore) {
    this.#store = store;
  }

  /** Grows with each attempt that ends, and with each job that expires. */
  get count(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
  }

  /** Reads what has ended since the last time: the first time, since the queue was first used. */
  async read(now: number): Promise<Ended> {
    const stats = await this.#store.stats(now);
    const before = this.#counts;
    const ran = stats.runningTimes.counts.reduce((sum, count) => sum + count, 0);
    const completed = stats.totals.processed - before.processed;
    const dead = stats.totals.dead - before.dead;
    const retried = stats.totals.retried - before.retried;
    const snoozed = Math.max(0, ran - before.ran - completed - dead - retried);
    const lists = await Promise.all([
      this.#list(["completed"], completed && completed + LATE, now),
      this.#list(["dead"], dead && dead + LATE, now),
      // Any of these may have failed, or may have been snoozed.
      this.#list(["scheduled", "ready", "running"], retried + snoozed > 0 ? MOST_READ : 0, now),
    ]);
    const attempts = lists.flat().flatMap((job) => {
      const ended = this.#unseen(attemptsOf(job, now));
      // A record says that it was snoozed, and not when. After a failure, its next run time is another one too.
      return snoozed > 0 && ended.length === 1 ? ended : ended.filter(({ outcome }) => outcome !== "snoozed");
    });
    attempts.sort((a, b) => a.endedAt.getTime() - b.endedAt.getTime());
    const missing = completed + dead + retried + snoozed - attempts.length;
    // The next counts have what ended since these. Only now: a read that fails has shown nothing.
    const early = Math.max(0, -missing);
    this.#counts = { ...stats.totals, processed: stats.totals.processed + early, ran: ran + early };
    return { attempts, stats, others: Math.max(0, missing) };
  }

  async #list(states: readonly JobState[], count: number, now: number): Promise<readonly StoredJob[]> {
    const jobs: StoredJob[] = [];
    const room = () => {
      const limit = Math.min(count, MOST_READ) - jobs.length;
      return limit > 0 ? { limit, mostBytes: MOST_LISTED_BYTES, now } : undefined;
    };
    for await (const { items } of storedPages(this.#store, states, undefined, room)) jobs.push(...items);
    return jobs;
  }

  #unseen(attempts: readonly EndedAttempt[]): readonly EndedAttempt[] {
    return attempts.filter(({ id, attempt, endedAt, outcome, runAt }) => {
      const at = outcome === "snoozed" ? runAt : endedAt;
      const key = `${outcome === "snoozed"} ${attempt} ${at?.getTime()} ${id}`;
      if (this.#seen.has(key)) return false;
      const [oldest] = this.#seen;
      if (oldest !== undefined && this.#seen.size >= MOST_SEEN) this.#seen.delete(oldest);
      this.#seen.add(key);
      return true;
    });
  }
}

/** The attempts of a job that its record still shows. The last may be a snooze. */
function attemptsOf({ id, state, record: text, at, claims }: StoredJob, now: number): readonly EndedAttempt[] {
  const record = decodeRecord(withLocks(text));
  // A later version wrote it.
  if (!record) return [];
  const { name, maxRetries, errors = [], end } = record;
  const job = { id, name, maxRetries };
  const runAt = state === "scheduled" || state === "ready" ? new Date(at) : undefined;
  const failures =
    end?.error && errors.at(-1)?.at !== end.error.at ? [...errors.filter(isOther(end.error)), end.error] : errors;
  const attempts: EndedAttempt[] = failures.map((failure, index) => ({
    ...{ ...job, attempt: failure.attempt, endedAt: new Date(failure.at), ranMs: ranMsOf(failure) },
    outcome: state === "dead" && index === failures.length - 1 ? "dead" : "retried",
    ...(runAt && index === failures.length - 1 && { runAt }),
    error: { name: failure.name, message: failure.message },
  }));
  const last = { ...job, endedAt: new Date(end?.at ?? now), ranMs: end && ranMsOf(end) };
  if (end && state === "completed") attempts.push({ ...last, outcome: "completed", attempt: end.attempts });
  if (record.snoozed && runAt)
    attempts.push({ ...last, outcome: "snoozed", attempt: attemptOf(record, claims) + 1, runAt });
  return attempts;
}

/** The end of the job already describes its last attempt, if that ended without an outcome. */
const isOther =
  (end: AttemptError) =>
  ({ name, attempt }: AttemptError) =>
    name !== LEASE_EXPIRED || attempt !== end.attempt;

function ranMsOf({ startedAt, at }: Pick<AttemptError, "startedAt" | "at">): number | undefined {
  return startedAt === undefined ? undefined : at - startedAt;
}
