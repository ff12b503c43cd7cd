import type { AttemptInfo, AttemptOutcome } from "../job/attempt-info.ts";
import { invalidRequest } from "../shared/errors.ts";

/**
 * Gets a line for each attempt that failed, and for each declared schedule that cannot be activated. `console` is one. Nothing waits
 * for what it returns, and a logger that throws or rejects changes nothing.
 */
export interface Logger {
  /** The attempt failed and the job will be retried, or a declared schedule is not active. */
  warn(line: string): unknown;
  /** The job went to the dead letter. */
  error(line: string): unknown;
}

/** Checks a logger. @throws {TidegateError} `invalid_request` */
export function readLogger(logger: Logger | null | undefined): Logger | undefined {
  if (logger === null) return undefined;
  const given: Partial<Logger> | undefined = logger ?? console;
  if (typeof given.warn !== "function" || typeof given.error !== "function")
    throw invalidRequest("logger must have the methods warn and error, as console has, or be null for none.");
  return given as Logger;
}

interface SettledAttempt {
  readonly job: { readonly info: AttemptInfo };
  readonly outcome: AttemptOutcome;
}

/** Writes a line for each failed attempt whose outcome the store has accepted. */
export function logFailures(
  logger: Logger,
  settled: readonly (boolean | undefined)[],
  attempts: readonly SettledAttempt[],
): void {
  attempts.forEach(({ job, outcome }, index) => {
    if (!outcome.failure || settled[index] !== true) return;
    const line = lineOf(job.info, outcome, outcome.failure);
    write(() => (outcome.to === "dead" ? logger.error(line) : logger.warn(line)));
  });
}

/** Writes a warning. */
export function logWarning(logger: Logger | undefined, text: string): void {
  write(() => logger?.warn(`tidegate: ${text}`));
}

/** Warns that a drain goes on without a part of its queue. */
export function logPartial(logger: Logger | undefined, queue: string, why: unknown): void {
  const reason = why instanceof Error ? ` ${why.message}` : "";
  logWarning(logger, `The queue "${queue}" is drained without the partitions that do not answer.${reason}`);
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
      : "is now in the dead letter";
  const reason = message === "" ? error : `${error}: ${message}`;
  return `tidegate: Job "${oneLine(name)}" (${oneLine(id)}) failed on attempt ${attempt} of ${Math.max(attempt, maxRetries + 1)} and ${next}: ${cut(oneLine(reason))}`;
}

const LONGEST_REASON = 500;
const ESCAPE = "\u001b";
const colours = new RegExp(`${ESCAPE}\\[[\\d;?]*[ -/]*[@-~]`, "g");

/** The text without colours and line breaks, and without characters that reorder or hide the text around them. */
function oneLine(text: string): string {
  return text
    .replace(colours, "")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
}

function cut(text: string): string {
  return text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON).toWellFormed()} ...` : text;
}

function waitText(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 600) return `${seconds} s`;
  return seconds < 36_000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
