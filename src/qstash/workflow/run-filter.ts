import { readFilters } from "../messages/message-filter.ts";
import type { RunSummary } from "./run-documents.ts";

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
export function readRunFilter(query: URLSearchParams, others: readonly string[]): (run: RunSummary) => boolean {
  // A cancellation by URL means all runs whose URL begins with it.
  const isPrefix = others.includes("workflowUrlExactMatch") && query.get("workflowUrlExactMatch") !== "true";
  const workflowUrl: Field = ({ url }, wanted) => wanted.some((each) => url.startsWith(each));
  const test = readFilters(query, others, isPrefix ? { ...fields, workflowUrl } : fields);
  return (run) => test(run, run.createdAt);
}
