import type { BulkJob } from "../../core/enqueue/bulk.ts";
import { draftJob, finishJob } from "../../core/enqueue/new-job.ts";
import { withInner } from "../../core/job/inner-options.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import type { NewJob } from "../../core/store/store.ts";
import { flowControlOf } from "./flow-control.ts";
import { DELIVERY, type Message } from "./message.ts";
import { type Redaction, redact } from "./redaction.ts";

export const DEFAULT_RETRIES = 3;

/** An attempt may take so much longer than its delivery. So a late delivery fails before its attempt times out. */
const ATTEMPT_MARGIN_MS = 1_000;

export function attemptTimeoutMs(deliveryMs: number): number {
  return deliveryMs + ATTEMPT_MARGIN_MS;
}

export type MessageJob = BulkJob & { readonly payload: Message };

type MessageJobOptions = Pick<BulkJob, "id" | "runAt" | "delay" | "dedupe"> & {
  readonly retries?: number | undefined;
  readonly redaction?: Redaction | undefined;
};

/** The job that delivers a message. Its payload is without what the message hides. */
export async function messageJob(
  message: Message,
  { retries: maxRetries, redaction, ...options }: MessageJobOptions,
): Promise<MessageJob> {
  const { payload, hidden } = await redact(message, redaction);
  const timeout = message.timeoutMs && attemptTimeoutMs(message.timeoutMs);
  const flowControl = flowControlOf(message.limits);
  const job = { job: DELIVERY, payload, maxRetries, timeout, flowControl, ...options };
  return withInner(withoutUndefined(job), { hidden });
}

/** A job for the store, from within another delivery. Its payload has been checked. */
export function storedJob({ job, payload, ...options }: MessageJob, now: number): NewJob | Promise<NewJob> {
  return finishJob(draftJob(String(job), undefined, payload, options, now, () => ""));
}
