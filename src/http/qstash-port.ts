import type { EnqueueResult } from "../core/enqueue/new-job.ts";
import type { AnyJob } from "../core/job/define.ts";
import type { Queue } from "../core/queue/queue.ts";
import type { BulkJob } from "../core/queue/send.ts";

/** What a handler gives to QStash's interface for one request. */
export interface QStashHost {
  /** The queue that performs the jobs of the interface. */
  readonly queue: Queue;
  /** Stores jobs, and starts those that are due in the background if the platform allows it. */
  enqueue(jobs: readonly BulkJob[]): Promise<readonly EnqueueResult[]>;
  /** Starts due jobs in the background if the platform allows it. */
  drainSoon(): void;
  /** Takes errors that are not the caller's fault. */
  readonly onError: (error: unknown) => void;
}

/** The value of a handler's option `qstash`. A handler without it does not bundle QStash's interface. */
export interface QStash {
  /** The jobs that deliver messages: add them to the jobs of a queue. */
  readonly jobs: readonly AnyJob[];
  /**
   * Answers a request below `/v2`.
   *
   * @internal
   * @param path the path from `/v2` on, as the request has it.
   */
  answer(request: Request, path: string, host: QStashHost): Promise<Response>;
}
