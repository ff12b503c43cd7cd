import { read } from "../client/transport.ts";
import type { QueueBrief } from "../core/manage/stats.ts";
import { listQueues } from "../core/queue/queues.ts";
import { isTidegateError, notFound } from "../core/shared/errors.ts";
import { UNKNOWN_QUEUE } from "../http/contract/problems.ts";
import { count, printable } from "./output/text.ts";
import type { Globals } from "./program.ts";
import type { Session } from "./session.ts";
import { suggestedCommand } from "./suggested-command.ts";
import { openTarget, type RedisTarget, type Target } from "./target.ts";

/** Reads every queue of a target, or the one that --queue names. */
export async function readQueues(target: Target): Promise<readonly QueueBrief[]> {
  if (target.kind === "redis") return listQueues([target.queue]);
  if (target.kind === "own") return listQueues(target.queues);
  return (await read<{ queues: readonly QueueBrief[] }>("queues", target.send("GET", "/queues"))).queues;
}

/** The queues of a target by name, each as its own target. A single queue is the target itself, without a name. */
export async function targetsOf(
  target: Target,
  session: Session,
  globals: Globals = session.globals,
): Promise<ReadonlyMap<string | undefined, Target>> {
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
  const names = await namesOf(target);
  return names.length > 1 ? new Map(await Promise.all(names.map(named))) : alone;
}

/** All queues of the handler or module, whichever --queue names. A Redis has only the one that is named. */
export async function allTargets(target: Target, session: Session): Promise<ReadonlyMap<string | undefined, Target>> {
  const { queue, ...globals } = session.globals;
  if (queue === undefined || target.kind === "redis") return targetsOf(target, session);
  return targetsOf(await openTarget(session, globals), session, globals);
}

/**
 * Says below a list on a terminal, when the user named no queue, that it shows the first of several: one request to a
 * handler. Says nothing if the handler does not list its queues.
 */
export async function noteFirstQueue(target: Target, session: Session): Promise<void> {
  const { globals, isJson, width } = session;
  if (isJson || width === undefined || globals.queue !== undefined || target.kind === "redis") return;
  const names = await namesOf(target).catch(() => []);
  const [first] = names;
  if (first === undefined || names.length < 2) return;
  const others = "Choose another with --queue, or see all with --all-queues.";
  session.aside(`This is the queue ${printable(first)}, one of ${count(names.length)}. ${others}`);
}

/** The names of all queues, the one that is shown by default first. */
async function namesOf(target: Exclude<Target, RedisTarget>): Promise<readonly string[]> {
  if (target.kind === "own") return target.queues.map(({ name }) => name);
  return (await readQueues(target)).map(({ queue }) => queue);
}

/** Adds to a handler's refusal of the queue that --queue names which ones it serves. Returns other errors unchanged. */
export async function withQueueNames(error: unknown, session: Session): Promise<unknown> {
  const { queue, ...globals } = session.globals;
  const isRefusal = isTidegateError(error) && error.code === "not_found" && error.message === UNKNOWN_QUEUE;
  if (queue === undefined || !isRefusal) return error;
  try {
    const queues = await readQueues(await openTarget(session, globals));
    const names = queues.map((each) => printable(each.queue)).join(", ");
    return notFound(`This handler serves no queue named ${printable(queue)}. It serves: ${names}.`);
  } catch {
    return error;
  }
}
