import type { Queue } from "../../core/queue/queue.ts";
import { pagesOf } from "../../core/shared/pages.ts";
import { readBytes } from "../../http/contract/body.ts";
import { LARGEST_BODY, type QStashCall } from "../api/call.ts";
import { byValue, commonFields, type Field, readCount, readFilters } from "../messages/message-filter.ts";
import { frontierOf, messageIds, type Run } from "../workflow/run.ts";
import { type RunSummary, type Runs, summaryOf } from "../workflow/run-documents.ts";
import { endRun, type RunEnd } from "../workflow/run-end.ts";
import { runLog } from "../workflow/run-log.ts";
import { rawSteps } from "../workflow/step-delivery.ts";
import { route } from "./route.ts";
import { cancelIfWaiting, unknownRun } from "./workflow-events.ts";

const MOST_CANCELLED = 1_000;
/** The same as QStash's, since a run has many steps. */
const RUNS_ON_PAGE = 10;
const LISTED_AT_ONCE = 100;

export const runRoutes = [
  // The steps of a run, in the form of its deliveries.
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
    const response = new TextDecoder().decode(await readBytes(request, LARGEST_BODY));
    const end: RunEnd = cancels ? { state: "canceled" } : { state: "success", response };
    const run = await endRun(call, target, end);
    if (run?.state !== end.state) throw unknownRun();
    if (cancels) await cancelMessages(queue, run);
  }),
];

/** Cancels the runs with the given ids, or those that match the filters. */
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
  const ids: string[] = [];
  for await (const page of pagesOf((cursor) => runs.list(cursor, LISTED_AT_ONCE))) {
    const matching = page.runs.filter(({ summary }) => summary.state === "started" && filter(summary));
    ids.push(...matching.map(({ summary }) => summary.id));
    if (ids.length >= most) break;
  }
  return ids.slice(0, most);
}

/** Lists runs with their steps, newest first. */
async function listRuns({ query, queue, runs }: QStashCall) {
  const filter = readRunFilter(query, ["count", "cursor", "groupBy", "trimBody"]);
  const count = readCount(query, RUNS_ON_PAGE);
  const one = query.getAll("workflowRunId");
  const { found, cursor } =
    one.length > 0
      ? { found: await Promise.all(one.map((id) => runs.find(id))), cursor: undefined }
      : await pageOfRuns(runs, filter, count, query.get("cursor") || undefined);
  const matching = found.filter((run) => run !== undefined && filter(summaryOf(run)));
  const logs = await Promise.all(matching.map((run) => run && runLog(run, runs, queue)));
  return { runs: logs, cursor };
}

async function pageOfRuns(
  runs: Runs,
  filter: (run: RunSummary) => boolean,
  count: number,
  after: string | undefined,
): Promise<{ readonly found: readonly (Run | undefined)[]; readonly cursor: string | undefined }> {
  const places: { readonly place: string; readonly summary: RunSummary }[] = [];
  for await (const page of pagesOf((cursor) => runs.list(cursor, LISTED_AT_ONCE), after)) {
    places.push(...page.runs.filter(({ summary }) => filter(summary)));
    if (places.length > count) break;
  }
  const shown = places.slice(0, count);
  const found = await Promise.all(shown.map(({ summary }) => runs.find(summary.id)));
  return { found, cursor: places.length > count ? shown.at(-1)?.place : undefined };
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

/** Reads the filters of a query, except for the parameters in `others`. @throws {TidegateError} `invalid_request` */
function readRunFilter(query: URLSearchParams, others: readonly string[]): (run: RunSummary) => boolean {
  // A cancellation by URL means all runs whose URL begins with it.
  const isPrefix = others.includes("workflowUrlExactMatch") && query.get("workflowUrlExactMatch") !== "true";
  const workflowUrl: Field<RunSummary> = ({ url }, wanted) => wanted.some((each) => url.startsWith(each));
  const test = readFilters(query, others, isPrefix ? { ...fields, workflowUrl } : fields);
  return (run) => test(run, run.createdAt);
}
