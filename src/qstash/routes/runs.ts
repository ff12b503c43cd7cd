import type { Queue } from "../../core/queue/queue.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import { pagesOf } from "../../core/shared/pages.ts";
import { readBytes } from "../../http/contract/body.ts";
import { LARGEST_BODY, type QStashCall } from "../api/call.ts";
import { readCount, readFilters } from "../messages/message-filter.ts";
import { unknownRun } from "../workflow/events.ts";
import { hostOfRequest, runsOf } from "../workflow/host.ts";
import { frontierOf, messageIds, type Run } from "../workflow/run.ts";
import { type RunSummary, type Runs, summaryOf } from "../workflow/run-documents.ts";
import { endRun, type RunEnd } from "../workflow/run-end.ts";
import { runLog } from "../workflow/run-log.ts";
import { rawSteps } from "../workflow/step-delivery.ts";
import { route } from "./route.ts";

const MOST_CANCELLED = 1_000;
/** The same as QStash's, since a run has many steps. */
const RUNS_ON_PAGE = 10;
const LISTED_AT_ONCE = 100;

export const runRoutes = [
  // The steps of a run, in the form of its deliveries.
  route("GET workflows/runs/:id", async ({ queue, target }) => {
    const runs = runsOf(queue);
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
    const run = await endRun(hostOfRequest(call), target, end);
    if (run?.state !== end.state) throw unknownRun();
    if (cancels) await cancelMessages(queue, run);
  }),
];

/** Cancels the runs with the given ids, or those that match the filters. */
async function cancelRuns(call: QStashCall) {
  const { query, queue } = call;
  const ids = query.has("workflowRunIds") ? query.getAll("workflowRunIds") : await idsOfRuns(runsOf(queue), query);
  let cancelled = 0;
  for (const id of new Set(ids)) {
    const before = await runsOf(queue).find(id);
    // An interrupted request may have cancelled a run without the rest. So this repeats it for a cancelled run.
    if (before?.state !== "started" && before?.state !== "canceled") continue;
    const run = await endRun(hostOfRequest(call), id, { state: "canceled" });
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

/** Lists runs with their steps, newest first. The command line calls it too, where it has the queue itself. */
export async function listRuns({ query, queue }: Pick<QStashCall, "query" | "queue">) {
  const runs = runsOf(queue);
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
    const ids = [id, messageIds.call(run.id, next), messageIds.timeout(run.id, next)];
    for (const each of ids) {
      await queue.cancel(each).catch((error) => {
        if (!isTidegateError(error) || error.code === "store_unavailable") throw error;
      });
    }
  }
}

type Field = (run: RunSummary, wanted: readonly string[]) => boolean;

/** The filters by name. Several values of one filter are alternatives. */
const fields: Readonly<Record<string, Field>> = {
  workflowRunId: ({ id }, wanted) => wanted.includes(id),
  workflowUrl: ({ url }, wanted) => wanted.includes(url),
  workflowCreatedAt: ({ createdAt }, wanted) => wanted.includes(String(createdAt)),
  state: ({ state }, wanted) => wanted.includes(`RUN_${state.toUpperCase()}`),
  label: ({ labels = [] }, wanted) => labels.some((label) => wanted.includes(label)),
  flowControlKey: ({ flowControlKey }, wanted) => flowControlKey !== undefined && wanted.includes(flowControlKey),
  host: ({ url }, wanted) => wanted.includes(new URL(url).host),
  path: ({ url }, wanted) => wanted.includes(new URL(url).pathname),
  // The ids of messages begin with the id of their run.
  messageId: ({ id }, wanted) => wanted.some((messageId) => messageId.startsWith(`${id}:`)),
  // Not stored, so no run matches.
  callerIp: () => false,
};

/** Reads the filters of a query, except for the parameters in `others`. @throws {TidegateError} `invalid_request` */
function readRunFilter(query: URLSearchParams, others: readonly string[]): (run: RunSummary) => boolean {
  // A cancellation by URL means all runs whose URL begins with it.
  const isPrefix = others.includes("workflowUrlExactMatch") && query.get("workflowUrlExactMatch") !== "true";
  const workflowUrl: Field = ({ url }, wanted) => wanted.some((each) => url.startsWith(each));
  const test = readFilters(query, others, isPrefix ? { ...fields, workflowUrl } : fields);
  return (run) => test(run, run.createdAt);
}
