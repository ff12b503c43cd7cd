import { hexOf, sha256 } from "../../core/shared/bytes.ts";
import { invalidRequest } from "../../core/shared/errors.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { bytesOfBody, type StoredBody } from "./body.ts";
import type { Callback, HeaderValues, Message } from "./message.ts";

/** Which parts of a message are hidden from everybody. */
export interface Redaction {
  readonly body: boolean;
  /** All headers, or those with these names in lower case. */
  readonly header: "all" | ReadonlySet<string>;
}

/** The hidden parts of a message. They are stored beside the payload of its job. */
export interface HiddenParts {
  /** Default: the body is shown. */
  readonly content?: StoredBody;
  readonly header: HeaderValues;
  /** The headers of its callbacks. */
  readonly callback?: HeaderValues;
  readonly failureCallback?: HeaderValues;
}

const pattern = /^(?:(body)|headers?(?:\[([^\]]+)\])?)$/i;

/**
 * Reads `Upstash-Redact-Fields`: "body", "header" and "header[Authorization]", separated by commas.
 *
 * @throws {TidegateError} `invalid_request` for anything else: a typo must not show what somebody wants to hide.
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

/** Headers with credentials are always hidden: whoever may read jobs must not get the access of the publisher. */
const credentials = /authorization|cookie|secret|token|password|api-?key/i;

const notAsked: Redaction = { body: false, header: new Set() };

/** Replaces credentials, and what the publisher wants to hide (default: nothing), with hashes, as QStash does. */
export async function redact(
  message: Message,
  redaction: Redaction = notAsked,
): Promise<{ readonly payload: Message; readonly hidden?: HiddenParts }> {
  const headers = [message.header, message.callback?.header, message.failureCallback?.header];
  const hidesHeader = headers.some((header) =>
    Object.entries(header ?? {}).some((entry) => isHidden(entry, redaction)),
  );
  if (redaction === notAsked && !hidesHeader) return { payload: message };
  const { body, bodyBase64, header, callback, failureCallback, ...rest } = message;
  const stored = withoutUndefined({ body, bodyBase64 });
  const own = await redactHeader({ header }, redaction);
  const ofCallback = callback && (await redactHeader(callback, redaction));
  const ofFailure = failureCallback && (await redactHeader(failureCallback, redaction));
  return {
    payload: withoutUndefined({
      ...rest,
      ...own.shown,
      ...(redaction.body ? { body: await markOf(bytesOfBody(stored)) } : stored),
      callback: ofCallback?.shown,
      failureCallback: ofFailure?.shown,
    }),
    hidden: withoutUndefined({
      content: redaction.body ? stored : undefined,
      header: own.hidden,
      callback: ofCallback?.hidden,
      failureCallback: ofFailure?.hidden,
    }),
  };
}

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

async function redactHeader<Part extends { readonly header: HeaderValues }>(part: Part, redaction: Redaction) {
  const entries = Object.entries(part.header);
  const shown = entries.map(async ([name, values]): Promise<[string, readonly string[]]> => {
    const marks = async () => Promise.all(values.map(markOf));
    return [name, isHidden([name, values], redaction) ? await marks() : values];
  });
  return {
    shown: { ...part, header: Object.fromEntries(await Promise.all(shown)) },
    hidden: Object.fromEntries(entries.filter((entry) => isHidden(entry, redaction))),
  };
}

/** Adds what a changed message hides to what it hid before. */
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

/** Puts the hidden parts back, except where somebody has replaced a hash. */
export function unredacted(message: Message, hidden: HiddenParts | undefined): Message {
  if (!hidden) return message;
  const { body, bodyBase64, header, callback, failureCallback, ...rest } = message;
  const whole = (part: Callback | undefined, values: HeaderValues | undefined) =>
    part && { ...part, header: wholeHeader(part.header, values) };
  return withoutUndefined({
    ...rest,
    header: wholeHeader(header, hidden.header),
    ...((isMark(body) && hidden.content) || { body, bodyBase64 }),
    callback: whole(callback, hidden.callback),
    failureCallback: whole(failureCallback, hidden.failureCallback),
  });
}

function wholeHeader(header: HeaderValues, hidden: HeaderValues = {}): HeaderValues {
  return Object.fromEntries(
    Object.entries(header).map(([name, values]) => [name, values.every(isMark) ? (hidden[name] ?? values) : values]),
  );
}

const MARK = "REDACTED:";

async function markOf(value: string | Uint8Array<ArrayBuffer>): Promise<string> {
  return MARK + hexOf(await sha256(value));
}

function isMark(text: string | undefined): boolean {
  return text !== undefined && /^REDACTED:[0-9a-f]{64}$/.test(text);
}
