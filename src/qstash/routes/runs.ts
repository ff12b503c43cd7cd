import type { Queue } from "../../core/queue/queue.ts";
import { type QStashCall, readBody, route } from "../api/call.ts";
import { byValue, commonFields, type Field, readCount, readFilters } from "../messages/message-filter.ts";
import { frontierOf, messageIds, type Run } from "../workflow/run.ts";
import { type RunSummary, type Runs, summaryOf } from "../workflow/run-documents.ts";
import { runLog } from "../workflow/run-log.ts";
import { endRun, type RunEnd, rawSteps } from "../workflow/step-delivery.ts";
import { cancelIfWaiting, unknownRun } from "./workflow-events.ts";

const MOST_CANCELLED = 1_000;
/** The same as QStash's, since a run has many steps. */
const RUNS_ON_PAGE = 10;

export const runRoutes = [
  route("GET workflows/runs/:id", async ({ runs, target }) => {
    const run = await runs.find(target);
    if (run?.state !== "started") throw unknownRun();
    return rawSteps(run, runs, run.steps.length);
  }),
  route("DELETE workflows/runs", cancelRuns, { isBulk: true }),
  route("GET workflows/events", listRuns),
  route("GET workflows/logs", listRuns),
  // Cancels a run or, with `cancel=false`, ends it with the response in the body.
  route("DELETE workflows/runs/:id", async (call) => {
    const { request, query, queue, target } = call;
    const cancels = query.get("cancel") !== "false";
    const response = new TextDecoder().decode(await readBody(request));
    const end: RunEnd = cancels ? { state: "canceled" } : { state: "success", response };
    const run = await endRun(call, target, end);
    if (run?.state !== end.state) throw unknownRun();
    if (cancels) await cancelMessages(queue, run);
  }),
];

async function cancelRuns(call: QStashCall) {
  const { query, queue, runs } = call;
  const ids = query.has("workflowRunIds") ? query.getAll("workflowRunIds") : await idsOfRuns(runs, query);
  let cancelled = 0;
  for (const id of new Set(ids)) {
    const before = await runs.find(id);
    // An interrupted request may have cancelled a run without the rest. So this repeats it for a cancelled run.
    if (before?.state !== "started" && before?.state !== "canceled") continue;
    const run = await endRun(call, id, { state: "canceled" });
    if (run?.state !== "canceled") continue;
    await cancelMessages(queue, run);
    if (before.state === "started") cancelled++;
  }
  return { cancelled };
}

async function idsOfRuns(runs: Runs, query: URLSearchParams): Promise<readonly string[]> {
  const filter = readRunFilter(query, ["count", "cursor", "workflowUrlExactMatch"]);
  const most = readCount(query, MOST_CANCELLED);
  const { values } = await runs.findLast((run) => run.state === "started" && filter(run), most);
  return values.map(({ id }) => id);
}

async function listRuns({ query, queue, runs }: QStashCall) {
  const filter = readRunFilter(query, ["count", "cursor", "groupBy", "trimBody"]);
  const count = readCount(query, RUNS_ON_PAGE);
  const given = query.getAll("workflowRunId");
  const last = given.length > 0 ? undefined : await runs.findLast(filter, count, query.get("cursor") || undefined);
  const ids = last ? last.values.map(({ id }) => id) : given;
  const found = await Promise.all(ids.map((id) => runs.find(id)));
  const matching = found.filter((run) => run !== undefined && filter(summaryOf(run)));
  const logs = await Promise.all(matching.map((run) => run && runLog(run, runs, queue)));
  return { runs: logs, cursor: last?.cursor };
}

/** Cancels the messages that would continue a run. They would not be delivered anyway, but some are due in months. */
async function cancelMessages(queue: Queue, run: Run): Promise<void> {
  for (const { id, target } of frontierOf(run)) {
    const next = target ?? 1 + Math.max(...run.steps.map((step) => step.target ?? step.step));
    for (const each of [id, messageIds.call(run.id, next), messageIds.timeout(run.id, next)])
      await cancelIfWaiting(queue, each);
  }
}

const fields: Readonly<Record<string, Field<RunSummary>>> = {
  ...commonFields,
  workflowRunId: byValue("id"),
  workflowUrl: byValue("url"),
  workflowCreatedAt: byValue("createdAt"),
  flowControlKey: byValue("flowControlKey"),
  state: ({ state }, wanted) => wanted.includes(`RUN_${state.toUpperCase()}`),
  // The ids of messages begin with the id of their run.
  messageId: ({ id }, wanted) => wanted.some((messageId) => messageId.startsWith(`${id}:`)),
};

function readRunFilter(query: URLSearchParams, others: readonly string[]): (run: RunSummary) => boolean {
  // A cancellation by URL means all runs whose URL begins with it.
  const isPrefix = others.includes("workflowUrlExactMatch") && query.get("workflowUrlExactMatch") !== "true";
  const workflowUrl: Field<RunSummary> = ({ url }, wanted) => wanted.some((each) => url.startsWith(each));
  const test = readFilters(query, others, isPrefix ? { ...fields, workflowUrl } : fields);
  return (run) => test(run, run.createdAt);
}
