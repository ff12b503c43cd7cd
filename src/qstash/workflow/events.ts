import { isTidegateError, notFound } from "../../core/shared/errors.ts";
import type { QStashHost } from "../../http/qstash-port.ts";
import type { MessageJob } from "../messages/message-job.ts";
import { runsOf, waitsOf } from "./host.ts";
import { messageIds, type Run } from "./run.ts";
import { arrivalJob, eventJob, runHeader, timeoutJob } from "./run-messages.ts";
import { eventStep, type RunWaits, type Wait, waitsName } from "./wait-documents.ts";

/** Lets a step wait for an event. @returns the message that ends the wait: at its deadline, or now. */
export async function waitFor(
  { queue }: QStashHost,
  run: Run,
  eventId: string,
  wait: Omit<Wait, "state">,
  now: number,
): Promise<MessageJob> {
  const result = await waitsOf(queue).add(eventId, run.id, { ...wait, state: "waiting" }, now);
  return typeof result === "string"
    ? arrivalJob(run, eventStep(wait.step, eventId, result), wait.url)
    : timeoutJob(run, result, eventId);
}

export async function waitersOf({ queue }: QStashHost, eventId: string) {
  const waiters = [];
  for (const waits of await waitsOf(queue).waitingFor(eventId)) {
    const { run, waiting } = await whoWaits(queue, waits);
    if (run) waiters.push(...waiting.map((each) => waiterOf(run, each)));
  }
  return waiters;
}

/** Brings an event to all runs that wait for it. */
export async function bringToAll(host: QStashHost, eventId: string, data: string) {
  const notified = [];
  for (const waits of await waitsOf(host.queue).waitingFor(eventId)) notified.push(...(await bring(host, waits, data)));
  return notified;
}

/** Brings an event to one run, or saves it until the run waits for it. @throws {TidegateError} `not_found` */
export async function bringOrSave(host: QStashHost, runId: string, eventId: string, data: string) {
  const { queue } = host;
  const waits = waitsOf(queue);
  if ((await runsOf(queue).find(runId))?.state !== "started") throw unknownRun();
  for (;;) {
    const [waiting] = await waits.waitingFor(eventId, runId);
    const notified = waiting ? await bring(host, waiting, data) : [];
    // A wait that another event has ended does not take this one.
    const brought = notified.filter(({ deduplicated }) => !deduplicated);
    if (brought.length > 0 || (await waits.save(eventId, runId, data, queue.clock()))) return brought;
  }
}

/** The error for a run that does not exist or has ended. */
export function unknownRun(): Error {
  return notFound("No run in progress has this id.");
}

/**
 * Brings an event to the steps of a run that wait for it. Enqueues it first, so that an invocation that is killed
 * halfway does not lose it. Returns nothing for a wait that its deadline ends at the same time. The delivery of the
 * event notices that too.
 */
async function bring(host: QStashHost, waits: RunWaits, data: string) {
  const { queue } = host;
  const { run, waiting } = await whoWaits(queue, waits);
  if (!run) return [];
  const notified = [];
  for (const each of waiting) {
    const { step } = each;
    const [result] = await host.enqueue([await eventJob(run, each, waits.eventId, data)]);
    const name = await waitsName(waits.eventId, run.id);
    if (!(await waitsOf(queue).end(name, step.stepId, "notified", queue.clock()))) continue;
    await queue.cancel(messageIds.timeout(run.id, step.stepId)).catch((error) => {
      if (!isTidegateError(error) || error.code === "store_unavailable") throw error;
    });
    notified.push({
      ...{ waiter: waiterOf(run, each), messageId: result?.id, error: "" },
      ...{ workflowRunId: run.id, workflowCreatedAt: run.createdAt },
      ...(result?.status !== "enqueued" && { deduplicated: true }),
    });
  }
  return notified;
}

/** The waits that neither an event nor their deadline has ended, and their run if it is in progress. */
async function whoWaits(queue: QStashHost["queue"], { runId, waits }: RunWaits) {
  const waiting = waits.filter(({ state }) => state === "waiting");
  const run = waiting.length > 0 ? await runsOf(queue).find(runId) : undefined;
  return { waiting, run: run?.state === "started" ? run : undefined };
}

function waiterOf(run: Run, { url, deadline }: Wait) {
  const headers = runHeader(run);
  return { url, deadline: Math.ceil(deadline / 1_000), headers, timeoutUrl: url, timeoutHeaders: headers };
}
