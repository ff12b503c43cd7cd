import { hexOf, sha256 } from "../../core/shared/bytes.ts";
import { invalidRequest } from "../../core/shared/errors.ts";
import { withoutUndefined } from "../../core/shared/validate.ts";
import { bytesOfBody, type StoredBody } from "./body.ts";
import type { Callback, Message } from "./message.ts";

export interface Redaction {
  readonly body: boolean;
  /** All headers, or those with these names in lower case. */
  readonly header: "all" | ReadonlySet<string>;
}

/** What a message hides, by the hash that stands in its place. It is stored beside the payload of its job. */
export type HiddenParts = Readonly<Record<string, StoredBody>>;

const pattern = /^(?:(body)|headers?(?:\[([^\]]+)\])?)$/i;

/** Reads `Upstash-Redact-Fields`, and refuses a typo, which must not show what somebody wants to hide. */
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
): Promise<{ readonly payload: Message; readonly hidden: HiddenParts | undefined }> {
  const hidden: Record<string, StoredBody> = {};
  const hide = async (value: StoredBody) => {
    const mark = `REDACTED:${hexOf(await sha256(bytesOfBody(value)))}`;
    hidden[mark] = value;
    return mark;
  };
  const withoutHidden = async <Part extends Callback | Message>(part: Part): Promise<Part> => {
    const header = Object.entries(part.header).map(async ([name, values]) => {
      const isShown = !isHidden(name, values, redaction);
      return [name, isShown ? values : await Promise.all(values.map((body) => hide({ body })))] as const;
    });
    return { ...part, header: Object.fromEntries(await Promise.all(header)) };
  };
  const { body, bodyBase64, callback, failureCallback, ...rest } = await withoutHidden(message);
  const content = withoutUndefined({ body, bodyBase64 });
  const payload = withoutUndefined({
    ...rest,
    ...(redaction.body ? { body: await hide(content) } : content),
    callback: callback && (await withoutHidden(callback)),
    failureCallback: failureCallback && (await withoutHidden(failureCallback)),
  });
  return { payload, hidden: Object.keys(hidden).length > 0 ? hidden : undefined };
}

function isHidden(name: string, values: readonly string[], { header }: Redaction): boolean {
  const isNamed = header === "all" || header.has(name.toLowerCase());
  return isNamed || (credentials.test(name) && !values.every((value) => /^REDACTED:[0-9a-f]{64}$/.test(value)));
}

/** What the callbacks of a message hide: the same headers, and their bodies, which contain the message. */
export function redactionOfCallbacks(
  { header, callback, failureCallback }: Message,
  hidden: HiddenParts | undefined,
): Redaction | undefined {
  if (!hidden) return undefined;
  const entries = [header, callback?.header, failureCallback?.header].flatMap((each) => Object.entries(each ?? {}));
  const names = entries.filter(([, values]) => values.some((value) => Object.hasOwn(hidden, value)));
  return { body: true, header: new Set(names.map(([name]) => name.toLowerCase())) };
}

/** Puts the hidden parts back, except where somebody has replaced a hash. */
export function unredacted(message: Message, hidden: HiddenParts | undefined): Message {
  if (!hidden) return message;
  const find = (mark: string) => (Object.hasOwn(hidden, mark) ? hidden[mark] : undefined);
  const whole = (mark: string) => new TextDecoder().decode(bytesOfBody(find(mark) ?? { body: mark }));
  const withHidden = <Part extends Callback | Message>(part: Part): Part => {
    const header = Object.entries(part.header).map(([name, values]) => [name, values.map(whole)]);
    return { ...part, header: Object.fromEntries(header) };
  };
  const { body, bodyBase64, callback, failureCallback, ...rest } = withHidden(message);
  return withoutUndefined({
    ...rest,
    ...(find(body ?? "") ?? { body, bodyBase64 }),
    callback: callback && withHidden(callback),
    failureCallback: failureCallback && withHidden(failureCallback),
  });
}
