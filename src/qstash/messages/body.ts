import { fromBase64, toBase64 } from "../shared/base64.ts";

/** A body as it is stored and shown: as text if it is UTF-8, so that people can read and repair it, else as base64. */
export interface StoredBody {
  readonly body?: string;
  readonly bodyBase64?: string;
}

const encoder = new TextEncoder();

/** The body as it is stored. An empty one is stored as nothing. */
export function storedBody(bytes: Uint8Array): StoredBody {
  if (bytes.length === 0) return {};
  const text = readUtf8(bytes);
  if (text === undefined) return { bodyBase64: toBase64(bytes) };
  // Text full of quotes and control characters takes more room as JSON than as base64.
  const isShort = encoder.encode(JSON.stringify(text)).length <= Math.ceil(bytes.length / 3) * 4 + 2;
  return isShort ? { body: text } : { bodyBase64: toBase64(bytes) };
}

/** The bytes of a stored body; undefined if it holds no base64. */
export function bytesOfBody({ body, bodyBase64 }: StoredBody): Uint8Array<ArrayBuffer> | undefined {
  if (bodyBase64 !== undefined) return fromBase64(bodyBase64);
  return encoder.encode(body ?? "");
}

/** The bytes as the API shows them: text if they are UTF-8, else base64. */
export function shownBody(bytes: Uint8Array): StoredBody {
  if (bytes.length === 0) return {};
  const text = readUtf8(bytes);
  return text === undefined ? { bodyBase64: toBase64(bytes) } : { body: text };
}

function readUtf8(bytes: Uint8Array): string | undefined {
  try {
    // Without ignoreBOM a byte order mark would be lost.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
