import { invalidRequest, quote } from "../../core/shared/errors.ts";
import type { MessageView } from "./message-view.ts";

/** What has a value that a filter names. Several values of one filter are alternatives. */
export type Field<Thing> = (thing: Thing, wanted: readonly string[]) => boolean;

export const commonFields: Readonly<
  Record<string, Field<{ readonly url: string; readonly labels?: readonly string[] }>>
> = {
  host: ({ url }, wanted) => wanted.includes(new URL(url).host),
  path: ({ url }, wanted) => wanted.includes(new URL(url).pathname),
  label: ({ labels = [] }, wanted) => labels.some((label) => wanted.includes(label)),
  // Not stored, so nothing matches.
  callerIp: () => false,
};

export function byValue<Name extends string>(name: Name): Field<{ readonly [Field in Name]?: unknown }> {
  return ({ [name]: value }, wanted) => value !== undefined && wanted.includes(String(value));
}

const byName = [
  ...(["messageId", "url", "scheduleId", "workflowUrl", "workflowRunId", "workflowCreatedAt"] as const),
  ...(["topicName", "queueName", "flowControlKey", "responseStatus"] as const),
];

const fields: Readonly<Record<string, Field<MessageView>>> = {
  ...commonFields,
  ...Object.fromEntries(byName.map((name) => [name, byValue(name)])),
};

export function readFilter(query: URLSearchParams, others: readonly string[]) {
  return readFilters(query, others, fields);
}

export function readFilters<Thing>(
  query: URLSearchParams,
  others: readonly string[],
  fields: Readonly<Record<string, Field<Thing>>>,
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
