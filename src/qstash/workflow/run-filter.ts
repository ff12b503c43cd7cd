import { invalidRequest, quote } from "../../core/shared/errors.ts";
import { readDate } from "../messages/message-filter.ts";
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

/** Reads the filters of a query over runs. The names in `others` are no filters. @throws {TidegateError} `invalid_request` */
export function readRunFilter(query: URLSearchParams, others: readonly string[]): (run: RunSummary) => boolean {
  const names = [...new Set(query.keys())].filter((name) => !others.includes(name));
  const wanted = names.filter((name) => name !== "fromDate" && name !== "toDate");
  const unknown = wanted.find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined)
    throw invalidRequest(
      `Unknown filter ${quote(unknown)}. Known filters: ${Object.keys(fields).join(", ")}, fromDate, toDate.`,
    );
  const from = readDate(query, "fromDate") ?? Number.NEGATIVE_INFINITY;
  const to = readDate(query, "toDate") ?? Number.POSITIVE_INFINITY;
  // Of runs to cancel, a URL means all that begin with it.
  const isPrefix = others.includes("workflowUrlExactMatch") && query.get("workflowUrlExactMatch") !== "true";
  const test = (name: string, run: RunSummary) => {
    const values = query.getAll(name);
    if (name === "workflowUrl" && isPrefix) return values.some((value) => run.url.startsWith(value));
    return fields[name]?.(run, values) ?? false;
  };
  return (run) => run.createdAt >= from && run.createdAt <= to && wanted.every((name) => test(name, run));
}
