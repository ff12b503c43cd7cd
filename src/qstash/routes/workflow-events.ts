import { internalsOf } from "../../core/queue/internals.ts";
import { invalidRequest, notFound } from "../../core/shared/errors.ts";
import { readBytes } from "../../http/contract/body.ts";
import { decoded, type QStashCall, readJsonBody } from "../api/call.ts";
import { json } from "../api/responses.ts";
import { headerValues } from "../messages/message.ts";
import { placed } from "../messages/message-job.ts";
import { durationOrSeconds } from "../shared/durations.ts";
import { bringOrSave, bringToAll, waitersOf, waitFor } from "../workflow/events.ts";
import { runsOf, waitsOf } from "../workflow/host.ts";
import { isStep } from "../workflow/step.ts";
import { readRunId, refusingAsStep, runIsOver } from "../workflow/submit.ts";
import { eventData } from "../workflow/wait-documents.ts";

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
  const job = await refusingAsStep(async () => {
    const { step, timeout, url = run.url } = Object(await readJsonBody(request, LARGEST_WAIT));
    const isTime = typeof timeout === "string" || typeof timeout === "number";
    if (!isStep(step) || !isTime) throw invalidRequest("A wait must have a step and a timeout.");
    const target = settings.targets.read(String(url), "url");
    const deadline = now + durationOrSeconds(String(timeout), "timeout");
    return waitFor(host, run, eventId, { step, url: target, deadline }, now);
  });
  const placedJob = placed(job, internalsOf(queue).local);
  await host.enqueue([placedJob]);
  return json({ messageId: placedJob.id });
}

/**
 * `POST /v2/notify/{eventId}` brings an event to all runs that wait for it. `POST /v2/notify/{runId}/{eventId}` brings
 * it to one run, even if that waits for it only later.
 */
export async function notify({ request, host, parameters }: QStashCall): Promise<Response> {
  const data = eventData(await readBytes(request, LARGEST_EVENT));
  const eventId = eventIdOf(parameters);
  const [first = "", ...rest] = eventId.split("/");
  // The id of an event may contain slashes. The SDK's run ids have a prefix, and any other id is looked up.
  const isToOne = rest.length > 0 && (first.startsWith("wfr_") || (await runsOf(host.queue).find(first)));
  return json(isToOne ? await bringOrSave(host, first, rest.join("/"), data) : await bringToAll(host, eventId, data));
}

function eventIdOf({ "*": path = "" }: QStashCall["parameters"]): string {
  return decoded(path);
}

/** `GET /v2/waiters/{eventId}` */
export async function listWaiters({ host, parameters }: QStashCall): Promise<Response> {
  return json(await waitersOf(host, eventIdOf(parameters)));
}

/**
 * Any request to `/v2/workflows/hooks/{userId}/{runId}/{eventId}`, the webhooks of runs. Their URLs are secrets. A URL
 * with an unknown user costs nothing, and one without a webhook costs the command that looks for it.
 */
export async function webhook({ request, host, settings, parameters }: QStashCall): Promise<Response> {
  const { user = "", run: runId = "", event = "" } = parameters;
  if (!settings.users.has(user) || !(await waitsOf(host.queue).isWebhook(event, runId)))
    throw notFound("There is no webhook at this URL.");
  const { protocol, host: address, pathname, search } = new URL(request.url);
  const received = {
    method: request.method,
    header: headerValues(request.headers),
    body: eventData(await readBytes(request, LARGEST_EVENT)),
    ...{ proto: protocol.slice(0, -1), host: address, url: pathname + search },
  };
  await bringOrSave(host, runId, event, eventData(new TextEncoder().encode(JSON.stringify(received))));
  return json({});
}
