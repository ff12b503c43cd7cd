import type { Queue } from "../../core/queue/queue.ts";
import { toBase64, utf8 } from "../../core/shared/bytes.ts";
import { invalidRequest, isTidegateError, notFound } from "../../core/shared/errors.ts";
import { readBytes } from "../../http/contract/body.ts";
import { decoded, type QStashCall, readJsonBody, route } from "../api/call.ts";
import { headerValues } from "../messages/message.ts";
import { readRunId, refusingAsStep, runIsOver } from "../publish/submit.ts";
import { durationOrSeconds } from "../shared/durations.ts";
import { isStep, messageIds, type Run } from "../workflow/run.ts";
import { arrivalJob, endOfWait, runHeader, waitResult } from "../workflow/run-messages.ts";
import { type RunWaits, type Wait, waitsName } from "../workflow/wait-documents.ts";

const LARGEST_EVENT = 512 * 1024;
const LARGEST_WAIT = 64 * 1024;

export const workflowEventRoutes = [
  // The SDK does not escape the ids of events.
  route("POST wait/*", wait),
  route("POST notify/*", notify),
  route("GET waiters/*", async (call) => {
    const waiters = [];
    for (const waits of await call.waits.waitingFor(decoded(call.rest))) {
      const { run, waiting } = await whoWaits(call, waits);
      if (run) waiters.push(...waiting.map((each) => waiterOf(run, each)));
    }
    return waiters;
  }),
  route("* workflows/hooks/:user/:run/:event", webhook, { isOpen: true }),
];

/** Lets a step of a run wait for an event. The response has the message that ends the wait: at its deadline, or now. */
async function wait(call: QStashCall) {
  const { request, settings, rest, runs, waits, now } = call;
  const eventId = decoded(rest);
  const run = await runs.find(readRunId(request.headers.get("upstash-workflow-runid")));
  if (run?.state !== "started") throw runIsOver();
  const job = await refusingAsStep(async () => {
    const { step, timeout, url = run.url } = Object(await readJsonBody(request, LARGEST_WAIT));
    const isTime = typeof timeout === "string" || typeof timeout === "number";
    if (!isStep(step) || !isTime) throw invalidRequest("A wait must have a step and a timeout.");
    const target = settings.targets.read(String(url), "url");
    const deadline = now + durationOrSeconds(String(timeout), "timeout");
    const result = await waits.add(eventId, run.id, { step, url: target, deadline, state: "waiting" }, now);
    return typeof result === "string"
      ? arrivalJob(run, waitResult(step, eventId, result), target)
      : endOfWait(run, result, eventId);
  });
  await call.enqueue([job]);
  return { messageId: job.id };
}

/**
 * `notify/{eventId}` brings an event to all runs that wait for it. `notify/{runId}/{eventId}` brings it to one run,
 * even if that waits for it only later.
 */
async function notify(call: QStashCall) {
  const data = await readEvent(call.request);
  const eventId = decoded(call.rest);
  const [first = "", ...rest] = eventId.split("/");
  // The id of an event may contain slashes. The SDK's run ids have a prefix, and any other id is looked up.
  if (rest.length > 0 && (first.startsWith("wfr_") || (await call.runs.find(first))))
    return bringOrSave(call, first, rest.join("/"), data);
  const notified = [];
  for (const waits of await call.waits.waitingFor(eventId)) notified.push(...(await bring(call, waits, data)));
  return notified;
}

/** As base64, as the SDK's steps have it. */
async function readEvent(request: Request): Promise<string> {
  return toBase64(await readBytes(request, LARGEST_EVENT));
}

/**
 * Any request to a webhook of a run. The URLs of webhooks are secrets. A URL with an unknown user costs nothing, and
 * one without a webhook costs the command that looks for it.
 */
async function webhook(call: QStashCall): Promise<void> {
  const { request, settings, parts } = call;
  const [user = "", runId = "", event = ""] = parts;
  if (!settings.users.has(user) || !(await call.waits.isWebhook(event, runId)))
    throw notFound("There is no webhook at this URL.");
  const { protocol, host, pathname, search } = new URL(request.url);
  const received = {
    method: request.method,
    header: headerValues(request.headers),
    body: await readEvent(request),
    ...{ proto: protocol.slice(0, -1), host, url: pathname + search },
  };
  await bringOrSave(call, runId, event, toBase64(utf8(JSON.stringify(received))));
}

/** Brings an event to one run, or saves it until the run waits for it. @throws {TidegateError} `not_found` */
async function bringOrSave(call: QStashCall, runId: string, eventId: string, data: string) {
  const { runs, waits, now } = call;
  if ((await runs.find(runId))?.state !== "started") throw unknownRun();
  for (;;) {
    const [waiting] = await waits.waitingFor(eventId, runId);
    const notified = waiting ? await bring(call, waiting, data) : [];
    // A wait that another event has ended does not take this one.
    const brought = notified.filter(({ deduplicated }) => !deduplicated);
    if (brought.length > 0 || (await waits.save(eventId, runId, data, now))) return brought;
  }
}

export function unknownRun(): Error {
  return notFound("No run in progress has this id.");
}

/**
 * Brings an event to the steps of a run that wait for it. Enqueues it first, so that an invocation that is killed
 * halfway does not lose it. Returns nothing for a wait that its deadline ends at the same time. The delivery of the
 * event notices that too.
 */
async function bring(call: QStashCall, found: RunWaits, data: string) {
  const { queue, waits, now } = call;
  const { eventId } = found;
  const { run, waiting } = await whoWaits(call, found);
  if (!run) return [];
  const notified = [];
  for (const each of waiting) {
    const { stepId } = each.step;
    const [result] = await call.enqueue([await endOfWait(run, each, eventId, data)]);
    if (!(await waits.end(await waitsName(eventId, run.id), stepId, "notified", now))) continue;
    await cancelIfWaiting(queue, messageIds.timeout(run.id, stepId));
    notified.push({
      ...{ waiter: waiterOf(run, each), messageId: result?.id, error: "" },
      ...{ workflowRunId: run.id, workflowCreatedAt: run.createdAt },
      ...(result?.status !== "enqueued" && { deduplicated: true }),
    });
  }
  return notified;
}

export async function cancelIfWaiting(queue: Queue, id: string): Promise<void> {
  await queue.cancel(id).catch((error) => {
    if (!isTidegateError(error) || error.code === "store_unavailable") throw error;
  });
}

/** The waits that neither an event nor their deadline has ended, and their run if it is in progress. */
async function whoWaits({ runs }: QStashCall, { runId, waits }: RunWaits) {
  const waiting = waits.filter(({ state }) => state === "waiting");
  const run = waiting.length > 0 ? await runs.find(runId) : undefined;
  return { waiting, run: run?.state === "started" ? run : undefined };
}

function waiterOf(run: Run, { url, deadline }: Wait) {
  const headers = runHeader(run);
  return { url, deadline: Math.ceil(deadline / 1_000), headers, timeoutUrl: url, timeoutHeaders: headers };
}
