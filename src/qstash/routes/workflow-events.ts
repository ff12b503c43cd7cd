import { invalidRequest, notFound } from "../../core/shared/errors.ts";
import { readBytes } from "../../http/contract/body.ts";
import { decoded, type QStashCall, readJsonBody } from "../api/call.ts";
import { headerValues } from "../messages/message.ts";
import { durationOrSeconds } from "../shared/durations.ts";
import { bringOrSave, bringToAll, waitersOf, waitFor } from "../workflow/events.ts";
import { runsOf, waitsOf } from "../workflow/host.ts";
import { isStep } from "../workflow/step.ts";
import { readRunId, refusingAsStep, runIsOver } from "../workflow/submit.ts";
import { eventData } from "../workflow/wait-documents.ts";
import { route } from "./route.ts";

const LARGEST_EVENT = 512 * 1024;
const LARGEST_WAIT = 64 * 1024;

export const workflowEventRoutes = [
  // The SDK does not escape the ids of events.
  route("POST wait/*", wait),
  route("POST notify/*", notify),
  route("GET waiters/*", (call) => waitersOf(call, decoded(call.rest))),
  route("* workflows/hooks/:user/:run/:event", webhook, { isOpen: true }),
];

/** Lets a step of a run wait for an event. */
async function wait(call: QStashCall) {
  const { request, queue, settings, rest } = call;
  const eventId = decoded(rest);
  const run = await runsOf(queue).find(readRunId(request.headers.get("upstash-workflow-runid")));
  if (run?.state !== "started") throw runIsOver();
  const now = queue.clock();
  const job = await refusingAsStep(async () => {
    const { step, timeout, url = run.url } = Object(await readJsonBody(request, LARGEST_WAIT));
    const isTime = typeof timeout === "string" || typeof timeout === "number";
    if (!isStep(step) || !isTime) throw invalidRequest("A wait must have a step and a timeout.");
    const target = settings.targets.read(String(url), "url");
    const deadline = now + durationOrSeconds(String(timeout), "timeout");
    return waitFor(call, run, eventId, { step, url: target, deadline }, now);
  });
  await call.enqueue([job]);
  return { messageId: job.id };
}

/**
 * `notify/{eventId}` brings an event to all runs that wait for it. `notify/{runId}/{eventId}` brings it to one run,
 * even if that waits for it only later.
 */
async function notify(call: QStashCall) {
  const data = eventData(await readBytes(call.request, LARGEST_EVENT));
  const eventId = decoded(call.rest);
  const [first = "", ...rest] = eventId.split("/");
  // The id of an event may contain slashes. The SDK's run ids have a prefix, and any other id is looked up.
  const isToOne = rest.length > 0 && (first.startsWith("wfr_") || (await runsOf(call.queue).find(first)));
  return isToOne ? bringOrSave(call, first, rest.join("/"), data) : bringToAll(call, eventId, data);
}

/**
 * Any request to a webhook of a run. The URLs of webhooks are secrets. A URL with an unknown user costs nothing, and
 * one without a webhook costs the command that looks for it.
 */
async function webhook(call: QStashCall): Promise<void> {
  const { request, queue, settings, parts } = call;
  const [user = "", runId = "", event = ""] = parts;
  if (!settings.users.has(user) || !(await waitsOf(queue).isWebhook(event, runId)))
    throw notFound("There is no webhook at this URL.");
  const { protocol, host, pathname, search } = new URL(request.url);
  const received = {
    method: request.method,
    header: headerValues(request.headers),
    body: eventData(await readBytes(request, LARGEST_EVENT)),
    ...{ proto: protocol.slice(0, -1), host, url: pathname + search },
  };
  await bringOrSave(call, runId, event, eventData(new TextEncoder().encode(JSON.stringify(received))));
}
