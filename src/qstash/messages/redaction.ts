import { invalidRequest } from "../../core/shared/errors.ts";
import { bytesOfBody, type StoredBody } from "./body.ts";
import type { HeaderValues, Message } from "./message.ts";

/** What of a message nobody is shown. */
export interface Redaction {
  readonly body: boolean;
  /** All headers, or those with these names in lower case. */
  readonly header: "all" | ReadonlySet<string>;
}

/** What a redacted message has instead of what it shows. It is stored apart from the payload of its job. */
export interface HiddenParts {
  /** Default: the body is shown. */
  readonly content?: StoredBody;
  readonly header: HeaderValues;
  /** The headers of its callbacks. */
  readonly callback?: HeaderValues;
  readonly failureCallback?: HeaderValues;
}

/** A message, and what of it is hidden. */
export interface Redacted {
  readonly payload: Message;
  readonly hidden?: HiddenParts;
}

const pattern = /^(?:(body)|headers?(?:\[([^\]]+)\])?)$/i;

/**
 * Reads `Upstash-Redact-Fields`: "body", "header", and "header[Authorization]", separated by commas.
 *
 * @throws {TidegateError} `invalid_request` for everything else: what somebody wants to hide is not to be shown by
 *   mistake.
 */
export function readRedaction(text: string | null): Redaction | undefined {
  const fields = (text ?? "").split(",").map((field) => field.trim());
  if (fields.every((field) => field === "")) return undefined;
  const matches = fields.map((field) => pattern.exec(field));
  if (matches.some((match) => !match))
    throw invalidRequest('Upstash-Redact-Fields must be a list of "body", "header" and "header[Name]".');
  const names = matches.flatMap((match) => match?.[2]?.toLowerCase() ?? []);
  const isAll = matches.some((match) => match?.[1] === undefined && match?.[2] === undefined);
  return { body: matches.some((match) => match?.[1] !== undefined), header: isAll ? "all" : new Set(names) };
}

/**
 * Headers whose values let somebody in somewhere. They are hidden unasked: a token that reads jobs, as a dashboard or a
 * monitor has, is not meant to open what the publisher may open.
 */
const credentials = /authorization|cookie|secret|token|password|api-?key/i;

const notAsked: Redaction = { body: false, header: new Set() };

/**
 * Takes out of a message what is to be hidden, and its credentials. A hash stands in its place, as at QStash.
 *
 * @param redaction what the publisher has asked for. Default: nothing.
 */
export async function redact(message: Message, redaction: Redaction = notAsked): Promise<Redacted> {
  const headers = [message.header, message.callback?.header, message.failureCallback?.header];
  const hidesHeader = headers.some((header) =>
    Object.entries(header ?? {}).some((entry) => isHidden(entry, redaction)),
  );
  if (redaction === notAsked && !hidesHeader) return { payload: message };
  const { body, bodyBase64, header, callback, failureCallback, ...rest } = message;
  const stored = { ...(body !== undefined && { body }), ...(bodyBase64 !== undefined && { bodyBase64 }) };
  const own = await redactHeader(header, redaction);
  const ofCallback = callback && (await redactHeader(callback.header, redaction));
  const ofFailure = failureCallback && (await redactHeader(failureCallback.header, redaction));
  const bytes = bytesOfBody(stored) ?? new Uint8Array();
  return {
    payload: {
      ...rest,
      header: own.shown,
      ...(redaction.body ? { body: await markOf(bytes) } : stored),
      ...(callback && ofCallback && { callback: { ...callback, header: ofCallback.shown } }),
      ...(failureCallback && ofFailure && { failureCallback: { ...failureCallback, header: ofFailure.shown } }),
    },
    hidden: {
      ...(redaction.body && { content: stored }),
      header: own.hidden,
      ...(ofCallback && { callback: ofCallback.hidden }),
      ...(ofFailure && { failureCallback: ofFailure.hidden }),
    },
  };
}

/** The redaction that has hidden something. */
export function redactionOf(hidden: HiddenParts | undefined): Redaction | undefined {
  if (!hidden) return undefined;
  const { content, header, callback, failureCallback } = hidden;
  const names = [header, callback, failureCallback].flatMap((each) => Object.keys(each ?? {}));
  return { body: content !== undefined, header: new Set(names.map((name) => name.toLowerCase())) };
}

function isHidden([name, values]: readonly [string, readonly string[]], { header }: Redaction): boolean {
  const isNamed = header === "all" || header.has(name.toLowerCase());
  return isNamed || (credentials.test(name) && !values.every(isMark));
}

async function redactHeader(header: HeaderValues, redaction: Redaction) {
  const shown = Object.entries(header).map(async ([name, values]): Promise<[string, readonly string[]]> => {
    const marks = async () => Promise.all(values.map((value) => markOf(encoder.encode(value))));
    return [name, isHidden([name, values], redaction) ? await marks() : values];
  });
  return {
    shown: Object.fromEntries(await Promise.all(shown)),
    hidden: Object.fromEntries(Object.entries(header).filter((entry) => isHidden(entry, redaction))),
  };
}

/** What a message hides that has hidden something before, and hides more since it was changed. */
export function withMoreHidden(
  before: HiddenParts | undefined,
  added: HiddenParts | undefined,
): HiddenParts | undefined {
  if (!before || !added) return before ?? added;
  return {
    ...before,
    header: { ...before.header, ...added.header },
    callback: { ...before.callback, ...added.callback },
    failureCallback: { ...before.failureCallback, ...added.failureCallback },
  };
}

/** Puts back what is hidden. What somebody has written in its place stays. */
export function unredacted(message: Message, hidden: HiddenParts | undefined): Message {
  if (!hidden) return message;
  const { body, bodyBase64, header, callback, failureCallback, ...rest } = message;
  const shown = { ...(body !== undefined && { body }), ...(bodyBase64 !== undefined && { bodyBase64 }) };
  return {
    ...rest,
    header: wholeHeader(header, hidden.header),
    ...((isMark(body) && hidden.content) || shown),
    ...(callback && { callback: { ...callback, header: wholeHeader(callback.header, hidden.callback) } }),
    ...(failureCallback && {
      failureCallback: { ...failureCallback, header: wholeHeader(failureCallback.header, hidden.failureCallback) },
    }),
  };
}

function wholeHeader(header: HeaderValues, hidden: HeaderValues = {}): HeaderValues {
  return Object.fromEntries(
    Object.entries(header).map(([name, values]) => [name, values.every(isMark) ? (hidden[name] ?? values) : values]),
  );
}

const encoder = new TextEncoder();
const MARK = "REDACTED:";

async function markOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return MARK + Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function isMark(text: string | undefined): boolean {
  return text !== undefined && /^REDACTED:[0-9a-f]{64}$/.test(text);
}
