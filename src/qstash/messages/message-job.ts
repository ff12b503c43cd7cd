import type { BulkJob } from "../../core/enqueue/bulk.ts";
import { draftJob, finishJob } from "../../core/enqueue/new-job.ts";
import type { LocalFacts, NewJob } from "../../core/store/store.ts";
import type { Message } from "./message.ts";

/** How often a message, or a callback, is retried if nothing says. */
export const DEFAULT_RETRIES = 3;

/** How much longer an attempt may take than its delivery, so that a late delivery is a failure like any other. */
const ATTEMPT_MARGIN_MS = 1_000;

/** How long the attempt of a delivery may take. */
export function attemptTimeoutMs(deliveryMs: number): number {
  return deliveryMs + ATTEMPT_MARGIN_MS;
}

/** The job that delivers a message. */
export type MessageJob = BulkJob & { readonly payload: Message };

/**
 * The id of a job under a flow control key. In a queue with partitions all jobs of a key are in one: then the id gets
 * an ending by which its job is kept there. The same id and key give the same again.
 */
export function idUnderKey(id: string, key: string | undefined, local: LocalFacts): string {
  let made = 0;
  return key === undefined ? id : local.idSource(() => (made++ === 0 ? id : `${id}~${made}`))(key);
}

/** The job under such an id, if it has one of its own. */
export function placed(job: MessageJob, local: LocalFacts): MessageJob {
  const { id, flowControl } = job;
  return id === undefined ? job : { ...job, id: idUnderKey(id, flowControl?.key, local) };
}

/** The id without that ending. */
export function withoutEnding(id: string): string {
  return id.replace(/~\d+$/, "");
}

/** The same for the store, from within another delivery. Its payload has been checked already. */
export function storedJob({ job, payload, ...options }: MessageJob, now: number): NewJob | Promise<NewJob> {
  return finishJob(draftJob(String(job), undefined, payload, options, now, () => ""));
}
