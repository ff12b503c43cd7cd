import type { JobInfo } from "../../core/manage/job-info.ts";
import { DELIVERY } from "../qstash-port.ts";

/** What is shown of a message of QStash's interface: where it goes, and what is known of it. */
export interface MessageBrief {
  readonly method: string;
  readonly url: string;
  /** The status of the last response. */
  readonly status?: number | undefined;
  readonly labels?: string | undefined;
  readonly flowKey?: string | undefined;
  readonly queueName?: string | undefined;
  readonly urlGroup?: string | undefined;
  readonly callback?: string | undefined;
  readonly failureCallback?: string | undefined;
  readonly retryDelay?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Whether it belongs to a run of a workflow. */
  readonly isOfRun: boolean;
}

/** The message that a job delivers; undefined if it delivers none. Its payload may have been replaced by anything. */
export function messageOf({
  name,
  payload,
  progress,
  result,
}: Pick<JobInfo, "name" | "payload" | "progress" | "result">): MessageBrief | undefined {
  const { url, method, labels, limits, topicName, callback, failureCallback, retryDelay, timeoutMs, workflow } =
    fieldsOf(payload);
  if (name !== DELIVERY || typeof url !== "string") return undefined;
  const { flowControlKey, queueName } = fieldsOf(limits);
  const status = fieldsOf(progress)["responseStatus"] ?? fieldsOf(result)["status"];
  return {
    method: textOf(method) ?? "POST",
    url,
    status: typeof status === "number" ? status : undefined,
    labels: Array.isArray(labels) ? labels.join(", ") : undefined,
    flowKey: textOf(flowControlKey),
    queueName: textOf(queueName),
    urlGroup: textOf(topicName),
    callback: textOf(fieldsOf(callback)["url"]),
    failureCallback: textOf(fieldsOf(failureCallback)["url"]),
    retryDelay: textOf(retryDelay),
    timeoutMs: typeof timeoutMs === "number" ? timeoutMs : undefined,
    isOfRun: workflow !== undefined,
  };
}

const fieldsOf = (value: unknown) => Object(value) as Readonly<Record<string, unknown>>;
const textOf = (value: unknown) => (typeof value === "string" ? value : undefined);
