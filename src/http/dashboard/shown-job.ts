import type { JobError, JobInfo } from "../../core/manage/job-info.ts";
import { DELIVERY } from "../qstash-port.ts";

/** How much of the JSON of a value the page shows. */
export const MOST_SHOWN_CHARACTERS = 20_000;

const valueNames = ["payload", "result", "progress"] as const;

/** A job as its own page shows it. The page polls while the job runs, so it gets only beginnings of large values. */
export interface ShownJob extends JobInfo {
  readonly message?: MessageBrief | undefined;
  /** The beginnings of large values, as indented JSON, in place of the values. */
  readonly beginnings?: { readonly [Name in (typeof valueNames)[number]]?: string };
}

export function shownJob(job: JobInfo): ShownJob {
  const large = valueNames.filter((name) => (JSON.stringify(job[name]) ?? "").length > MOST_SHOWN_CHARACTERS);
  const message = messageOf(job);
  // One more character says that the text goes on.
  const beginningOf = (value: unknown) => JSON.stringify(value, null, 2).slice(0, MOST_SHOWN_CHARACTERS + 1);
  return {
    ...job,
    ...Object.fromEntries(large.map((name) => [name, undefined])),
    ...(message && { message }),
    ...(large.length > 0 && { beginnings: Object.fromEntries(large.map((name) => [name, beginningOf(job[name])])) }),
  };
}

const PREVIEWED_CHARACTERS = 160;

/** A job as a list shows it: without fields that can be large. */
export interface JobRow extends Omit<JobInfo, "payload" | "result" | "progress" | "errors" | "error" | "logs"> {
  /** The beginning of the payload's JSON. Of a child that has completed: of its result. */
  readonly preview: string;
  /** Only in a list of messages. */
  readonly message?: MessageBrief | undefined;
  readonly error?: Omit<JobError, "stack">;
}

export function rowOf(info: JobInfo): JobRow {
  const { payload, result, progress, errors, error, logs, ...job } = info;
  const message = messageOf(info);
  const preview = message ? `${message.method} ${message.url}` : JSON.stringify(payload);
  return {
    ...job,
    preview: preview.slice(0, PREVIEWED_CHARACTERS),
    ...(error && { error: { name: error.name, message: error.message } }),
  };
}

/** A child in the list of its parent. */
export function childRowOf(info: JobInfo): JobRow {
  const { result } = info;
  return rowOf(result == null ? info : { ...info, payload: result });
}

/** A message of QStash's interface as the page shows it. */
export type MessageBrief = NonNullable<ReturnType<typeof messageOf>>;

type Message = Pick<JobInfo, "name" | "payload" | "progress" | "result">;

/** The message that a job delivers; undefined if it delivers none. Users can replace its payload by anything. */
export function messageOf({ name, payload, progress, result }: Message) {
  const { url, method, labels, limits, topicName, callback, failureCallback, retryDelay, timeoutMs, workflow } =
    fieldsOf(payload);
  if (name !== DELIVERY || typeof url !== "string") return undefined;
  const { flowControlKey, queueName } = fieldsOf(limits);
  const status = fieldsOf(progress)["responseStatus"] ?? fieldsOf(result)["status"];
  return {
    method: textOf(method) ?? "POST",
    url,
    /** The status of the last response. */
    status: typeof status === "number" ? status : undefined,
    labels: Array.isArray(labels) ? labels.join(", ") : undefined,
    flowKey: textOf(flowControlKey),
    queueName: textOf(queueName),
    urlGroup: textOf(topicName),
    callback: textOf(fieldsOf(callback)["url"]),
    failureCallback: textOf(fieldsOf(failureCallback)["url"]),
    retryDelay: textOf(retryDelay),
    timeoutMs: typeof timeoutMs === "number" ? timeoutMs : undefined,
    /** Whether it belongs to a run of a workflow. */
    isOfRun: workflow !== undefined,
  };
}

const fieldsOf = (value: unknown) => Object(value) as Readonly<Record<string, unknown>>;
const textOf = (value: unknown) => (typeof value === "string" ? value : undefined);
