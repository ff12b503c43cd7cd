import type { BulkJob } from "../../core/enqueue/bulk.ts";
import { draftJob, finishJob } from "../../core/enqueue/new-job.ts";
import type { LocalFacts, NewJob } from "../../core/store/store.ts";
import type { Message } from "./message.ts";

export const DEFAULT_RETRIES = 3;

/** An attempt may take so much longer than its delivery. So a late delivery fails before its attempt times out. */
const ATTEMPT_MARGIN_MS = 1_000;

export function attemptTimeoutMs(deliveryMs: number): number {
  return deliveryMs + ATTEMPT_MARGIN_MS;
}

export type MessageJob = BulkJob & { readonly payload: Message };

/** Returns an id, and then variants of it, until one belongs to the partition that a job must be in. */
export function variantsOf(id: string, mark: string): () => string {
  let made = 0;
  return () => (made++ === 0 ? id : `${id}${mark}${made}`);
}

/** The id of a job under a flow control key: the variant in the partition of the key. */
export function idUnderKey(id: string, key: string | undefined, local: LocalFacts): string {
  return key === undefined ? id : local.idSource(variantsOf(id, "~"))(key);
}

/** The job with its id in the partition of its key. */
export function placed(job: MessageJob, local: LocalFacts): MessageJob {
  const { id, flowControl } = job;
  return id === undefined ? job : { ...job, id: idUnderKey(id, flowControl?.key, local) };
}

export function withoutEnding(id: string): string {
  return id.replace(/~\d+$/, "");
}

/** A job for the store, from within another delivery. Its payload has been checked. */
export function storedJob({ job, payload, ...options }: MessageJob, now: number): NewJob | Promise<NewJob> {
  return finishJob(draftJob(String(job), undefined, payload, options, now, () => ""));
}
