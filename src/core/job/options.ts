import { LONGEST_EXPRESSION, parseCron } from "../cron/cron.ts";
import { intervalText } from "../cron/every.ts";
import { type Duration, durationMs } from "../shared/duration.ts";
import { invalidRequest } from "../shared/errors.ts";
import type { ObjectSchema, OptionFields, Schema } from "../shared/schema.ts";
import { described, object, pathText, span, string, text, whole, withKeywords, word } from "../shared/schema.ts";
import { anyBackoff, type Backoff, type BackoffRule, backoffRule } from "./backoff.ts";

/** How a job is retried, how long it may take, and when it expires. `enqueue` can override what `defineJob` sets. */
export interface JobOptions {
  /** How many attempts may follow the first. Default 3, at most 500. */
  readonly maxRetries?: number | undefined;
  /** How long to wait before each retry. Default: exponential from 60 s, without jitter. */
  readonly backoff?: Backoff | undefined;
  /** How long one attempt may take before it is aborted and counts as failed. Default "30s". */
  readonly timeout?: Duration | undefined;
  /**
   * How long after its run time the first attempt may start. A job that has not started by then is dropped instead: it
   * does not run, and is neither completed nor dead. Once it has started, it is retried and snoozed as usual. Default:
   * a job never expires.
   */
  readonly expires?: Duration | undefined;
}

export const missedWords = ["once", "skip", "all"] as const;
export type Missed = (typeof missedWords)[number];
export const overlapWords = ["allow", "skip"] as const;
export type Overlap = (typeof overlapWords)[number];

/** What every schedule can set, however it recurs. */
export interface AnySchedule {
  /**
   * What to do about occurrences that no drain found in time: one job for all of them (default), none, or one for each.
   */
  readonly missed?: Missed | undefined;
  /** Whether an occurrence creates a job before an earlier one's has finished. Default "allow". */
  readonly overlap?: Overlap | undefined;
}

/** A recurrence by a cron expression. */
export interface CronSchedule extends AnySchedule {
  /** 5 or 6 fields, seconds first, as in "0 0 9 * * *". */
  readonly cron: string;
  /** An IANA name. Default "UTC". */
  readonly timeZone?: string | undefined;
}

/** A recurrence by an interval. */
export interface IntervalSchedule extends AnySchedule {
  /**
   * Fires at each multiple of this interval since 1970, in UTC: "90s" at 00:00:00, 00:01:30 and so on. At least one
   * second.
   */
  readonly every: Duration;
}

/** A recurrence that a job declares, by `cron` or by `every`. The first drain after a deployment activates it. */
export type Schedule =
  | (CronSchedule & { readonly every?: undefined })
  | (IntervalSchedule & { readonly cron?: undefined; readonly timeZone?: undefined });

type ScheduleFields = Partial<CronSchedule & IntervalSchedule>;

/** The timeout is in ms, so that it is not parsed for each job. */
export const jobDefaults = { maxRetries: 3, timeout: 30_000 } as const;

/** The claim count of a lease goes in a circle of 511 (`CLAIM_CYCLE`), so more attempts could not be distinguished. */
export const MOST_RETRIES = 500;
export const LONGEST_ID = 256;
export const LONGEST_NAME = 128;

export const idText = text(LONGEST_ID, "order-7");
export const nameText = pathText(LONGEST_NAME, "send_email");

/** The fields of `JobOptions`. Only a definition may have a backoff function, which cannot be stored. */
export const retryFields = {
  maxRetries: whole(0, MOST_RETRIES),
  backoff: {
    ...backoffRule,
    read(value: unknown, name: string): BackoffRule {
      if (typeof value === "function")
        throw invalidRequest("backoff cannot be a function at enqueue, since it is stored: set it in defineJob.");
      return backoffRule.read(value, name);
    },
  },
  timeout: span,
  expires: span,
} satisfies { readonly [Name in keyof JobOptions]-?: Schema };

export function checkRetryOptions(job: JobOptions): void {
  for (const [name, { read }] of Object.entries<Schema>({ ...retryFields, backoff: anyBackoff })) {
    const value = job[name as keyof JobOptions];
    if (value !== undefined) read(value, name);
  }
}

const LONGEST_ZONE = 100;

export const scheduleFields: OptionFields<ScheduleFields> = {
  cron: withKeywords(described(string(LONGEST_EXPRESSION), "Five fields, or six with seconds first."), {
    examples: ["0 9 * * *"],
  }),
  every: withKeywords(described(span, "At least one second."), { examples: ["90s"] }),
  timeZone: withKeywords(string(LONGEST_ZONE), { examples: ["Europe/Paris"] }),
  missed: word(missedWords),
  overlap: word(overlapWords),
};

const rules = {
  oneOf: [{ required: ["cron"] }, { required: ["every"] }],
  dependentRequired: { timeZone: ["cron"] },
};

/** An object with these fields, among others, has either `cron` or `every`. */
export function withRule<Value extends ScheduleFields, Parts>(
  schema: ObjectSchema<Value, Parts>,
): ObjectSchema<Value & Schedule, Parts> {
  return {
    ...withKeywords(schema, rules),
    read(value, name) {
      const given = schema.read(value, name);
      const { cron, every, timeZone } = given;
      if ((cron === undefined) === (every === undefined))
        throw invalidRequest('A schedule needs either cron, as in "0 9 * * *", or every, as in "90s".');
      if (every !== undefined && timeZone !== undefined)
        throw invalidRequest("timeZone is for cron. Leave it out: every counts from 1970, whatever the zone.");
      return given as Value & Schedule;
    },
  };
}

export const scheduleOptions = withRule(object(scheduleFields, [], "schedule"));

/** When a schedule fires, as it is stored. @param seed decides `H`: its key. @throws {TidegateError} */
export function ruleOf({ cron, every, timeZone = "UTC" }: Schedule, seed: string) {
  if (every !== undefined) return { cron: intervalText(every), timeZone };
  parseCron(cron, timeZone, seed);
  return { cron, timeZone };
}

/** Longer than any attempt, and short enough that the store can keep the end of every lease. */
const LONGEST_TIMEOUT_MS = 366 * 86_400_000;

export function longestTimeoutMs(jobs: Iterable<{ readonly timeout?: Duration | undefined }>): number {
  return Math.max(...[jobDefaults, ...jobs].map(({ timeout = jobDefaults.timeout }) => timeoutMs(timeout)));
}

/** Reads a timeout as ms; one of more than a year counts as a year. */
export function timeoutMs(timeout: Duration): number {
  const ms = durationMs(timeout, "timeout");
  if (ms === 0) throw invalidRequest("timeout must be longer than 0.");
  return Math.min(ms, LONGEST_TIMEOUT_MS);
}
