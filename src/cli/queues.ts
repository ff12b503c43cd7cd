import { connect, query, read } from "../client/transport.ts";
import { listQueues, type QueueList } from "../core/queue/list-queues.ts";
import type { Queue } from "../core/queue/queue.ts";
import { fetchWithTimeout } from "./fetch-with-timeout.ts";
import type { Session } from "./session.ts";
import type { Target } from "./target.ts";

/**
 * Reads every queue of a target: those of a handler or of a module, unless --queue names one; in Redis, the one that it names.
 *
 * @param mark as for `listQueues`.
 * @returns null if the handler is of a version that lists no queues.
 */
export async function readQueues(target: Target, { io }: Session, mark?: string): Promise<QueueList | null> {
  if (target.kind !== "handler") return listQueues(queuesOf(target), mark);
  const { url, token } = target;
  const connection = { url, ...(token && { token }), fetch: fetchWithTimeout(io) };
  return read("queues", await connect(connection)("GET", `/queues${query({ mark })}`), true);
}

/** The queues of a target that this process reads itself. */
export function queuesOf(target: Exclude<Target, { readonly kind: "handler" }>): readonly Queue[] {
  return target.kind === "own" ? target.queues : [target.queue];
}
