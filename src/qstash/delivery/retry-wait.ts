import type { JobContext } from "../../core/job/define.ts";
import { PermanentError, RetryAfterError, withoutStack } from "../../core/job/errors.ts";
import type { Message } from "../messages/message.ts";
import { readRetryDelay } from "../messages/retry-delay-expression.ts";
import { retryAfterMs } from "../shared/durations.ts";
import type { CallResult } from "./http-call.ts";

const DAY_MS = 86_400_000;

/** QStash's wait before retry n, from 1. */
export function defaultBackoffMs(retry: number): number {
  return Math.min(DAY_MS, Math.round(Math.exp(2.5 * retry) * 1_000));
}

/** The error that a failed delivery throws. It decides whether and when the message is retried. */
export function failureOf(
  { retryDelay }: Message,
  job: JobContext,
  { kept, headers, failure, isFinal }: CallResult,
  now: number,
): Error {
  const text = failure ?? `The destination answered ${kept.status}.`;
  if (isFinal) return withoutStack(new PermanentError(text));
  if (kept.status === 489 && headers.get("upstash-nonretryable-error") === "true")
    return withoutStack(new PermanentError(`${text} It asked for no retry.`));
  const retried = job.attempt - 1;
  const wait = retryAfterMs(headers, now, DAY_MS) ?? expressionMs(retryDelay, retried) ?? defaultBackoffMs(retried + 1);
  return withoutStack(new RetryAfterError(text, wait));
}

function expressionMs(expression: string | undefined, retried: number): number | undefined {
  if (expression === undefined) return undefined;
  const ms = readRetryDelay(expression, "retryDelay")(retried);
  return ms >= 0 ? Math.min(Math.round(ms), DAY_MS) : undefined;
}
