import {
  invalidRequest,
  isTidegateError,
  orUndefined,
  quote,
  resultOrRefusal,
  type TidegateError,
  tooLarge,
} from "../../core/shared/errors.ts";
import { anything, isObject, list, type ObjectSchema, type Schema } from "../../core/shared/schema.ts";

/** Deeper JSON overflows the stack of code that walks it, such as a schema library. */
const DEEPEST = 128;

/** Reads at most `most` bytes of a request's body as JSON. An empty body is `{}`. */
export async function readJson(request: Request, most: number): Promise<unknown> {
  if (lengthOf(request) > most) throw bodyTooLarge(most);
  const bytes = await readBytes(request, most);
  if (bytes.length === 0) return {};
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(request.headers.get("content-type") ?? ""))
    throw invalidRequest("Send the body as JSON, with the header Content-Type: application/json.");
  return parseJson(bytes);
}

/** Reads each item of an array for itself. A wrong item becomes the error that it would get alone. */
export function readEach<Item>(value: unknown, item: Schema<Item>, most: number): readonly (Item | TidegateError)[] {
  return list(anything, most)
    .read(value, "")
    .map((each) => resultOrRefusal(() => item.read(checkJson(each), "")));
}

export function readQuery<Value>(url: string, schema: ObjectSchema<Value>): Value {
  const values = new Map<string, unknown>();
  for (const [name, text] of new URL(url).searchParams) {
    if (values.has(name)) throw invalidRequest(`${quote(name)} is given more than once.`);
    const field = Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined;
    values.set(name, field?.fromText ? field.fromText(text) : text);
  }
  return schema.read(Object.fromEntries(values), "");
}

/** Refuses a URL with an escape that is not UTF-8: the router would take it for another URL. */
export function checkAddress(url: string): void {
  if (orUndefined(() => decodeURIComponent(url)) === undefined)
    throw invalidRequest("The URL has a % that does not start a UTF-8 escape. Encode ids with encodeURIComponent.");
}

/** @param refusal makes another error for a body that is too large, from its beginning. */
export async function readBytes(
  request: Request,
  most: number,
  refusal: (beginning: Uint8Array) => Error | undefined = () => undefined,
): Promise<Uint8Array> {
  // It would pass for an empty one.
  if (request.bodyUsed) throw alreadyRead();
  const { bytes, isWhole } = await readUpTo(request, most).catch((error) => {
    throw isTidegateError(error) ? error : invalidRequest("The body ended before it was complete.");
  });
  if (!isWhole) throw refusal(bytes) ?? bodyTooLarge(most);
  if (bytes.length === 0 && lengthOf(request) > 0) throw alreadyRead();
  return bytes;
}

/** Reads a body to its end, or until it has more bytes than `most`. */
export async function readUpTo({ body }: Request | Response, most: number) {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body?.getReader();
  let isWhole = !reader;
  while (reader && !isWhole && length <= most) {
    const { done, value } = await reader.read();
    isWhole = done;
    if (value) chunks.push(value);
    length += value?.length ?? 0;
  }
  await reader?.cancel().catch(() => {});
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { bytes, isWhole };
}

function lengthOf({ headers }: Request): number {
  return Number(headers.get("content-length"));
}

export function alreadyRead(): TidegateError {
  return invalidRequest(
    "Something has read the body before the handler. Put the handler before the body parser, or pass it a copy: request.clone().",
  );
}

function bodyTooLarge(most: number): TidegateError {
  return tooLarge(
    `The body is larger than ${most} bytes. Send fewer jobs at once, or store the data elsewhere and enqueue a reference to it.`,
  );
}

/** Reads strict JSON. The parser's errors quote it, so callers get others. @throws {TidegateError} `invalid_request` */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalidRequest("The body is not valid JSON in UTF-8.");
  }
}

/** Refuses what I-JSON (RFC 7493) does, and keys that change a prototype. @throws {TidegateError} `invalid_request` */
export function checkJson(value: unknown): unknown {
  checkLevel(value, 0);
  return value;
}

function checkLevel(value: unknown, depth: number): void {
  if (typeof value === "number" && !Number.isFinite(value))
    throw invalidRequest("The body contains a number that is too large. Send it as a string.");
  if (typeof value === "string") checkWellFormed(value);
  if (typeof value !== "object" || value === null) return;
  if (depth === DEEPEST) throw invalidRequest(`The body is nested deeper than ${DEEPEST} levels.`);
  if (isObject(value)) Object.keys(value).forEach(checkKey);
  for (const inner of Object.values(value)) checkLevel(inner, depth + 1);
}

function checkKey(key: string): void {
  if (key === "__proto__") throw invalidRequest('The body must not contain a field named "__proto__".');
  checkWellFormed(key);
}

function checkWellFormed(text: string): void {
  if (!text.isWellFormed())
    throw invalidRequest("The body contains half a character (a lone surrogate), which is not valid Unicode.");
}
