import type { BulkJob } from "../../core/enqueue/bulk.ts";
import { draftJob, finishJob } from "../../core/enqueue/new-job.ts";
import type { NewJob } from "../../core/store/store.ts";
import type { Message } from "./message.ts";

export const DEFAULT_RETRIES = 3;

/** An attempt may take so much longer than its delivery. So a late delivery fails before its attempt times out. */
const ATTEMPT_MARGIN_MS = 1_000;

export function attemptTimeoutMs(deliveryMs: number): number {
  return deliveryMs + ATTEMPT_MARGIN_MS;
}

export type MessageJob = BulkJob & { readonly payload: Message };

/** A job for the store, from within another delivery. Its payload has been checked. */
export function storedJob({ job, payload, ...options }: MessageJob, now: number): NewJob | Promise<NewJob> {
  return finishJob(draftJob(String(job), undefined, payload, options, now, () => ""));
}
