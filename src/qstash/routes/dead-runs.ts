import type { Queue } from "../../core/queue/queue.ts";
import { conflict, notFound } from "../../core/shared/errors.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import type { QStashCall } from "../api/call.ts";
import { json } from "../api/responses.ts";
import { selectDead } from "../messages/dead-selection.ts";
import { readLimits, withoutLimits } from "../messages/flow-control.ts";
import { lastResponse, type MessageView } from "../messages/message-view.ts";
import { readPublishOptions } from "../publish/publish-options.ts";
import { hostOfRequest, runsOf } from "../workflow/host.ts";
import { type Again, closeRuns, removeDead, runAgain } from "../workflow/rerun.ts";
import type { RunOptions } from "../workflow/run.ts";
import { callbackState } from "../workflow/run-log.ts";

/** `GET /v2/workflows/dlq`, and `GET /v2/dlq` with `source=workflow`: the messages that failed runs. */
export async function listDeadRuns({ host, query }: QStashCall): Promise<Response> {
  const { messages, cursor } = await selectRuns(host.queue, query);
  return json({ messages, ...(cursor && { cursor }) });
}

/** `GET /v2/workflows/dlq/{id}` */
export async function getDeadRun({ host, parameters }: QStashCall): Promise<Response> {
  return json(await findRun(host.queue, parameters["id"] ?? ""));
}

/** `DELETE /v2/workflows/dlq` */
export async function removeDeadRuns({ host, query }: QStashCall): Promise<Response> {
  const { messages, cursor } = await selectRuns(host.queue, query);
  return json({ deleted: await removeDead(host, messages), ...(cursor && { cursor }) });
}

/** `DELETE /v2/workflows/dlq/{id}` */
export async function removeDeadRun({ host, parameters }: QStashCall): Promise<Response> {
  await removeDead(host, [await findRun(host.queue, parameters["id"] ?? "")]);
  return json({});
}

/** `POST /v2/workflows/dlq/resume` and `/restart`: repeats failed runs, each as a new run. */
export function rerunMany(again: Again) {
  return async (call: QStashCall): Promise<Response> => {
    const { messages, cursor } = await selectRuns(call.host.queue, call.query);
    const workflowRuns = [];
    for (const message of messages) {
      const run = await rerun(call, message, again);
      if (run) workflowRuns.push(run);
    }
    return json({ workflowRuns, ...(cursor && { cursor }) });
  };
}

/** `POST /v2/workflows/dlq/resume/{id}` and `/restart/{id}` */
export function rerunOne(again: Again) {
  return async (call: QStashCall): Promise<Response> => {
    const run = await rerun(call, await findRun(call.host.queue, call.parameters["id"] ?? ""), again);
    if (!run) throw notAFailedRun();
    return json(run);
  };
}

/** @returns the new run; undefined if somebody else has dealt with the failed one by now */
async function rerun({ host, request, settings }: QStashCall, { messageId, workflowRunId = "" }: View, again: Again) {
  const store = hostOfRequest(host);
  const failed = await runsOf(host.queue).find(workflowRunId);
  if (failed?.failedBy !== messageId) return undefined;
  const limits = readLimits(request.headers, undefined)?.limits;
  const read = readPublishOptions(withoutLimits(request.headers), settings.targets, store.now);
  const { retries, retryDelay, labels, failureCallback, notBefore } = read;
  const changes: Partial<RunOptions> = withoutUndefined({
    ...{ retries, retryDelay, labels, limits },
    failureCallback: failureCallback && { ...failed.options.failureCallback, ...failureCallback },
  });
  const run = await runAgain(store, failed, again, changes, notBefore);
  await host.queue.removeFromDeadLetter({ ids: [messageId] });
  await closeRuns(store, [{ messageId, workflowRunId: failed.id }]);
  return { workflowRunId: run.id, workflowCreatedAt: run.createdAt };
}

/** `POST /v2/workflows/dlq/callback/{id}`: repeats a failed call of a failure function. */
export async function retryCallback({ host, parameters }: QStashCall): Promise<Response> {
  const { queue } = host;
  const { workflowRunId, workflowCreatedAt } = await findRun(queue, parameters["id"] ?? "");
  const { reportId = "" } = (await runsOf(queue).find(workflowRunId ?? "")) ?? {};
  if ((await queue.getJob(reportId))?.state !== "dead")
    throw conflict("The failure function of this run has not failed.");
  await queue.retryFromDeadLetter(reportId);
  host.drainSoon();
  return json({ workflowRunId, workflowCreatedAt });
}

type View = MessageView & { readonly failureCallbackInfo?: { readonly state: string } };

async function findRun(queue: Queue, id: string): Promise<View> {
  const { messages } = await selectDead(queue, new URLSearchParams({ dlqIds: id }));
  const [message] = messages.filter(endsRun);
  const view = message && (await viewOf(queue, message));
  if (!view) throw notAFailedRun();
  return view;
}

const notAFailedRun = () => notFound("No failed run has this id in the dead letter.");

async function selectRuns(queue: Queue, query: URLSearchParams) {
  const filters = new URLSearchParams(
    [...query].filter(([name]) => name !== "source" && name !== "failureFunctionState"),
  );
  const { messages, cursor } = await selectDead(queue, filters, endsRun);
  const found = await Promise.all(messages.map((message) => viewOf(queue, message)));
  const views = found.filter((view) => view !== undefined);
  const states = query.getAll("failureFunctionState");
  const matches = ({ failureCallbackInfo }: View) => states.includes(failureCallbackInfo?.state ?? "");
  return { messages: states.length === 0 ? views : views.filter(matches), cursor };
}

function endsRun({ workflowUrl }: MessageView): boolean {
  return workflowUrl !== undefined;
}

/** The message that failed a run, with the state of its report. Undefined for any other dead message of a run. */
async function viewOf(queue: Queue, message: MessageView): Promise<View | undefined> {
  const { reportId, options, failedBy } = (await runsOf(queue).find(message.workflowRunId ?? "")) ?? {};
  if (failedBy !== message.messageId) return undefined;
  if (reportId === undefined || !options?.failureCallback) return message;
  const job = await queue.getJob(reportId);
  const { responseStatus, responseHeader: responseHeaders, responseBody } = lastResponse(job?.progress);
  const failureCallbackInfo = { state: callbackState(job), responseStatus, responseHeaders, responseBody };
  return { ...message, failureCallback: options.failureCallback.url, failureCallbackInfo };
}
