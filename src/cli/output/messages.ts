import type { JobInfo } from "../../core/manage/job-info.ts";
import { type MessageBrief, messageOf } from "../../http/dashboard/shown-job.ts";
import { withoutCredentials } from "./address.ts";
import { attempts, type ListView, paintState } from "./jobs.ts";
import { shortId } from "./short-id.ts";
import { type Column, facts, table } from "./table.ts";
import { printable } from "./text.ts";
import { fromNow, moment } from "./time.ts";

/** A message of QStash's interface, without its body, its headers and credentials. */
export interface ShownMessage
  extends Omit<MessageBrief, "status">,
    Pick<JobInfo, "id" | "state" | "queue" | "enqueuedAt" | "runAt" | "attempts" | "maxRetries"> {
  /** When its last attempt ended, if it has ended. */
  readonly endedAt?: Date;
  /** The status of the last response. */
  readonly responseStatus?: number;
  readonly errors: readonly { readonly attempt: number; readonly failedAt: Date; readonly message: string }[];
}

/** The message that a job delivers; undefined if it delivers none. */
export function shownMessage(job: JobInfo): ShownMessage | undefined {
  const message = messageOf(job);
  if (!message) return undefined;
  const { id, state, queue, enqueuedAt, runAt, attempts, maxRetries, completedAt, failedAt, errors } = job;
  const { status, url, callback, failureCallback, ...brief } = message;
  const endedAt = completedAt ?? failedAt;
  return {
    ...{ id, state, queue, enqueuedAt, runAt, attempts, maxRetries, ...brief, url: withoutCredentials(url) },
    callback: callback && withoutCredentials(callback),
    failureCallback: failureCallback && withoutCredentials(failureCallback),
    ...(status !== undefined && { responseStatus: status }),
    ...(endedAt && { endedAt }),
    errors: errors.map(({ attempt, failedAt, message }) => ({ attempt, failedAt, message })),
  };
}

export function messagesTable(messages: readonly ShownMessage[], { now, colors, width }: ListView): string {
  const columns: readonly Column<ShownMessage>[] = [
    { title: "ID", cell: ({ id }) => (width ? shortId(id) : id), givesWay: true },
    { title: "STATE", cell: ({ state }) => state, paint: (text, { state }) => paintState(text, state, colors) },
    { title: "ATTEMPTS", cell: attempts, align: "right" },
    { title: "STATUS", cell: ({ responseStatus }) => String(responseStatus ?? "-"), align: "right" },
    { title: "PUBLISHED", cell: ({ enqueuedAt }) => fromNow(enqueuedAt, now) },
    { title: "DESTINATION", cell: ({ method, url }) => `${method} ${url}` },
  ];
  return table(columns, messages, { colors, width });
}

export function messageDetails(message: ShownMessage, { now, colors }: ListView): string {
  const at = (time: Date | null | undefined) => (time ? `${moment(time)} (${fromNow(time, now)})` : undefined);
  const { errors, responseStatus, timeoutMs } = message;
  const entries = [
    ["Id", message.id],
    ["Destination", `${message.method} ${message.url}`],
    ["State", message.state],
    ["Attempts", attempts(message)],
    ["Last response", responseStatus && String(responseStatus)],
    ["Published", at(message.enqueuedAt)],
    ["Delivered", at(message.runAt)],
    ["Ended", at(message.endedAt)],
    ["Labels", message.labels],
    ["URL group", message.urlGroup],
    ["Queue", message.queueName],
    ["Key", message.flowKey],
    ["Callback", message.callback],
    ["On failure", message.failureCallback],
    ["Retry delay", message.retryDelay],
    ["Timeout", timeoutMs === undefined ? undefined : `${timeoutMs} ms`],
    ["Workflow", message.isOfRun ? "a step of a run: see queue:runs" : undefined],
  ] as const;
  const known = entries.flatMap(([name, value]) =>
    value ? [[name, name === "State" ? paintState(value, message.state, colors) : printable(value)] as const] : [],
  );
  const failures = errors.map(
    (error) =>
      `${colors.red(`Attempt ${error.attempt}`)} failed ${fromNow(error.failedAt, now)}: ${printable(error.message)}`,
  );
  return [facts(known, colors), ...(failures.length > 0 ? [failures.join("\n")] : [])].join("\n\n");
}
