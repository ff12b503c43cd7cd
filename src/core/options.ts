import { checkBackoff } from "./backoff.ts";
import { parseCron } from "./cron.ts";
import { type Duration, durationMs } from "./duration.ts";
import { invalidRequest } from "./errors.ts";
import type { AnyJob, JobOptions, Schedule } from "./job.ts";
import { checkKnown, checkObject } from "./known-options.ts";

/** What holds where neither `defineJob` nor `enqueue` says otherwise; the timeout in ms, so that it is not parsed for each job. */
export const jobDefaults = { maxRetries: 3, timeout: 30_000 } as const;

/** More retries could not be told apart by the claim count of a lease. */
export const MOST_RETRIES = 500;
export const LONGEST_ID = 256;
export const LONGEST_NAME = 128;

export const missedWords = ["once", "skip", "all"] as const;
export const overlapWords = ["allow", "skip"] as const;
export const scheduleNames = ["cron", "timeZone", "missed", "overlap"];

/** Checks a definition. @throws {TidegateError} `invalid_request`; the message names the option. */
export function checkJobOptions(job: AnyJob): void {
  checkObject(job, "A job must be what defineJob gives.");
  checkPathText(job.name, "name", LONGEST_NAME);
  if (typeof job.perform !== "function") throw invalidRequest(`Job "${job.name}": perform must be a function.`);
  if (job.schema !== undefined && typeof job.schema?.["~standard"]?.validate !== "function") {
    throw invalidRequest(`Job "${job.name}": schema must be a Standard Schema, as zod, valibot and arktype make them.`);
  }
  checkRetryOptions(job);
  if (job.schedule === undefined) return;
  checkKnown(job.schedule, scheduleNames, "schedule");
  checkSchedule(job.name, job.schedule);
}

/** Checks what may be set both at definition and at enqueue. */
export function checkRetryOptions(options: JobOptions): void {
  const { maxRetries, backoff, timeout } = options;
  if (maxRetries !== undefined && !(Number.isInteger(maxRetries) && maxRetries >= 0 && maxRetries <= MOST_RETRIES)) {
    throw invalidRequest(`maxRetries must be a whole number from 0 to ${MOST_RETRIES}.`);
  }
  if (backoff !== undefined) checkBackoff(backoff);
  if (timeout !== undefined) timeoutMs(timeout);
}

/** @throws {TidegateError} `invalid_request` for a cron expression, zone or word that means nothing. */
export function checkSchedule(key: string, schedule: Schedule): void {
  parseCron(schedule.cron, schedule.timeZone, key);
  oneOf(schedule.missed, missedWords, "missed");
  oneOf(schedule.overlap, overlapWords, "overlap");
}

/** A longer one never comes into play, and with it no lease ends beyond the last time that can be stored. */
const LONGEST_TIMEOUT_MS = 366 * 86_400_000;

/** Reads a timeout as ms; one of more than a year counts as a year. */
export function timeoutMs(timeout: Duration): number {
  const ms = durationMs(timeout, "timeout");
  if (ms === 0) throw invalidRequest("timeout must be longer than 0.");
  return Math.min(ms, LONGEST_TIMEOUT_MS);
}

/**
 * Checks an id, key or name: 1 to `longest` characters that come back as they were, whatever stands between (no control
 * characters, no lone surrogates, no white space at either end).
 */
export function checkText(value: unknown, name: string, longest: number): asserts value is string {
  if (typeof value !== "string" || value.length === 0 || value.length > longest) {
    throw invalidRequest(`${name} must be a string of 1 to ${longest} characters.`);
  }
  if (hasControlCharacter(value) || value.trim() !== value || !value.isWellFormed()) {
    throw invalidRequest(
      `${name} must be well-formed Unicode without control characters, and may not begin or end with white space.`,
    );
  }
}

/** Checks a new id, key or name that will stand in a URL. @throws {TidegateError} `invalid_request`, also for "." and ".." */
export function checkPathText(value: unknown, name: string, longest: number): asserts value is string {
  checkText(value, name, longest);
  if (value === "." || value === "..")
    throw invalidRequest(`${name} must not be "${value}": a URL drops it, and would mean something else.`);
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

/** Checks that a value, if given, is one of some words. @throws {TidegateError} `invalid_request` */
export function oneOf(value: unknown, words: readonly string[], name: string): void {
  if (value !== undefined && !(typeof value === "string" && words.includes(value))) {
    throw invalidRequest(`${name} must be one of ${words.map((word) => `"${word}"`).join(", ")}.`);
  }
}

/** Reads a whole number within bounds. @throws {TidegateError} `invalid_request` */
export function wholeNumber(value: unknown, name: string, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    throw invalidRequest(`${name} must be a whole number from ${least} to ${most}.`);
  }
  return value;
}
