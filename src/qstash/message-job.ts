import { draftJob, finishJob } from "../core/enqueue/new-job.ts";
import type { BulkJob } from "../core/queue/send.ts";
import type { NewJob } from "../core/store/store.ts";
import type { Message } from "./message.ts";

/** What is to be published. */
export interface Draft {
  readonly destination: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** The queue that it is enqueued to. */
  readonly queue?: string | undefined;
}

/** The job that delivers a message. */
export type MessageJob = BulkJob & { readonly payload: Message };

/** The same for the store, from within another delivery. Its payload has been checked already. */
export function storedJob({ job, payload, ...options }: MessageJob, now: number): NewJob | Promise<NewJob> {
  return finishJob(draftJob(String(job), undefined, payload, options, now, () => ""));
}
