import { readFilters } from "../messages/message-filter.ts";
import type { RunSummary } from "./run-documents.ts";

type Field = (run: RunSummary, wanted: readonly string[]) => boolean;

/** The filters of runs. Several values of one are alternatives. */
const fields: Readonly<Record<string, Field>> = {
  workflowRunId: ({ id }, wanted) => wanted.includes(id),
  workflowUrl: ({ url }, wanted) => wanted.includes(url),
  workflowCreatedAt: ({ createdAt }, wanted) => wanted.includes(String(createdAt)),
  state: ({ state }, wanted) => wanted.includes(`RUN_${state.toUpperCase()}`),
  label: ({ labels = [] }, wanted) => labels.some((label) => wanted.includes(label)),
  flowControlKey: ({ flowControlKey }, wanted) => flowControlKey !== undefined && wanted.includes(flowControlKey),
  host: ({ url }, wanted) => wanted.includes(new URL(url).host),
  path: ({ url }, wanted) => wanted.includes(new URL(url).pathname),
  // The ids of its messages begin with that of the run.
  messageId: ({ id }, wanted) => wanted.some((messageId) => messageId.startsWith(`${id}:`)),
  // It is not kept, so no run is known to come from an address.
  callerIp: () => false,
};

/**
 * Reads the filters of a query over runs. The names in `others` are no filters.
 *
 * @throws {TidegateError} `invalid_request`
 */
export function readRunFilter(query: URLSearchParams, others: readonly string[]): (run: RunSummary) => boolean {
  // Of runs to cancel, a URL means all that begin with it.
  const isPrefix = others.includes("workflowUrlExactMatch") && query.get("workflowUrlExactMatch") !== "true";
  const workflowUrl: Field = ({ url }, wanted) => wanted.some((each) => url.startsWith(each));
  const test = readFilters(query, others, isPrefix ? { ...fields, workflowUrl } : fields);
  return (run) => test(run, run.createdAt);
}
