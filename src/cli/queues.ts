import { query, read } from "../client/transport.ts";
import type { Queue } from "../core/queue/queue.ts";
import { listQueues, type QueueList } from "../core/queue/queues.ts";
import type { Session } from "./session.ts";
import { suggestedCommand } from "./suggested-command.ts";
import { openTarget, type Target } from "./target.ts";

/** Reads every queue of a target, or the one that --queue names. @param mark as for `listQueues` */
export async function readQueues(target: Target, mark?: string): Promise<QueueList> {
  if (target.kind !== "handler") return listQueues(queuesOf(target), mark);
  return read("queues", target.send("GET", `/queues${query({ mark })}`));
}

/** The queues of a target by name, each as its own target. A single queue is the target itself, without a name. */
export async function targetsOf(target: Target, session: Session): Promise<ReadonlyMap<string | undefined, Target>> {
  const { globals } = session;
  const alone = new Map([[undefined, target]]);
  if (globals.queue !== undefined || target.kind === "redis") return alone;
  const { module: _, ...connection } = globals;
  const named = async (name: string): Promise<readonly [string, Target]> => {
    const command = (words: string) => suggestedCommand(words, { ...globals, queue: name });
    const queue = target.kind === "own" ? target.queues.find((each) => each.name === name) : undefined;
    if (target.kind === "own" && queue) return [name, { ...target, queue, jobNames: queue.jobNames, command }];
    const opened = await openTarget(session, { ...connection, queue: name });
    return [name, { ...opened, jobNames: target.jobNames, command }];
  };
  const names = (await readQueues(target)).queues?.map(({ queue }) => queue) ?? [];
  return names.length > 1 ? new Map(await Promise.all(names.map(named))) : alone;
}

/** The queues of a target that this process reads directly. */
export function queuesOf(target: Exclude<Target, { readonly kind: "handler" }>): readonly Queue[] {
  return target.kind === "own" ? target.queues : [target.queue];
}
