import type { StandardSchemaV1 } from "@standard-schema/spec";
import { fromBase64 } from "../../core/shared/bytes.ts";
import { isTidegateError } from "../../core/shared/errors.ts";
import type { Targets } from "../security/targets.ts";
import type { StoredBody } from "./body.ts";
import type { MessageLimits } from "./flow-control.ts";
import { retryDelayMs } from "./retry-delay-expression.ts";

/** The name of the job that delivers a message. */
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
export interface Callback {
  readonly url: string;
  readonly method: Method;
  readonly header: HeaderValues;
  readonly timeoutMs?: number;
  readonly retryDelay?: string;
  /** Default: 3. */
  readonly retries?: number;
  readonly delayMs?: number;
  readonly workflow?: WorkflowNote;
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
  /** The schedule of the job that made it. */
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

/** The schema of payloads. A stored payload may have been edited by hand, or enqueued by somebody else. */
export function messageSchema(targets: Targets): StandardSchemaV1<Message> {
  return {
    "~standard": {
      version: 1,
      vendor: "tidegate",
      validate: (value) => {
        const issues = [...issuesOf(value, targets)];
        if (issues.length > 0) return { issues };
        const message = value as Message;
        return { value: { ...message, url: targets.read(message.url, "url") } };
      },
    },
  };
}

type Fields = Readonly<Record<keyof Message, unknown>>;

function* issuesOf(value: unknown, targets: Targets): Generator<StandardSchemaV1.Issue> {
  const fields = (typeof value === "object" && value !== null ? value : {}) as Fields;
  const { method, header, timeoutMs, notBefore, delayMs, labels } = fields;
  const url = refusal(() => targets.read(textOf(fields.url), "url"));
  if (url !== undefined) yield { path: ["url"], message: url };
  if (!methods.includes(method as Method)) yield { path: ["method"], message: `must be one of ${methods.join(", ")}` };
  if (!isHeader(header)) yield { path: ["header"], message: "must hold arrays of header values by name" };
  const fixed = Object.keys(Object(header)).find((name) => notForwarded.has(name.toLowerCase()));
  if (fixed !== undefined)
    yield { path: ["header", fixed], message: "belongs to the connection, and is not forwarded" };
  if (!isBody(fields)) yield { path: ["body"], message: "must be a text, or bodyBase64 valid base64" };
  if (!isNumber(timeoutMs, 1)) yield { path: ["timeoutMs"], message: "must be a number of ms above 0" };
  if (!isNumber(delayMs, 0)) yield { path: ["delayMs"], message: "must be a number of ms from 0" };
  if (!isNumber(notBefore, 0)) yield { path: ["notBefore"], message: "must be ms since 1970" };
  if (fields.retryDelay !== undefined) {
    const delay = refusal(() => retryDelayMs(textOf(fields.retryDelay), 0, "it"));
    if (delay !== undefined) yield { path: ["retryDelay"], message: delay };
  }
  if (labels !== undefined && !isTexts(labels)) yield { path: ["labels"], message: "must be an array of texts" };
  for (const name of ["callback", "failureCallback"] as const) {
    if (fields[name] !== undefined) yield* callbackIssues(name, fields[name], targets);
  }
}

function* callbackIssues(name: string, value: unknown, targets: Targets): Generator<StandardSchemaV1.Issue> {
  const { retries, ...message } = Object(value) as Callback;
  for (const { path = [], message: text } of issuesOf(message, targets)) yield { path: [name, ...path], message: text };
  if (!isNumber(retries, 0)) yield { path: [name, "retries"], message: "must be a number from 0" };
}

function refusal(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (isTidegateError(error)) return error.message;
    throw error;
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isNumber(value: unknown, least: number): boolean {
  return value === undefined || (typeof value === "number" && Number.isFinite(value) && value >= least);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isBody({ body, bodyBase64 }: Fields): boolean {
  if (bodyBase64 === undefined) return body === undefined || typeof body === "string";
  return typeof bodyBase64 === "string" && body === undefined && fromBase64(bodyBase64) !== undefined;
}

function isHeader(value: unknown): value is HeaderValues {
  if (typeof value !== "object" || value === null || !Object.values(value).every(isTexts)) return false;
  try {
    headersOf(value as HeaderValues);
    return true;
  } catch {
    return false;
  }
}

/** The headers to send. @throws {TypeError} for an invalid header */
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
  /** The step of a call, a timeout or an event. */
  readonly step?: number;
  /** The document of the wait that a timeout or an event ends. */
  readonly wait?: string;
}
