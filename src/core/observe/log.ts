import type { AttemptInfo, AttemptOutcome, SettledAttempt } from "../job/attempt-info.ts";
import { cut } from "../job/record.ts";
import { invalidRequest } from "../shared/errors.ts";

/**
 * Gets a line for each failed attempt, for each expired job, for each declared schedule that cannot be activated, and
 * once a minute while records are missing in the database. `console` is a logger. Nothing waits for its promises, and
 * its errors are ignored.
 */
export interface Logger {
  /** The attempt failed and the job will be retried, the job has expired, or a declared schedule is not active. */
  warn(line: string): unknown;
  /** The job is dead, or jobs are gone because the database has lost their records. */
  error(line: string): unknown;
}

export function readLogger(logger: Logger | null | undefined): Logger | undefined {
  if (logger === null) return undefined;
  const given: Partial<Logger> | undefined = logger ?? console;
  if (typeof given.warn !== "function" || typeof given.error !== "function")
    throw invalidRequest("logger must have the methods warn and error, as console has, or be null for none.");
  return given as Logger;
}

/** Writes a line for each failed attempt, and for each expired job, whose outcome the store has accepted. */
export function logOutcomes(logger: Logger, settled: readonly boolean[], attempts: readonly SettledAttempt[]): void {
  attempts.forEach(({ job, outcome }, index) => {
    if (!settled[index]) return;
    if (outcome.to === "expired") {
      const { id, name } = job.info;
      const since = new Date(outcome.dueAt).toISOString();
      logWarning(
        logger,
        `Job "${oneLine(name)}" (${oneLine(id)}) expired: it has been due since ${since}, and is dropped.`,
      );
    }
    if (!outcome.failure) return;
    const line = lineOf(job.info, outcome, outcome.failure);
    write(() => (outcome.to === "dead" ? logger.error(line) : logger.warn(line)));
  });
}

export function logWarning(logger: Logger | undefined, text: string): void {
  write(() => logger?.warn(`tidegate: ${text}`));
}

/** The least time between two lines that say that records of a queue are missing. */
const MISSING_AGAIN_MS = 60_000;
const WHAT_TO_DO =
  "Turn eviction off (maxmemory-policy noeviction), let no other program remove keys, and check with: tidegate queue:doctor";

/** The last such line of each queue: when it was written, and how many records were found missing since. */
type MissingLines = Map<string, { readonly at: number; readonly since: number }>;

const missingLines = new WeakMap<Logger, MissingLines>();

/** Reports how many records are gone, or with 0 that the whole queue is: at most once a minute for each queue. */
export function logMissing(logger: Logger | undefined, queue: string, count: number, now: number): void {
  if (!logger) return;
  const queues: MissingLines = missingLines.get(logger) ?? new Map();
  missingLines.set(logger, queues);
  const { at = Number.NEGATIVE_INFINITY, since = 0 } = queues.get(queue) ?? {};
  const isSoon = Math.abs(now - at) < MISSING_AGAIN_MS;
  const missing = since + count;
  queues.set(queue, isSoon ? { at, since: missing } : { at: now, since: 0 });
  if (isSoon) return;
  const what = missing === 1 ? "1 job or schedule is" : `${missing} jobs or schedules are`;
  const text =
    count === 0
      ? `The queue "${queue}" was emptied: the database no longer has its jobs.`
      : `${what} gone from the queue "${queue}": the database no longer has the records.`;
  write(() => logger.error(`tidegate: ${text} ${WHAT_TO_DO}`));
}

function write(log: () => unknown): void {
  void (async () => log())().catch(() => {});
}

function lineOf(
  { id, name, attempt, maxRetries }: AttemptInfo,
  outcome: AttemptOutcome,
  { name: error, message, at }: NonNullable<AttemptOutcome["failure"]>,
): string {
  const next =
    outcome.to === "retried"
      ? `will be retried in ${waitText(Math.max(0, outcome.runAt - at))}`
      : "is now in the dead-letter queue";
  const reason = message === "" ? error : `${error}: ${message}`;
  return `tidegate: Job "${oneLine(name)}" (${oneLine(id)}) failed on attempt ${attempt} of ${Math.max(attempt, maxRetries + 1)} and ${next}: ${cut(oneLine(reason), LONGEST_REASON)}`;
}

const LONGEST_REASON = 500;
const ESCAPE = "\u001b";
const colours = new RegExp(`${ESCAPE}\\[[\\d;?]*[ -/]*[@-~]`, "g");

/** Removes colours and line breaks, and characters that reorder or hide the text around them. */
function oneLine(text: string): string {
  return text
    .replace(colours, "")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
}

function waitText(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 600) return `${seconds} s`;
  return seconds < 36_000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
