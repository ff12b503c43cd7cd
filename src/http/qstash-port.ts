import type { BulkJob } from "../core/enqueue/bulk.ts";
import type { AnyJob } from "../core/job/define.ts";
import type { EnqueueResult } from "../core/job/enqueue.ts";
import type { Queue } from "../core/queue/queue.ts";

/** What QStash's interface needs of the handler for one request. */
export interface QStashHost {
  readonly queue: Queue;
  /** Stores jobs of the interface, and starts those that are due in the background if the platform allows it. */
  enqueue(jobs: readonly BulkJob[]): Promise<readonly EnqueueResult[]>;
  /** Starts due jobs in the background if the platform allows it. */
  drainSoon(): void;
  readonly onError: (error: unknown) => void;
}

/** The value of a handler's option `qstash`. A handler without it does not bundle QStash's interface. */
export interface QStash {
  /** The jobs that deliver messages: add them to the jobs of a queue. */
  readonly jobs: readonly AnyJob[];
  /** Responds to a request below `/v2`. @internal @param path the path from `/v2` on, as the request has it. */
  respond(request: Request, path: string, host: QStashHost): Promise<Response>;
}
