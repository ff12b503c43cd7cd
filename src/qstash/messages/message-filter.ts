import { invalidRequest, quote } from "../../core/shared/errors.ts";
import type { MessageView } from "./message-view.ts";

export type Filter = (message: MessageView, at: number) => boolean;

const byHost = (url: string) => new URL(url).host;
const byPath = (url: string) => new URL(url).pathname;

type Field = (message: MessageView, wanted: readonly string[]) => boolean;

/** The filters by name. Several values of one filter are alternatives. */
const fields: Readonly<Record<string, Field>> = {
  messageId: ({ messageId }, wanted) => wanted.includes(messageId),
  url: ({ url }, wanted) => wanted.includes(url),
  host: ({ url }, wanted) => wanted.includes(byHost(url)),
  path: ({ url }, wanted) => wanted.includes(byPath(url)),
  label: ({ labels = [] }, wanted) => labels.some((label) => wanted.includes(label)),
  scheduleId: ({ scheduleId }, wanted) => scheduleId !== undefined && wanted.includes(scheduleId),
  workflowUrl: ({ workflowUrl }, wanted) => workflowUrl !== undefined && wanted.includes(workflowUrl),
  workflowRunId: ({ workflowRunId }, wanted) => workflowRunId !== undefined && wanted.includes(workflowRunId),
  workflowCreatedAt: ({ workflowCreatedAt }, wanted) => wanted.includes(String(workflowCreatedAt)),
  topicName: ({ topicName }, wanted) => topicName !== undefined && wanted.includes(topicName),
  queueName: ({ queueName }, wanted) => queueName !== undefined && wanted.includes(queueName),
  flowControlKey: ({ flowControlKey }, wanted) => flowControlKey !== undefined && wanted.includes(flowControlKey),
  responseStatus: ({ responseStatus }, wanted) => wanted.includes(String(responseStatus)),
  // Not stored, so no message matches.
  callerIp: () => false,
};

/** Reads the filters of a query, except for the parameters in `others`. @throws {TidegateError} `invalid_request` */
export function readFilter(query: URLSearchParams, others: readonly string[]): Filter {
  return readFilters(query, others, fields);
}

/** Like `readFilter`, for anything that has such fields and a date. @throws {TidegateError} `invalid_request` */
export function readFilters<Thing>(
  query: URLSearchParams,
  others: readonly string[],
  fields: Readonly<Record<string, (thing: Thing, wanted: readonly string[]) => boolean>>,
): (thing: Thing, at: number) => boolean {
  const given = [...new Set(query.keys())].filter((name) => !others.includes(name));
  const wanted = given.filter((name) => name !== "fromDate" && name !== "toDate");
  const unknown = wanted.find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined)
    throw invalidRequest(
      `Unknown filter ${quote(unknown)}. Known filters: ${Object.keys(fields).join(", ")}, fromDate, toDate.`,
    );
  const from = readDate(query, "fromDate") ?? Number.NEGATIVE_INFINITY;
  const to = readDate(query, "toDate") ?? Number.POSITIVE_INFINITY;
  const tests = wanted.map((name) => ({ test: fields[name], values: query.getAll(name) }));
  return (thing, at) => at >= from && at <= to && tests.every(({ test, values }) => test?.(thing, values));
}

/** Reads `count`. @param most the upper limit, whatever the query says. @throws {TidegateError} `invalid_request` */
export function readCount(query: URLSearchParams, standard: number, most = standard): number {
  const text = query.get("count");
  if (text === null || text === "") return standard;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw invalidRequest("count must be a whole number above 0.");
  return Math.min(Number(text), most);
}

function readDate(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw invalidRequest(`${name} must be Unix time in milliseconds.`);
  return Number(text);
}
