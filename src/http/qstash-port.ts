import type { BulkJob } from "../core/enqueue/bulk.ts";
import type { AnyJob } from "../core/job/define.ts";
import type { EnqueueResult } from "../core/job/enqueue-result.ts";
import type { Queue } from "../core/queue/queue.ts";

/** The name of the job that delivers a message. */
export const DELIVERY = "qstash_deliver";

/** What QStash's interface needs of the handler for one request. */
export interface QStashHost {
  readonly queue: Queue;
  /** Stores jobs of the interface, and starts those that are due in the background if the platform allows it. */
  enqueue(jobs: readonly BulkJob[]): Promise<readonly EnqueueResult[]>;
  /** Starts due jobs in the background if the platform allows it. */
  drainSoon(): void;
  readonly onError: (error: unknown) => void;
}

export interface MessageEvent {
  /** ms since 1970 */
  readonly time: number;
  readonly state: "CREATED" | "ERROR" | "DELIVERED" | "FAILED" | "CANCELED";
  readonly messageId: string;
  readonly url: string;
  readonly error?: string;
  readonly responseStatus?: number;
  /** ms since 1970 */
  readonly nextDeliveryTime?: number;
}

/** A page of events, newest first. */
export interface MessageEventPage {
  readonly events: readonly MessageEvent[];
  /** Where the next page begins; undefined on the last one. */
  readonly cursor?: string | undefined;
}

/** Where a message to a URL group goes. */
export interface UrlGroupBrief {
  readonly name: string;
  readonly endpoints: readonly { readonly url: string; readonly name?: string }[];
}

/** A run of a workflow. */
export interface RunBrief {
  readonly id: string;
  readonly url: string;
  readonly state: "started" | "success" | "failed" | "canceled";
  /** ms since 1970 */
  readonly createdAt: number;
}

export interface RunPage {
  readonly runs: readonly RunBrief[];
  /** Where the next page begins; undefined on the last one. */
  readonly cursor?: string | undefined;
}

/** A step of a run. */
export interface RunStepView {
  readonly name: string;
  /** The message that brings it to the workflow. */
  readonly messageId: string;
  readonly state: "completed" | "failed" | "retrying" | "waiting" | "canceled";
  /** ms since 1970 */
  readonly from: number;
  /** ms since 1970; undefined while it has no result. */
  readonly to?: number | undefined;
  readonly error?: string;
}

export interface RunView extends RunBrief {
  /** ms since 1970 */
  readonly endedAt?: number | undefined;
  readonly steps: readonly RunStepView[];
}

/** What the dashboard shows of messages beside the jobs that deliver them. */
export interface MessageRecords {
  /** Up to 100 events, of all messages or one, among the newest 1,000; undefined if none are kept. Three commands. */
  events(
    queue: Queue,
    query: { readonly messageId?: string | undefined; readonly cursor?: string | undefined },
  ): Promise<MessageEventPage | undefined>;
  /** Reads all URL groups. Costs three commands for each 1,000 of them. */
  groups(queue: Queue): Promise<readonly UrlGroupBrief[]>;
  /** A page of 50 runs of workflows, newest first. Three commands. */
  runs(queue: Queue, cursor: string | undefined): Promise<RunPage>;
  /** One run with its steps; undefined if there is none. Two commands, and three for each step that is not over. */
  run(queue: Queue, id: string): Promise<RunView | undefined>;
}

export interface MountedQStash {
  readonly interface: QStash;
  readonly queue: Queue;
}

/** The value of a handler's option `qstash`. A handler without it does not bundle QStash's interface. */
export interface QStash {
  /** The jobs that deliver messages: add them to the jobs of a queue. */
  readonly jobs: readonly AnyJob[];
  /** Responds to a request below `/v2`. @internal @param path the path from `/v2` on, as the request has it. */
  respond(request: Request, path: string, host: QStashHost): Promise<Response>;
  /** @internal */
  readonly records: MessageRecords;
}
