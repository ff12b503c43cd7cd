import type { StandardSchemaV1 } from "@standard-schema/spec";
import { MOST_RETRIES } from "../../core/job/options.ts";
import { fromBase64 } from "../../core/shared/bytes.ts";
import { invalidRequest, isTidegateError, orUndefined, resultOrRefusal } from "../../core/shared/errors.ts";
import { LARGEST_RECORD } from "../../core/shared/limits.ts";
import { accepting, anything, list, object, type Schema, string, whole, word } from "../../core/shared/schema.ts";
import type { Targets } from "../security/targets.ts";
import type { StoredBody } from "./body.ts";
import type { MessageLimits } from "./flow-control.ts";
import { retryDelayMs } from "./retry-delay-expression.ts";

export const DELIVERY = "qstash_deliver";

export const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

export type Method = (typeof methods)[number];

/** Headers by name, in QStash's capitalization. */
export type HeaderValues = Readonly<Record<string, readonly string[]>>;

/** Headers of the connection or of its route. They are not forwarded. */
export const notForwarded: ReadonlySet<string> = new Set([
  ...["connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection"],
  ...["te", "trailer", "transfer-encoding", "upgrade"],
]);

/** Where the end of a message is reported, and how that is delivered. */
export interface Callback
  extends Pick<Message, "url" | "method" | "header" | "timeoutMs" | "retryDelay" | "delayMs" | "workflow"> {
  /** Default: 3. */
  readonly retries?: number;
}

/** A message: the payload of the job that delivers it. */
export interface Message extends StoredBody {
  readonly url: string;
  readonly method: Method;
  readonly header: HeaderValues;
  /** How long one delivery may take. Default: the option of `createQStash`. */
  readonly timeoutMs?: number;
  /** ms since 1970. Default: when it was enqueued. */
  readonly notBefore?: number;
  /** The wait before a retry, as an expression. Default: QStash's own backoff. */
  readonly retryDelay?: string;
  readonly labels?: readonly string[];
  readonly limits?: MessageLimits;
  /** The URL group that it was published to, and the name of its endpoint. */
  readonly topicName?: string;
  readonly endpointName?: string;
  readonly scheduleId?: string;
  /** How long after its occurrence a message of a schedule is delivered. */
  readonly delayMs?: number;
  /** What the API shows of the schedule, beside what the queue knows. */
  readonly schedule?: ScheduleNote;
  /** Called when the message is delivered or dead. */
  readonly callback?: Callback;
  /** Called when the message is dead. */
  readonly failureCallback?: Callback;
  readonly workflow?: WorkflowNote;
}

export interface ScheduleNote {
  /** ms since 1970 */
  readonly createdAt: number;
  /** The header as it was given, with its time zone. */
  readonly cron: string;
  readonly retries?: number;
}

const required = ["url", "method", "header"] as const;

/** The schema of payloads. A stored payload may have been edited by hand, or enqueued by somebody else. */
export function messageSchema(targets: Targets): StandardSchemaV1<Message> {
  const fields = Object.entries<Schema>(fieldsOf(targets));
  const validate = (value: unknown): StandardSchemaV1.Result<Message> => {
    const given = Object(value);
    const issues = fields.flatMap(([name, { read }]) => {
      const field: unknown = given[name];
      const isRequired = required.some((each) => each === name);
      if (field === undefined) return isRequired ? { path: [name], message: "is missing" } : [];
      const refusal = resultOrRefusal(() => read(field, "it"));
      return isTidegateError(refusal) ? { path: [name], message: refusal.message } : [];
    });
    return issues.length > 0 ? { issues } : { value: { ...given, url: targets.read(given.url, "url") } };
  };
  return { "~standard": { version: 1, vendor: "tidegate", validate } };
}

function fieldsOf(targets: Targets) {
  const delivery = {
    url: textFor((url, name) => targets.read(url, name)),
    method: word(methods),
    header: accepting<HeaderValues>({}, isHeader, "arrays of header values by name, none of the connection"),
    timeoutMs: whole(1, Number.MAX_SAFE_INTEGER),
    delayMs: whole(0, Number.MAX_SAFE_INTEGER),
    retryDelay: textFor((expression, name) => retryDelayMs(expression, 0, name)),
  };
  const ofCallback = { ...delivery, retries: whole(0, MOST_RETRIES), workflow: anything };
  const callback = object(ofCallback, required, "a callback");
  return {
    ...delivery,
    body: text,
    bodyBase64: textFor((base64, name) => {
      if (!fromBase64(base64)) throw invalidRequest(`${name} must be base64.`);
    }),
    notBefore: whole(0, Number.MAX_SAFE_INTEGER),
    labels: list(text, LARGEST_RECORD),
    callback,
    failureCallback: callback,
  };
}

const text = string(LARGEST_RECORD);

function textFor(check: (value: string, name: string) => unknown): Schema {
  return { json: {}, read: (value, name) => check(text.read(value, name), name) };
}

function isHeader(value: unknown): boolean {
  const names = orUndefined(() => [...headersOf(value as HeaderValues).keys()]);
  return names !== undefined && !names.some((name) => notForwarded.has(name));
}

/** The headers to send. @throws {TypeError} for an invalid header, or anything but arrays by name. */
export function headersOf(header: HeaderValues): Headers {
  return new Headers(
    Object.entries(header).flatMap(([name, values]) => values.map((value): [string, string] => [name, value])),
  );
}

export function headerValues(headers: Iterable<readonly [string, string]>): HeaderValues {
  return Object.fromEntries([...headers].map(([name, value]) => [headerName(name), [value]]));
}

/** A header name with a capital at the start of each word: "Upstash-Retry-Delay". */
export function headerName(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase());
}

/** Whether a message goes to the workflow itself, by its role: if such a message fails, so does the run. */
export const goesToWorkflow: Readonly<Record<WorkflowNote["role"], boolean>> = {
  step: true,
  call: false,
  result: true,
  timeout: true,
  failure: false,
};

/** The role of a message in a run of a workflow. Only this interface makes it: a correction cannot. */
export interface WorkflowNote {
  readonly runId: string;
  /** When the run was triggered, in ms since 1970. */
  readonly createdAt: number;
  /**
   * A "step" brings the workflow its steps so far. A "call" goes to another destination, and its "result" to the
   * workflow. A "timeout" ends the wait for an event. A "failure" reports that the run has failed.
   */
  readonly role: "step" | "call" | "result" | "timeout" | "failure";
  readonly step?: number;
  /** The document of the wait that a timeout or an event ends. */
  readonly wait?: string;
}
