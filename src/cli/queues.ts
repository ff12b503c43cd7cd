import { connect, read } from "../client/transport.ts";
import { briefOf, type QueueBrief } from "../core/manage/stats.ts";
import type { Queue } from "../core/queue/queue.ts";
import { fetchWithTimeout } from "./fetch-with-timeout.ts";
import type { Session } from "./session.ts";
import type { Target } from "./target.ts";

/** The queues of a target, and what it cost to read them, in commands. */
export interface QueueList {
  readonly queues: readonly QueueBrief[];
  readonly commands: number;
}

/**
 * Reads every queue of a target: those of a handler or of a module, unless --queue names one; in Redis, the one that it names.
 *
 * @returns null if the handler is of a version that lists no queues.
 */
export async function readQueues(target: Target, { io }: Session): Promise<QueueList | null> {
  if (target.kind === "handler") {
    const { url, token } = target;
    const send = connect({ url, ...(token && { token }), fetch: fetchWithTimeout(io) });
    return read("queues", await send("GET", "/queues"), true);
  }
  const queues = queuesOf(target);
  const before = spent(queues);
  const briefs = await Promise.all(queues.map(async (queue) => briefOf(queue.name, await queue.getActivity())));
  return { queues: briefs, commands: spent(queues) - before };
}

/** The queues of a target that this process reads itself. */
export function queuesOf(target: Exclude<Target, { readonly kind: "handler" }>): readonly Queue[] {
  return target.kind === "own" ? target.queues : [target.queue];
}

/** The commands of queues so far. */
export function spent(queues: readonly Queue[]): number {
  return queues.reduce((sum, { spending }) => sum + spending.commands, 0);
}
