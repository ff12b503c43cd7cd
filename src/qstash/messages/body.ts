import { fromBase64, toBase64, utf8 } from "../../core/shared/bytes.ts";
import { bytesOf } from "../../core/shared/limits.ts";

/** A body as it is stored and shown: text if it is UTF-8, so that people can read and repair it, else base64. */
export interface StoredBody {
  readonly body?: string;
  readonly bodyBase64?: string;
}

/** The body to store. An empty one takes no field. */
export function storedBody(bytes: Uint8Array): StoredBody {
  const shown = shownBody(bytes);
  // Text full of quotes and control characters is longer as JSON than as base64.
  const isLong = bytesOf(JSON.stringify(shown.body ?? "")) > Math.ceil(bytes.length / 3) * 4 + 2;
  return isLong ? { bodyBase64: toBase64(bytes) } : shown;
}

/** The bytes of a stored body: none if its base64 is invalid. Somebody who corrects a message may add a text. */
export function bytesOfBody({ body, bodyBase64 = "" }: StoredBody): Uint8Array<ArrayBuffer> {
  return (body === undefined ? fromBase64(bodyBase64) : utf8(body)) ?? new Uint8Array();
}

/** A body for the API: text if it is UTF-8, else base64. */
export function shownBody(bytes: Uint8Array): StoredBody {
  if (bytes.length === 0) return {};
  try {
    // `ignoreBOM` keeps a byte order mark.
    return { body: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { bodyBase64: toBase64(bytes) };
  }
}
