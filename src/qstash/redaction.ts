import { invalidRequest } from "../core/shared/errors.ts";
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
 * @throws {TidegateError} `invalid_request` for everything else: what somebody wants to hide is not to be shown by mistake.
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

/** Takes out of a message what is to be hidden. A hash stands in its place, as at QStash. */
export async function redact(message: Message, redaction: Redaction | undefined): Promise<Redacted> {
  if (!redaction) return { payload: message };
  const { body, bodyBase64, header, ...rest } = message;
  const stored = { ...(body !== undefined && { body }), ...(bodyBase64 !== undefined && { bodyBase64 }) };
  const isHidden = (name: string) => redaction.header === "all" || redaction.header.has(name.toLowerCase());
  const hiddenHeader = Object.fromEntries(Object.entries(header).filter(([name]) => isHidden(name)));
  const shownHeader = Object.fromEntries(
    await Promise.all(
      Object.entries(header).map(
        async ([name, values]): Promise<[string, readonly string[]]> => [
          name,
          isHidden(name) ? await Promise.all(values.map((value) => markOf(encoder.encode(value)))) : values,
        ],
      ),
    ),
  );
  const bytes = bytesOfBody(stored) ?? new Uint8Array();
  return {
    payload: { ...rest, header: shownHeader, ...(redaction.body ? { body: await markOf(bytes) } : stored) },
    hidden: { ...(redaction.body && { content: stored }), header: hiddenHeader },
  };
}

/** Puts back what is hidden. What somebody has written in its place stays. */
export function unredacted(message: Message, hidden: HiddenParts | undefined): Message {
  if (!hidden) return message;
  const { body, bodyBase64, header, ...rest } = message;
  const shown = { ...(body !== undefined && { body }), ...(bodyBase64 !== undefined && { bodyBase64 }) };
  const whole = Object.entries(header).map(([name, values]) => [
    name,
    values.every(isMark) ? (hidden.header[name] ?? values) : values,
  ]);
  return { ...rest, header: Object.fromEntries(whole), ...((isMark(body) && hidden.content) || shown) };
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
