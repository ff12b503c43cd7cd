import { fromBase64, toBase64 } from "../../core/shared/bytes.ts";

/** A body as it is stored and shown: text if it is UTF-8, so that people can read and repair it, else base64. */
export interface StoredBody {
  readonly body?: string;
  readonly bodyBase64?: string;
}

const encoder = new TextEncoder();

/** The body to store. An empty one takes no field. */
export function storedBody(bytes: Uint8Array): StoredBody {
  if (bytes.length === 0) return {};
  const text = readUtf8(bytes);
  if (text === undefined) return { bodyBase64: toBase64(bytes) };
  // Text full of quotes and control characters is longer as JSON than as base64.
  const isShort = encoder.encode(JSON.stringify(text)).length <= Math.ceil(bytes.length / 3) * 4 + 2;
  return isShort ? { body: text } : { bodyBase64: toBase64(bytes) };
}

/** The bytes of a stored body; undefined if its base64 is invalid. */
export function bytesOfBody({ body, bodyBase64 }: StoredBody): Uint8Array<ArrayBuffer> | undefined {
  if (bodyBase64 !== undefined) return fromBase64(bodyBase64);
  return encoder.encode(body ?? "");
}

/** A body for the API: text if it is UTF-8, else base64. */
export function shownBody(bytes: Uint8Array): StoredBody {
  if (bytes.length === 0) return {};
  const text = readUtf8(bytes);
  return text === undefined ? { bodyBase64: toBase64(bytes) } : { body: text };
}

function readUtf8(bytes: Uint8Array): string | undefined {
  try {
    // `ignoreBOM` keeps a byte order mark.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
