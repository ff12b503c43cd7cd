import { internalsOf } from "../../core/queue/internals.ts";
import { invalidRequest, isTidegateError, notFound } from "../../core/shared/errors.ts";
import { readBytes } from "../../http/contract/body.ts";
import { json } from "../api/answers.ts";
import { decoded, type QStashCall, readJsonBody } from "../api/call.ts";
import { headerValues } from "../messages/message.ts";
import { type MessageJob, placed } from "../messages/message-job.ts";
import { durationOrSeconds } from "../shared/durations.ts";
import { runsOf, waitsOf } from "../workflow/host.ts";
import { messageIds, type Run } from "../workflow/run.ts";
import { arrivalJob, eventJob, jobIdOf, runHeader, timeoutJob } from "../workflow/run-messages.ts";
import { isStep } from "../workflow/step.ts";
import { readRunId, refusingAsStep, runIsOver } from "../workflow/submit.ts";
import { eventData, eventStep, type RunWaits, type Wait, waitsName } from "../workflow/wait-documents.ts";

/** The largest data of an event, in bytes. */
const LARGEST_EVENT = 512 * 1024;
const LARGEST_WAIT = 64 * 1024;

/** `POST /v2/wait/{eventId}`: lets a step of a run wait for an event. */
export async function wait(call: QStashCall): Promise<Response> {
  const { request, host, settings, parameters } = call;
  const { queue } = host;
  const eventId = eventIdOf(parameters);
  const run = await runsOf(queue).find(readRunId(request.headers.get("upstash-workflow-runid")));
  if (run?.state !== "started") throw runIsOver();
  const now = queue.clock();
  const job = await refusingAsStep(async (): Promise<MessageJob> => {
    const { step, timeout, url = run.url } = Object(await readJsonBody(request, LARGEST_WAIT));
    const isTime = typeof timeout === "string" || typeof timeout === "number";
    if (!isStep(step) || !isTime) throw invalidRequest("A wait must have a step and a timeout.");
    const target = settings.targets.read(String(url), "url");
    const deadline = now + durationOrSeconds(String(timeout), "timeout");
    const result = await waitsOf(queue).add(eventId, run.id, { step, url: target, deadline, state: "waiting" }, now);
    return typeof result === "string"
      ? arrivalJob(run, eventStep(step, eventId, result), target)
      : timeoutJob(run, result, eventId);
  });
  const placedJob = placed(job, internalsOf(queue).local);
  await host.enqueue([placedJob]);
  return json({ messageId: placedJob.id });
}

/**
 * `POST /v2/notify/{eventId}` brings an event to all runs that wait for it, `POST /v2/notify/{runId}/{eventId}` to one run, which gets it
 * also if it waits for it only later.
 */
export async function notify(call: QStashCall): Promise<Response> {
  const data = eventData(await readBytes(call.request.body, LARGEST_EVENT));
  const eventId = eventIdOf(call.parameters);
  const [first = "", ...rest] = eventId.split("/");
  // An event's id may have slashes too. The SDK's ids of runs have their own beginning, and others are looked up.
  const isToOne = rest.length > 0 && (first.startsWith("wfr_") || (await runsOf(call.host.queue).find(first)));
  return json(isToOne ? await bringOrSave(call, first, rest.join("/"), data) : await bringToAll(call, eventId, data));
}

async function bringToAll(call: QStashCall, eventId: string, data: string) {
  const answers = [];
  for (const waits of await waitsOf(call.host.queue).waitingFor(eventId))
    answers.push(...(await bring(call, waits, data)));
  return answers;
}

function eventIdOf({ "*": path = "" }: QStashCall["parameters"]): string {
  return decoded(path);
}

/** `GET /v2/waiters/{eventId}` */
export async function listWaiters({ host, parameters }: QStashCall): Promise<Response> {
  const { queue } = host;
  const waiters = [];
  for (const waits of await waitsOf(queue).waitingFor(eventIdOf(parameters))) {
    const waiting = waits.waits.filter(({ state }) => state === "waiting");
    const run = waiting.length > 0 ? await runsOf(queue).find(waits.runId) : undefined;
    if (run?.state === "started") waiters.push(...waiting.map((each) => waiterOf(run, each)));
  }
  return json(waiters);
}

/**
 * Whatever comes to `/v2/workflows/hooks/{userId}/{runId}/{eventId}`: the webhooks of runs, whose addresses are their secrets. An address
 * of no user costs nothing, and one of no webhook the command that finds that out.
 */
export async function webhook(call: QStashCall): Promise<Response> {
  const { request, host, settings, parameters } = call;
  const { user = "", run: runId = "", event = "" } = parameters;
  if (!settings.users.has(user) || !(await waitsOf(host.queue).isWebhook(event, runId)))
    throw notFound("There is no webhook at this address.");
  const { protocol, host: address, pathname, search } = new URL(request.url);
  const received = {
    method: request.method,
    header: headerValues(request.headers),
    body: eventData(await readBytes(request.body, LARGEST_EVENT)),
    ...{ proto: protocol.slice(0, -1), host: address, url: pathname + search },
  };
  await bringOrSave(call, runId, event, eventData(new TextEncoder().encode(JSON.stringify(received))));
  return json({});
}

async function bringOrSave(call: QStashCall, runId: string, eventId: string, data: string) {
  const { queue } = call.host;
  const waits = waitsOf(queue);
  if ((await runsOf(queue).find(runId))?.state !== "started") throw notFound("No run with this id goes on.");
  for (;;) {
    const [waiting] = await waits.waitingFor(eventId, runId);
    const answers = waiting ? await bring(call, waiting, data) : [];
    // What another event has ended does not take this one.
    const brought = answers.filter(({ deduplicated }) => !deduplicated);
    if (brought.length > 0 || (await waits.save(eventId, runId, data, queue.clock()))) return brought;
  }
}

/**
 * Brings an event to the steps of a run that wait for it. It is enqueued first, so that it is not lost if this ends halfway. A wait that
 * its deadline ends meanwhile has no answer: the delivery of the event finds that out too.
 */
async function bring({ host }: QStashCall, waits: RunWaits, data: string) {
  const { queue } = host;
  const waiting = waits.waits.filter(({ state }) => state === "waiting");
  const run = waiting.length > 0 ? await runsOf(queue).find(waits.runId) : undefined;
  if (run?.state !== "started") return [];
  const { local } = internalsOf(queue);
  const answers = [];
  for (const each of waiting) {
    const { step } = each;
    const [result] = await host.enqueue([placed(await eventJob(run, each, waits.eventId, data), local)]);
    const name = await waitsName(waits.eventId, run.id);
    if (!(await waitsOf(queue).end(name, step.stepId, "notified", queue.clock()))) continue;
    await queue.cancel(jobIdOf(run, messageIds.timeout(run.id, step.stepId), local)).catch((error) => {
      if (!isTidegateError(error) || error.code === "store_unavailable") throw error;
    });
    answers.push({
      ...{ waiter: waiterOf(run, each), messageId: result?.id, error: "" },
      ...{ workflowRunId: run.id, workflowCreatedAt: run.createdAt },
      ...(result?.status !== "enqueued" && { deduplicated: true }),
    });
  }
  return answers;
}

function waiterOf(run: Run, { url, deadline }: Wait) {
  const headers = runHeader(run);
  return { url, deadline: Math.ceil(deadline / 1_000), headers, timeoutUrl: url, timeoutHeaders: headers };
}
