import { MOST_RETRIES } from "../../core/job/options.ts";
import { LATEST_TIME_MS } from "../../core/shared/duration.ts";
import { invalidRequest, tooLarge } from "../../core/shared/errors.ts";
import { word } from "../../core/shared/schema.ts";
import { wholeNumber, withoutUndefined } from "../../core/shared/validate.ts";
import { decoded, readFlag } from "../api/call.ts";
import { readLimits } from "../messages/flow-control.ts";
import type { Callback, HeaderValues, Message } from "../messages/message.ts";
import { headerName, headerValues, methods, notForwarded } from "../messages/message.ts";
import { type Redaction, readRedaction } from "../messages/redaction.ts";
import { retryDelayMs } from "../messages/retry-delay-expression.ts";
import type { Targets } from "../security/targets.ts";
import { durationHeader, durationOrSeconds } from "../shared/durations.ts";

export interface Draft {
  readonly destination: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly queue?: string | undefined;
}

export interface PublishOptions extends Omit<Message, "url" | "body" | "bodyBase64"> {
  readonly retries?: number;
  readonly deduplication?: { readonly id: string } | "content";
  readonly redaction?: Redaction;
}

const MOST_HEADERS = 1_000;
export const MOST_HEADER_BYTES = 32 * 1024;

/** Limits in these headers would not be enforced, so they are refused. */
export const callbackLimits = /^upstash-(?:failure-)?callback-(?:flow-control-(?:key|value)|queue-name)$/;

/** @param queue the queue that it is enqueued to. Default: the header's, if it has one. */
export function readPublishOptions(headers: Headers, targets: Targets, now: number, queue?: string): PublishOptions {
  checkSize(headers);
  const unsupported = [...headers.keys()].find((name) => callbackLimits.test(name));
  if (unsupported !== undefined) throw invalidRequest(`${headerName(unsupported)} is not supported.`);
  const notBefore = readNotBefore(headers, now);
  const deduplication = readDeduplication(headers);
  const redaction = readRedaction(headers.get("upstash-redact-fields"));
  const labels = (headers.get("upstash-label") ?? "").split(",").map((label) => label.trim());
  const given = labels.filter((label) => label !== "");
  return withoutUndefined({
    ...readDelivery(headers, "upstash-"),
    header: forwardedHeaders(headers, "upstash-", headers.get("content-type")),
    notBefore,
    deduplication,
    redaction,
    labels: given.length > 0 ? given : undefined,
    limits: readLimits(headers, queue),
    callback: readCallback(headers, "upstash-callback", targets),
    failureCallback: readCallback(headers, "upstash-failure-callback", targets),
  });
}

function readCallback(headers: Headers, name: string, targets: Targets): Callback | undefined {
  const url = headers.get(name);
  if (!url) return undefined;
  const delay = headers.get(`${name}-delay`);
  return {
    url: targets.read(url, headerName(name)),
    ...readDelivery(headers, `${name}-`),
    header: {
      ...forwardedHeaders(headers, `${name}-`, "application/json"),
      // By these a workflow recognizes its callback.
      ...headerValues(renamed(headers, `${name}-workflow-`, "upstash-workflow-")),
    },
    ...(delay && { delayMs: durationHeader(delay, headerName(`${name}-delay`)) }),
  };
}

function checkSize(headers: Headers): void {
  const entries = [...headers];
  const length = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (entries.length <= MOST_HEADERS && length <= MOST_HEADER_BYTES) return;
  throw tooLarge(`The headers of a message may be ${MOST_HEADERS}, and 32 KiB together. Put more into the body.`);
}

function readDelivery(headers: Headers, prefix: string) {
  const read = <Value>(name: string, parse: (text: string, header: string) => Value): Value | undefined => {
    const text = headers.get(prefix + name);
    return text === null || text === "" ? undefined : parse(text, headerName(prefix + name));
  };
  const method = read("method", (text, header) => word(methods).read(text.toUpperCase(), header)) ?? "POST";
  const retries = read("retries", (text, header) => {
    return wholeNumber(/^\d{1,3}$/.test(text) ? Number(text) : text, header, 0, MOST_RETRIES);
  });
  const timeoutMs = read("timeout", readTimeout);
  const retryDelay = read("retry-delay", (text, header) => {
    retryDelayMs(text, 0, header);
    return text;
  });
  return withoutUndefined({ method, retries, timeoutMs, retryDelay });
}

function forwardedHeaders(headers: Headers, prefix: string, contentType: string | null): HeaderValues {
  const forwarded = renamed(headers, `${prefix}forward-`, "").filter(([name]) => !notForwarded.has(name));
  return headerValues(contentType === null ? forwarded : [["content-type", contentType], ...forwarded]);
}

/** The headers with a prefix, with another one in its place. */
export function renamed(headers: Headers, from: string, to: string): readonly (readonly [string, string])[] {
  const own = [...headers].filter(([name]) => name.startsWith(from) && name.length > from.length);
  return own.map(([name, value]) => [to + name.slice(from.length), value]);
}

function readNotBefore(headers: Headers, now: number): number | undefined {
  const moment = headers.get("upstash-not-before");
  const delay = headers.get("upstash-delay");
  if (moment) {
    if (!/^\d{1,12}$/.test(moment)) throw invalidRequest("Upstash-Not-Before must be a Unix time in seconds.");
    return checkedTime(Number(moment) * 1_000, "Upstash-Not-Before");
  }
  return delay ? checkedTime(now + durationHeader(delay, "Upstash-Delay"), "Upstash-Delay") : undefined;
}

function checkedTime(ms: number, header: string): number {
  if (ms > LATEST_TIME_MS) throw invalidRequest(`${header} must end before the year 2109.`);
  return ms;
}

function readDeduplication(headers: Headers): PublishOptions["deduplication"] {
  const id = headers.get("upstash-deduplication-id");
  if (id) return { id };
  const name = "Upstash-Content-Based-Deduplication";
  return readFlag(headers.get(name), name) ? "content" : undefined;
}

function readTimeout(text: string, header: string): number {
  const ms = durationOrSeconds(text, header);
  if (ms === 0) throw invalidRequest(`${header} must be longer than 0.`);
  return ms;
}

/**
 * Reads the destination from the path of a request. Some platforms merge its slashes, so "https:/host" means
 * "https://host". The query belongs to the destination.
 */
export function readDestination({ url }: Request, rest: string): string {
  const plain = isUrl(rest) ? rest : decoded(rest);
  return isUrl(plain) ? plain.replace(/^(https?):\/*/i, "$1://") + new URL(url).search : plain;
}

export function isUrl(destination: string): boolean {
  return /^https?:/i.test(destination);
}
