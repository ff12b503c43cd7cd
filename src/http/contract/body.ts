import { invalidRequest, quote, TidegateError } from "../../core/shared/errors.ts";
import { isObject, type ObjectSchema } from "./schema.ts";

type Body = ReadableStream<Uint8Array> | null;

/** Deeper JSON overflows the stack of code that walks through it, schema libraries among it. */
const DEEPEST = 128;

/**
 * Reads the body of a request as JSON; an empty one as `{}`.
 *
 * @param most how many bytes it may have. No more than that is read.
 * @throws {TidegateError} `payload_too_large`; `invalid_request` for what is not JSON, is not called so, or would not come
 *   back as it was.
 */
export async function readJson(headers: Headers, body: Body, most: number): Promise<unknown> {
  if (Number(headers.get("content-length")) > most) throw tooLarge(most);
  const bytes = await readBytes(body, most);
  if (bytes.length === 0) return {};
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(headers.get("content-type") ?? ""))
    throw invalidRequest("Send the body as JSON, with the header Content-Type: application/json.");
  const value = parseJson(bytes);
  checkJson(value, 0);
  return value;
}

/** Reads the query of an address. @throws {TidegateError} `invalid_request`; the message names the parameter. */
export function readQuery<Value>(url: string, schema: ObjectSchema<Value>): Value {
  const { searchParams } = new URL(url);
  const entries = [...searchParams].map(([name, text]) => {
    if (searchParams.getAll(name).length > 1) throw invalidRequest(`${quote(name)} is given more than once.`);
    const field = Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined;
    return [name, field?.fromText ? field.fromText(text) : text];
  });
  return schema.read(Object.fromEntries(entries), "");
}

/** Refuses an address with an escape that is not UTF-8: it would be taken for another one. */
export function checkAddress(url: string): void {
  if (!isUtf8(url))
    throw invalidRequest(
      "The address holds a % that does not begin an escape of UTF-8. Encode ids with encodeURIComponent.",
    );
}

function isUtf8(url: string): boolean {
  try {
    // The result is used because bundlers drop a call of this function that is made for its error alone.
    return decodeURIComponent(url) !== "";
  } catch {
    return false;
  }
}

/** Reads a body to its end. @throws {TidegateError} `payload_too_large` beyond so many bytes */
export async function readBytes(body: Body, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body?.getReader();
  while (reader) {
    const { done, value } = await reader.read().catch(() => Promise.reject(brokenOff()));
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel().catch(() => {});
      throw tooLarge(most);
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  chunks.reduce((offset, chunk) => {
    bytes.set(chunk, offset);
    return offset + chunk.length;
  }, 0);
  return bytes;
}

function tooLarge(most: number): TidegateError {
  return new TidegateError(
    "payload_too_large",
    `The body is larger than ${most} bytes. Send fewer jobs at once, or store the data elsewhere and enqueue its address.`,
  );
}

function brokenOff(): TidegateError {
  return invalidRequest("The body ended before it was complete.");
}

// The errors of the parser quote the body, so they are not passed on.
function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidRequest("The body is not valid UTF-8.");
  }
  try {
    return JSON.parse(text);
  } catch {
    throw invalidRequest("The body is not valid JSON.");
  }
}

/** Refuses what I-JSON (RFC 7493) does not carry, and keys that change what an object inherits once it is copied. */
function checkJson(value: unknown, depth: number): void {
  if (typeof value === "number" && !Number.isFinite(value))
    throw invalidRequest("The body holds a number that is too large. Send it as a string.");
  if (typeof value === "string") checkWellFormed(value);
  if (typeof value !== "object" || value === null) return;
  if (depth === DEEPEST) throw invalidRequest(`The body is nested deeper than ${DEEPEST} levels.`);
  if (isObject(value)) Object.keys(value).forEach(checkKey);
  for (const inner of Object.values(value)) checkJson(inner, depth + 1);
}

function checkKey(key: string): void {
  if (key === "__proto__") throw invalidRequest('The body may not hold a field named "__proto__".');
  checkWellFormed(key);
}

function checkWellFormed(text: string): void {
  if (!text.isWellFormed())
    throw invalidRequest("The body holds half a character (a lone surrogate), which is not Unicode.");
}
