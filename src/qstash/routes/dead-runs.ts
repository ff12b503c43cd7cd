import type { Queue } from "../../core/queue/queue.ts";
import { conflict, invalidRequest, notFound } from "../../core/shared/errors.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { type QStashCall, type Route, route } from "../api/call.ts";
import { DELIVERY } from "../messages/message.ts";
import { readCount, readFilter } from "../messages/message-filter.ts";
import { deliveriesAmong, isDelivery, lastResponse, type MessageView, messageView } from "../messages/message-view.ts";
import { readPublishOptions } from "../publish/publish-options.ts";
import { type Again, removeDead, runAgain } from "../workflow/rerun.ts";
import type { RunOptions } from "../workflow/run.ts";
import { callbackState } from "../workflow/run-log.ts";

export function deadRoutes(
  path: string,
  find: (call: QStashCall) => Promise<MessageView>,
  list: (
    call: QStashCall,
  ) => Promise<{ readonly messages: readonly MessageView[]; readonly cursor?: string | undefined }>,
): readonly Route[] {
  const removeMany = async (call: QStashCall) => {
    const { messages, cursor } = await list(call);
    return { deleted: await removeDead(call, messages), cursor };
  };
  return [
    route(`GET ${path}`, list),
    route(`DELETE ${path}`, removeMany, { isBulk: true }),
    route(`GET ${path}/:id`, find),
    route(`DELETE ${path}/:id`, async (call) => {
      await removeDead(call, [await find(call)]);
    }),
  ];
}

export const deadRunRoutes = [
  ...deadRoutes("workflows/dlq", findRun, listDeadRuns),
  ...(["resume", "restart"] as const).flatMap((again) => [
    route(`POST workflows/dlq/${again}`, (call) => rerunMany(call, again), { isBulk: true }),
    route(`POST workflows/dlq/${again}/:id`, async (call) => {
      const run = await rerun(call, await findRun(call), again);
      if (!run) throw notAFailedRun();
      return run;
    }),
  ]),
  route("POST workflows/dlq/callback/:id", retryCallback),
];

async function rerunMany(call: QStashCall, again: Again) {
  const { messages, cursor } = await listDeadRuns(call);
  const workflowRuns = [];
  for (const message of messages) {
    const run = await rerun(call, message, again);
    if (run) workflowRuns.push(run);
  }
  return { workflowRuns, cursor };
}

/** @returns the new run; undefined if somebody else has dealt with the failed one by now */
async function rerun(call: QStashCall, { messageId, workflowRunId = "" }: View, again: Again) {
  const { request, settings, runs, now } = call;
  const failed = await runs.find(workflowRunId);
  if (failed?.failedBy !== messageId) return undefined;
  const read = readPublishOptions(request.headers, settings.targets, now);
  const { retries, retryDelay, labels, limits, failureCallback, notBefore } = read;
  const changes: Partial<RunOptions> = withoutUndefined({
    ...{ retries, retryDelay, labels, limits },
    failureCallback: failureCallback && { ...failed.options.failureCallback, ...failureCallback },
  });
  const run = await runAgain(call, failed, again, changes, notBefore);
  await removeDead(call, [{ messageId, workflowRunId }]);
  return { workflowRunId: run.id, workflowCreatedAt: run.createdAt };
}

async function retryCallback(call: QStashCall) {
  const { queue, runs } = call;
  const { workflowRunId, workflowCreatedAt } = await findRun(call);
  const { reportId = "" } = (await runs.find(workflowRunId ?? "")) ?? {};
  if ((await queue.getJob(reportId))?.state !== "dead")
    throw conflict("The failure function of this run has not failed.");
  await queue.retryFromDeadLetter(reportId);
  call.drainSoon();
  return { workflowRunId, workflowCreatedAt };
}

const MOST_SELECTED = 100;

export async function selectDead(
  queue: Queue,
  query: URLSearchParams,
  matches: (message: MessageView) => boolean = () => true,
) {
  if (query.has("dlqIds")) return { messages: (await withIds(queue, query.getAll("dlqIds"))).filter(matches) };
  const order = query.get("order") ?? "latestFirst";
  if (order !== "latestFirst") throw invalidRequest('order must be "latestFirst".');
  // The SDK still sends the filter api, which QStash ignores.
  const filter = readFilter(query, ["count", "cursor", "order", "api"]);
  const count = readCount(query, MOST_SELECTED);
  const messages: MessageView[] = [];
  let cursor = query.get("cursor") || undefined;
  do {
    // Every job of the page fits, so its cursor is also the cursor after the last message.
    const page = await queue.listDeadLetter({ name: DELIVERY, limit: count - messages.length, cursor });
    const found = page.jobs.filter((job) => isDelivery(job) && filter(messageView(job), job.failedAt.getTime()));
    messages.push(...found.map(messageView).filter(matches));
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && messages.length < count);
  return { messages, ...(cursor !== undefined && { cursor }) };
}

async function withIds(queue: Queue, ids: readonly string[]): Promise<readonly MessageView[]> {
  if (ids.length > MOST_SELECTED) throw invalidRequest(`dlqIds may be ${MOST_SELECTED} at most.`);
  return (await deliveriesAmong(queue, ids)).filter(({ state }) => state === "dead").map(messageView);
}

type View = MessageView & { readonly failureCallbackInfo?: { readonly state: string } };

async function findRun(call: QStashCall): Promise<View> {
  const { messages } = await selectDead(call.queue, new URLSearchParams({ dlqIds: call.target }), endsRun);
  const [view] = await viewsOf(call, messages);
  if (!view) throw notAFailedRun();
  return view;
}

const notAFailedRun = () => notFound("No failed run has this id in the dead-letter queue.");

export async function listDeadRuns(call: QStashCall) {
  const { queue, query } = call;
  const filters = new URLSearchParams(
    [...query].filter(([name]) => name !== "source" && name !== "failureFunctionState"),
  );
  const { messages, cursor } = await selectDead(queue, filters, endsRun);
  const views = await viewsOf(call, messages);
  const states = query.getAll("failureFunctionState");
  const matches = ({ failureCallbackInfo }: View) => states.includes(failureCallbackInfo?.state ?? "");
  return { messages: states.length === 0 ? views : views.filter(matches), cursor };
}

function endsRun({ workflowUrl }: MessageView): boolean {
  return workflowUrl !== undefined;
}

/** The messages that failed a run, with the states of their reports. Other dead messages of runs are left out. */
async function viewsOf({ queue, runs }: QStashCall, messages: readonly MessageView[]): Promise<readonly View[]> {
  const views = messages.map(async (message): Promise<readonly View[]> => {
    const { reportId, options, failedBy } = (await runs.find(message.workflowRunId ?? "")) ?? {};
    if (failedBy !== message.messageId) return [];
    if (reportId === undefined || !options?.failureCallback) return [message];
    const job = await queue.getJob(reportId);
    const { responseStatus, responseHeader: responseHeaders, responseBody } = lastResponse(job?.progress);
    const failureCallbackInfo = { state: callbackState(job), responseStatus, responseHeaders, responseBody };
    return [{ ...message, failureCallback: options.failureCallback.url, failureCallbackInfo }];
  });
  return (await Promise.all(views)).flat();
}
